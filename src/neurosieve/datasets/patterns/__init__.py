"""Patterns without a picture: arrays to sort, archetypes to remember."""
