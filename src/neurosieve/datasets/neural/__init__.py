"""Recordings of neurons: spike counts, simulated ones with their truth and a user's own."""
