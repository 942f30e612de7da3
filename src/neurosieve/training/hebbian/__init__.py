"""Hebbian learning: couplings are sums over what was seen."""
