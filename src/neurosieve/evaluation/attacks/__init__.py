"""Attacks on models that were made to forget rows, distances, and intervals: functions on arrays and on networks."""
