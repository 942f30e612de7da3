"""Expectation-maximisation: latent states inferred, parameters fitted to them, in turns."""
