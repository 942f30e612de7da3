"""Pictures drawn by us from fonts and shapes: known content, unlimited rows, no real person or place."""
