"""Simulated systems of many simple agents."""
