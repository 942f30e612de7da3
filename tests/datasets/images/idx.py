"""Tiny IDX files for tests."""

import gzip

import numpy as np


def idx_bytes(array):
    """A uint8 array as the content of an IDX file."""
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


def write_idx(path, array):
    """The same as a file, compressed where its name says so."""
    content = idx_bytes(np.asarray(array, np.uint8))
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path
