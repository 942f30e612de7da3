"""How a fresh network learns from the training split."""
