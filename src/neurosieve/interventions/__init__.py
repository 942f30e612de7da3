"""Changes to a trained model: unlearning, pruning, sparsification, adaptation, and analyses that only add tensors."""
