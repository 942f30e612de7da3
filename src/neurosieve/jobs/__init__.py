"""Jobs: one node computed, from its recipe to its directory in the store, the same way cold or warm."""
