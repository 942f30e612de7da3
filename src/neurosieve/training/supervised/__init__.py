"""Training on labelled rows."""
