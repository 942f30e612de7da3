"""A user's own networks."""
