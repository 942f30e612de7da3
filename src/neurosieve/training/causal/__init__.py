"""Estimating an average treatment effect from observations."""
