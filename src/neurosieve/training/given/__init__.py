"""Systems that are not fitted: their parameters are given."""
