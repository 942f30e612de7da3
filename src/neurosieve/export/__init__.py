"""Targets: a trained network as a file that another runtime runs, checked against the network it came from."""
