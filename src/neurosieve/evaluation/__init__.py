"""Evaluation: metrics, attacks and probes that measure, and the claims that are decided on what was measured."""
