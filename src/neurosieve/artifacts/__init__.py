"""The on-disk contract: datasets, models, metrics, provenance and the store of immutable nodes.

Every stage reads and writes through this package and nothing else touches `results/store/`.
`FORMAT` is the declared version of the stored bytes: it takes part in every key, so raise it when what is
written changes, and leave it when the code is only tidied.
"""

FORMAT = 1
