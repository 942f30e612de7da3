"""Estimators of causal effects: what was estimated, how surely, and from which nuisance predictions."""
