"""Networks that see: image classifiers."""
