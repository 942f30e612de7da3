"""Analyses: they leave the weights alone and add tensors (importances, thresholds) that later steps read."""
