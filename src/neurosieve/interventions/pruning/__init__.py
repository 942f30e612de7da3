"""Setting weights to zero for good; masks stay with the model under the role `mask`."""
