"""Associative memories: patterns stored in couplings and recalled by dynamics."""
