"""Hot loops: pure functions on arrays and tensors, with no files, no configuration and no knowledge of studies."""
