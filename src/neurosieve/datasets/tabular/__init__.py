"""Tables of observations: covariates, an instrument, a treatment and an outcome."""
