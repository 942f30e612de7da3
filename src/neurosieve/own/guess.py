"""What a user's file seems to hold: which loader reads it, and which column is what; every guess is told.

Names decide first (`sample_id`, `patient_id`, `target`, `split`, …), then values: an id names one row each, a split
column holds train, validation or test. What is guessed stands in the study's file, where it can be mended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neurosieve.artifacts.hashes import files_in
from neurosieve.errors import UserError

LOADERS = {
    ".csv": "own.csv", ".tsv": "own.csv", ".txt": "own.csv", ".npz": "own.npz",
    ".parquet": "own.arrow", ".pq": "own.arrow", ".arrow": "own.arrow", ".feather": "own.arrow", ".ipc": "own.arrow",
}  # fmt: skip
"""Ending of a file -> the loader below `neurosieve.datasets` that reads it."""
IDS = ("sample_id", "id", "row_id", "uid", "uuid")
SUBJECTS = ("subject", "person", "patient", "customer", "client", "user", "owner", "participant", "speaker", "author")
TARGETS = ("target", "label", "labels", "class", "y", "diagnosis", "outcome", "category")
SPLITS = ("split", "splits", "set", "fold", "partition", "subset")
SPLIT_WORDS = {"train", "training", "validation", "val", "valid", "dev", "test", "testing"}
FEW = 20
"""Different values up to which a column of whole numbers may be classes; and classes that are written out."""


@dataclass
class Guess:
    """The loader, its parameters as the study's file names them, and what is told about them, a line each."""

    use: str
    params: dict[str, Any]
    told: list[str] = field(default_factory=list)
    regression: bool = False

    def say(self, line: str) -> None:
        self.told.append(line)


def guess(data: Path, shown: str) -> Guess:
    """The guess for a file or folder; `shown` is its path as the study names it.

    Raises UserError for an ending that no loader reads, and for a table without a column to predict.
    """
    if data.is_dir():
        return _of_folder(data, shown)
    use = LOADERS.get(data.suffix.lower())
    if use is None:
        known = ", ".join(sorted(LOADERS))
        raise UserError(
            f"--data {shown}: no loader for '{data.suffix or data.name}'; there are {known}, and folders of images"
        )
    extra = {"separator": "\t"} if data.suffix.lower() == ".tsv" else {}
    found = Guess(use, {"file": shown, "name": data.stem, **extra})
    return _of_table(found, Columns.read(data, use, **extra), shown)


@dataclass(frozen=True)
class Columns:
    """Scalar columns [rows] (texts, where the file is text), and the shapes of those that hold a tensor per row."""

    scalar: Mapping[str, np.ndarray]
    tensor: Mapping[str, tuple[int, ...]]

    @staticmethod
    def read(data: Path, use: str, separator: str = ",") -> Columns:
        """The columns of a file; of tensors only what they look like. Raises UserError where it cannot be read."""
        read = {"own.csv": _csv, "own.npz": _npz, "own.arrow": _arrow}[use]
        try:
            found = read(data, separator)
        except UserError:
            raise
        except Exception as error:  # polars, pyarrow and numpy have kinds of their own
            raise UserError(f"--data {data.name} cannot be read: {str(error).splitlines()[0]}") from None
        scalar = {name: value for name, value in found.items() if isinstance(value, np.ndarray)}
        return Columns(scalar, {name: value for name, value in found.items() if not isinstance(value, np.ndarray)})

    @property
    def names(self) -> list[str]:
        return [*self.scalar, *self.tensor]


def _csv(data: Path, separator: str) -> dict[str, Any]:
    import polars as pl

    table = pl.read_csv(data, separator=separator, infer_schema=False)
    table = table.filter(~pl.all_horizontal(pl.all().fill_null("") == ""))  # blank lines, as the loader
    return {name: table[name].fill_null("").to_numpy().astype(str) for name in table.columns}


def _npz(data: Path, _separator: str) -> dict[str, Any]:
    with np.load(data, allow_pickle=False) as archive:
        found = {name: archive[name] for name in archive.files}
    return {name: value if value.ndim == 1 else tuple(value.shape[1:]) for name, value in found.items()}


def _arrow(data: Path, _separator: str) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    with data.open("rb") as opened:
        begins = opened.read(6)
    if begins[:4] == b"PAR1":
        table = parquet.read_table(data)
    else:
        opens = pa.ipc.open_file if begins == b"ARROW1" else pa.ipc.open_stream
        table = opens(pa.memory_map(str(data))).read_all()
    found: dict[str, Any] = {}
    for name in table.column_names:
        column = table.column(name)
        if isinstance(column.type, pa.FixedShapeTensorType):
            found[name] = tuple(column.type.shape)
        elif pa.types.is_nested(column.type):
            found[name] = (len(column[0]),) if len(column) else ()
        else:
            found[name] = column.to_numpy()
    return found


def _of_table(found: Guess, columns: Columns, shown: str) -> Guess:
    """Part by part, each column once."""
    free = list(columns.scalar)
    for part, name in (
        ("splits", _splits(columns)),
        ("id", _id(columns)),
        ("subject", _subject(columns)),
    ):
        if name in free:
            found.params[part] = name
            free.remove(name)
    _tell_parts(found, columns)
    target = next((name for name in TARGETS for own in free if own.lower() == name for name in [own]), None)
    if target is None and free:
        target = free[-1]
        found.say(f"target: {target}, the last column; no name said so: mend it if that is wrong")
    elif target is not None:
        found.say(f"target: {target}")
    if target is None:
        raise UserError(f"--data {shown}: no column is left to be predicted; it has {', '.join(columns.names)}")
    found.params["target"] = target
    free.remove(target)
    _describe_target(found, columns.scalar[target])
    _add_inputs(found, columns, free)
    return found


def _tell_parts(found: Guess, columns: Columns) -> None:
    params = found.params
    found.say(
        f"id: {params['id']}" if "id" in params else "id: none found, rows are numbered row0000000, row0000001, …"
    )
    if "subject" in params:
        found.say(f"subject: {params['subject']} says whose a row is; a person may own many")
    if "splits" in params:
        found.say(f"splits: {params['splits']} says which rows trained the model")
        for row, value in _no_splits(columns.scalar[params["splits"]])[:1]:
            found.say(f"splits: it is {value} in row {row + 1}, none of train, validation, test: mend it")
    else:
        found.say(
            "splits: no column says which rows trained the model: shares are drawn by id. If it was trained on other"
            " rows, name a column: evidence compares rows that trained it with rows that did not"
        )


def _splits(columns: Columns) -> str | None:
    """A column by its name, most of whose values are splits; one that only a slip spoils is still what it is."""
    for name, values in columns.scalar.items():
        words = {str(value).lower()[:5] for value in np.unique(values.astype(str))}
        if name.lower() in SPLITS and "train" in words and 2 * len(_no_splits(values)) < len(values):
            return name
    return None


def _no_splits(values: np.ndarray) -> list[tuple[int, str]]:
    """Rows that name no split, with what they hold: `'trian'`, or empty."""
    texts = enumerate(values.astype(str).tolist())
    return [(row, f"'{text}'" if text else "empty") for row, text in texts if text.lower() not in SPLIT_WORDS]


def _id(columns: Columns) -> str | None:
    """A column by its name, or the first whose name ends like an id's; in either case its values differ."""
    unique = [name for name, values in columns.scalar.items() if len(np.unique(values.astype(str))) == len(values)]
    named = [name for wanted in IDS for name in unique if name.lower() == wanted]
    ending = [name for name in unique if name.lower().endswith(("_id", "-id", " id"))]
    texts = [name for name in unique if not _mostly_numbers(columns.scalar[name])]
    return next(iter([*named, *ending, *texts]), None)


def _subject(columns: Columns) -> str | None:
    """A column that is called after a person and repeats."""
    for name, values in columns.scalar.items():
        stem = name.lower().removesuffix("_id").removesuffix("-id").removesuffix(" id")
        if stem in SUBJECTS and len(np.unique(values.astype(str))) < len(values):
            return name
    return None


def _describe_target(found: Guess, values: np.ndarray) -> None:
    """Classes in the order of the model's outputs, or a number to be predicted; the loader's own rules."""
    different = np.unique(values.astype(str))
    if _is_number(values):
        numbers = np.unique(values.astype(float))
        whole = bool(np.all(numbers == np.round(numbers)))
        counted = whole and numbers[0] == 0 and values.dtype.kind != "f" and "." not in "".join(different)
        if counted and len(numbers) <= max(FEW, len(values) // 2):
            found.say(f"classes: numbered 0 to {int(numbers[-1])}, as the model's outputs are")
            return
        if not whole or len(numbers) > FEW:
            found.params["regression"] = found.regression = True
            found.say(f"target: {len(numbers)} different numbers: a number to be predicted, not a class")
            return
        different = np.array([str(int(number)) for number in numbers])
    elif len(different) > FEW * 10:
        raise UserError(f"the target '{found.params['target']}' has {len(different)} different texts: no class")
    found.params["classes"] = [str(name) for name in different]
    found.say(f"classes: {_shown(different)}, in this order the outputs of the model; mend it if training had another")


def _add_inputs(found: Guess, columns: Columns, free: list[str]) -> None:
    if columns.tensor:
        name = max(columns.tensor, key=lambda one: len(columns.tensor[one]))
        found.params["inputs"] = name
        found.say(f"inputs: {name}, {list(columns.tensor[name])} per row")
        return
    numbers = [name for name in free if _is_number(columns.scalar[name])]
    others = [name for name in free if name not in numbers]
    spoilt = [line for name in others for line in _spoilt(name, columns.scalar[name])]
    if not numbers:
        more = "".join(f"; {line}" for line in spoilt)
        raise UserError(f"--data {found.params['file']}: no column of numbers is left for the inputs{more}")
    for line in spoilt:
        found.say(line)
    if others:
        found.params["inputs"] = numbers
    left = f"; no numbers, so left out: {_shown(others)}" if others else ""
    found.say(f"inputs: {len(numbers)} columns of numbers, {_shown(numbers)}{left}")


def _of_folder(data: Path, shown: str) -> Guess:
    """A folder of images: its own subfolders are classes, or splits that hold classes."""
    from neurosieve.datasets.own.image_folder import ENDINGS

    images = [name.split("/") for name in files_in(data) if name.lower().endswith(ENDINGS)]
    if not images:
        raise UserError(f"--data {shown}: no image ({', '.join(ENDINGS)}) in this folder")
    found = Guess("own.image_folder", {"folder": shown, "name": data.name})
    first = {parts[0].lower() for parts in images}
    split = first <= SPLIT_WORDS and min(map(len, images)) >= 3
    if split:
        found.params["splits"] = "folders"
        found.say("splits: the folders train, validation, test")
    else:
        found.say("splits: no folders train and test: shares are drawn by the image's path")
    names = sorted({parts[split] for parts in images if len(parts) > 1 + split})
    found.params["classes"] = names
    found.say(f"id: the image's path below the folder; target: the folder's name; classes: {_shown(names)}")
    if all(name.isdigit() for name in names) and names != sorted(names, key=int):
        found.say(
            "classes: in order of text (0, 1, 10, 11, 2), as torchvision reads a folder; if training counted, mend it"
        )
    return found


def _spoilt(name: str, values: np.ndarray) -> Iterator[str]:
    """What to mend in a column that is left out, where most of its rows hold numbers."""
    rows = _no_numbers(values)
    if _mostly_numbers(values):
        more = f", nor are {len(rows) - 1} more" if len(rows) > 1 else ""
        yield f"{name}: row {rows[0] + 1} is no number{more}, so it is left out: mend the file if {name} is an input"


def _mostly_numbers(values: np.ndarray) -> bool:
    return 2 * len(_no_numbers(values)) < len(values)


def _is_number(values: np.ndarray) -> bool:
    return not len(_no_numbers(values))


def _no_numbers(values: np.ndarray) -> np.ndarray:
    """Rows that hold no number; all rows of a column with a 0087, which is a name."""
    if values.dtype.kind in "iufb":
        return np.arange(0)
    texts = values.astype(str)
    if any(len(text) > 1 and text[0] == "0" and text[1].isdigit() for text in texts):
        return np.arange(len(texts))
    try:
        texts.astype(float)
    except ValueError:
        return np.flatnonzero([not _reads(text) for text in texts.tolist()])
    return np.arange(0)


def _reads(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _shown(names: Any, most: int = 6) -> str:
    listed = [str(name) for name in names]
    return ", ".join(listed[:most]) + (f", … ({len(listed)})" if len(listed) > most else "")
