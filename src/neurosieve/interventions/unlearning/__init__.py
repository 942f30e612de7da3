"""Making a trained model forget rows of its training data."""
