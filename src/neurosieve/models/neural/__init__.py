"""Models of neural recordings: what a population of neurons is doing, read from its spikes."""
