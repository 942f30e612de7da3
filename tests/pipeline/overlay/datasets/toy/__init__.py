"""Tiny systems for tests of the pipeline."""
