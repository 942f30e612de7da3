"""Fetch public data sets into data/: `python workflow/fetch.py NAME...`, called by `make data`.

NAME is fashion-mnist, cifar10 or cifar100. DATA_URL in the environment is the address of the folder that holds the
files, as the data set's home page gives it (http, https or file); the repository names no host. Every file is checked
by SHA-256 before it gets its name, so a file that is there is whole; one that is there and right is not fetched again.
Needs the standard library only.
"""

from __future__ import annotations  # an older Python must get as far as our message

import hashlib
import os
import shutil
import sys
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
CIFAR_HOME = "the home page of CIFAR-10 and CIFAR-100"
SETS: dict[str, tuple[str, str, dict[str, str]]] = {
    "fashion-mnist": (
        "fashion-mnist",
        "the home page of Fashion-MNIST",
        {
            "train-images-idx3-ubyte.gz": "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
            "train-labels-idx1-ubyte.gz": "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
            "t10k-images-idx3-ubyte.gz": "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
            "t10k-labels-idx1-ubyte.gz": "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
        },
    ),
    "cifar10": (
        "cifar",
        CIFAR_HOME,
        {"cifar-10-binary.tar.gz": "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"},
    ),
    "cifar100": (
        "cifar",
        CIFAR_HOME,
        {"cifar-100-binary.tar.gz": "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"},
    ),
}
"""Data set -> folder below data/, where its address is found, SHA-256 by file."""


def main(names: list[str], root: Path = ROOT) -> None:
    """Fetch what is missing of the named data sets. Exits with one line when a name, address or file is wrong."""
    unknown = [name for name in names if name not in SETS]
    if unknown or not names:
        fail(f"no data set '{' '.join(unknown)}'; there are {', '.join(SETS)}: make data DATA=NAME DATA_URL=ADDRESS")
    for name in names:
        folder, home, sums = SETS[name]
        target = root / "data" / folder
        target.mkdir(parents=True, exist_ok=True)
        for file, wanted in sums.items():
            if (target / file).is_file() and sha256_of(target / file) == wanted:
                say(f"{target / file} is there")
            else:
                fetch(address_of(name, home), target / file, wanted)


def address_of(name: str, home: str) -> str:
    """DATA_URL, without a slash at its end."""
    address = os.environ.get("DATA_URL", "").rstrip("/")
    if not address.startswith(("http://", "https://", "file://")):
        fail(f"where is {name}? Look at {home} and say: make data DATA={name} DATA_URL=ADDRESS_OF_THE_FOLDER")
    return address


def fetch(address: str, path: Path, wanted: str) -> None:
    """One file, under another name until its content is known to be right."""
    say(f"{address}/{path.name} -> {path}")
    partial = path.with_name(f"{path.name}.part{os.getpid()}")
    try:
        with urllib.request.urlopen(f"{address}/{path.name}", timeout=60) as source, partial.open("wb") as out:
            shutil.copyfileobj(source, out)
        found = sha256_of(partial)
        if found == wanted:
            partial.replace(path)
    except (OSError, HTTPException, ValueError) as error:
        fail(f"{address}/{path.name}: {error}")
    finally:
        partial.unlink(missing_ok=True)
    if found != wanted:
        fail(f"{address}/{path.name} is another file: SHA-256 {found}, wanted {wanted}; nothing was kept")


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def say(message: str) -> None:
    """One line."""
    print(f"neurosieve: {message}", flush=True)


def fail(message: str) -> NoReturn:
    """One line, and the end."""
    sys.exit(f"neurosieve: {message}")


if __name__ == "__main__":
    main(sys.argv[1:])
