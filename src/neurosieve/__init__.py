"""neurosieve: one reproducible pipeline from data to a deployable, audited network.

prepare -> train -> intervene (unlearn, prune, sparsify) -> export to hardware -> evaluate -> report
"""
