"""Raw image files that lie on the machine: where they are, IDX files, and bytes as scaled images.

Nothing is ever fetched here: a file comes from a Debian package or from `make data`, and a missing one is told with
both ways to get it, when the plan is made.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from pydantic_core import PydanticCustomError

from neurosieve.datasets.transforms import split_per_class
from neurosieve.errors import UserError

IDX_BYTES = 0x08
"""Code of unsigned bytes in an IDX header."""


def located(folder: str, name: str, remedy: str) -> str:
    """Path of a file in a folder, as given; a relative one is looked for here and in the folders above.

    Raises pydantic's error with the remedy when there is none, so that a plan shows it at the study's line.
    """
    path = Path(folder) / name
    here = Path.cwd()
    if not any((base / path).is_file() for base in (here, *here.parents)):
        raise PydanticCustomError("missing_file", "no file {path}; {remedy}", {"path": str(path), "remedy": remedy})
    return str(path)


def read_idx(path: Path) -> np.ndarray:
    """Unsigned bytes of an IDX file, plain or compressed by gzip, in the shape its header tells.

    The header: two zero bytes, the code 8 for bytes, the number of sides, then each side as four bytes, the highest
    first. Raises UserError for anything else.
    """
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: cannot be read ({error}); get the file again") from None
    if len(content) < 4 or content[:3] != bytes([0, 0, IDX_BYTES]):
        raise UserError(f"{path}: no IDX file of bytes (it starts with {content[:4].hex(' ') or 'nothing'})")
    start = 4 + 4 * content[3]
    shape = tuple(int(side) for side in np.frombuffer(content[4:start], ">u4"))
    if len(shape) != content[3] or len(content) != start + math.prod(shape):
        raise UserError(
            f"{path}: the header tells {' x '.join(map(str, shape))} bytes, there are {len(content) - start};"
            " get the file again"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def standardised_bytes(train: np.ndarray, *others: np.ndarray) -> tuple[np.ndarray, ...]:
    """`transforms.standardise` for bytes [rows, channels, ...]: float32, through one table of 256 values a channel.

    The same numbers up to rounding, in a quarter of the memory.
    """
    values = np.arange(256)
    tables = []
    for channel in range(train.shape[1]):
        counts = np.bincount(train[:, channel].ravel(), minlength=256)
        mean = (counts @ values) / counts.sum()
        deviation = math.sqrt((counts @ (values - mean) ** 2) / counts.sum()) or 1.0
        tables.append(((values - mean) / deviation).astype(np.float32))
    return tuple(_looked_up(part, tables) for part in (train, *others))


def _looked_up(pixels: np.ndarray, tables: list[np.ndarray]) -> np.ndarray:
    scaled = np.empty(pixels.shape, np.float32)
    for channel, table in enumerate(tables):
        scaled[:, channel] = table[pixels[:, channel]]
    return scaled


def drawn_rows(
    labels: dict[str, np.ndarray], counts: dict[str, int | None], draw: np.random.Generator, name: str
) -> dict[str, np.ndarray]:
    """Row numbers by split, equal counts per class, in random order.

    `labels` are those of the files `train` and `test`; validation rows come from the file `train`. A count None takes
    what the others leave. Raises UserError when a class has too few rows.
    """
    rows: dict[str, np.ndarray] = {}
    for file, splits in (("train", ("train", "validation")), ("test", ("test",))):
        fewest = int(np.bincount(labels[file])[np.unique(labels[file])].min())
        fixed = sum(counts[split] or 0 for split in splits)
        wanted = {split: fewest - fixed if counts[split] is None else counts[split] or 0 for split in splits}
        if sum(wanted.values()) > fewest or wanted[splits[0]] < 1:
            asked = " + ".join(f"{split} {count}" for split, count in wanted.items())
            raise UserError(f"{name}: {asked} rows per class wanted, the {file} file has {fewest} of some class")
        split_rows = split_per_class(labels[file], tuple(wanted.values()), draw)
        rows |= {split: part for split, part in zip(splits, split_rows, strict=True) if len(part)}
    return rows
