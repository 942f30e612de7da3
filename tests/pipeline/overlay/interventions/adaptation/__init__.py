"""Interventions that adapt a model after training."""
