"""Exact forgetting by design: networks trained on disjoint shards of the rows, put together (SISA)."""
