"""Deletion requests: which artifacts learned from the rows, the plan that repairs them, purging, certificates."""
