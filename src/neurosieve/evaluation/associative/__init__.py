"""Associative memories: what they recall, against theory, over phase diagrams and on images."""
