"""A copy of the project with tiny components, in which real Snakemake runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
OVERLAY = Path(__file__).parent / "overlay"
STUDY: dict[str, Any] = {
    "question": "Do tiny centres forget?",
    "dataset": {"use": "toy.points", "rows": 10},
    "forget": {"where": "label = 1"},
    "seeds": [11, 12, 13],
    "variants": {
        "original": {"model": {"use": "toy.centroid"}, "train": {"use": "toy.fit"}},
        "retrained": {"base": "original", "rows": "retain"},
        "counted": {"from": "original", "analysis": {"use": "analysis.toy_count"}},
        "drop": {"from": "original", "with": ["counted"], "unlearn": {"use": "unlearning.toy_drop", "far": 50}},
        "drop-again": {"from": "drop", "unlearn": {"use": "unlearning.toy_drop", "far": 10}},
    },
    "targets": {"drop": ["toy"]},
    "evaluate": [{"use": "toy_accuracy"}],
    "claims": [
        {
            "id": "T1",
            "says": "Dropping forgets the class.",
            "paper": "none",
            "metrics": ["accuracy"],
            "variants": ["drop"],
            "criterion": {
                "left": {"metric": "accuracy", "split": "forget", "of": "drop"},
                "is": "at_most",
                "right": 0.1,
            },
        }
    ],
    "scales": {"smoke": {"seeds": [11], "dataset": {"rows": 4}}},
}


@dataclass
class Ran:
    """A finished command."""

    code: int
    output: str

    @property
    def jobs(self) -> set[str]:
        """Jobs of a dry run: `stage study/variant/seed`, the page as `report`."""
        found = re.findall(r"would run: (\w+) (?:\S+ \((\S+)\))?", self.output)
        return {f"{stage} {title}".strip() for stage, title in found}


@dataclass
class Sandbox:
    """One project folder; `study` is its study's content until `write` puts it on disk."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def make(root: Path, studies: dict[str, Any] | None = None, environment: dict[str, str] | None = None) -> Sandbox:
        """Copy the sources and the workflow, add the tiny components, write the studies."""
        root.mkdir(parents=True)
        ignore = shutil.ignore_patterns("__pycache__")
        for name in ("src", "workflow", "profiles"):
            shutil.copytree(ROOT / name, root / name, ignore=ignore)
        shutil.copy(ROOT / "Snakefile", root / "Snakefile")
        shutil.copytree(OVERLAY, root / "src" / "neurosieve", dirs_exist_ok=True, ignore=ignore)
        box = Sandbox(root, environment or {})
        box.configure(studies or {"tiny": STUDY})
        return box

    def configure(self, studies: dict[str, Any], **settings: Any) -> None:
        """Write `config/config.yaml` and one file per study."""
        (self.root / "config" / "studies").mkdir(parents=True, exist_ok=True)
        config = {"scale": "default", "studies": list(studies), **settings}
        (self.root / "config" / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        for slug, study in studies.items():
            self.write(slug, study)

    def write(self, slug: str, study: dict[str, Any]) -> None:
        path = self.root / "config" / "studies" / f"{slug}.yaml"
        path.write_text(yaml.safe_dump(study, sort_keys=False))

    def edit(self, path: str, before: str, after: str) -> None:
        """Replace a text in a file of the project; it must occur."""
        file = self.root / path
        text = file.read_text()
        assert before in text, f"{before!r} is not in {path}"
        file.write_text(text.replace(before, after))

    def command(self, *arguments: str, **environment: str) -> tuple[list[str], dict[str, str]]:
        """A module's command line and environment, with this project's sources first."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("NEUROSIEVE", "SNAKEMAKE"))}
        path = os.pathsep.join([str(self.root / "src")])
        return [sys.executable, "-m", *arguments], {**clean, "PYTHONPATH": path, **self.environment, **environment}

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a module in the project; its output comes as one text."""
        command, full = self.command(*arguments, **environment)
        return subprocess.Popen(
            command, cwd=self.root, env=full, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def run(self, *arguments: str, **environment: str) -> Ran:
        process = self.start(*arguments, **environment)
        output, _ = process.communicate(timeout=300)
        return Ran(process.returncode, output)

    def snakemake(self, *arguments: str, **environment: str) -> Ran:
        """Real Snakemake with the default profile."""
        return self.run("snakemake", *arguments, **environment)

    def cli(self, *arguments: str, **environment: str) -> Ran:
        return self.run("neurosieve", *arguments, **environment)

    def todo(self, *arguments: str, **environment: str) -> set[str]:
        """What a dry run would do."""
        ran = self.snakemake("-n", *arguments, **environment)
        assert ran.code == 0, ran.output
        return ran.jobs

    def nodes(self) -> dict[str, Path]:
        """Folders of complete nodes below the store."""
        store = self.root / "results" / "store"
        return {str(p.parent.relative_to(store)): p.parent for p in sorted(store.glob("*/*/provenance.json"))}
