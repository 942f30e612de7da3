"""Architectures and simulated systems: what a training trains, with masks as named tensors."""
