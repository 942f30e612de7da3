"""Changes that fit a model to its task or to its form again, as after pruning."""
