"""A project: the folder with `config/`, its settings, its store, and the cached plans of its studies."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from neurosieve.artifacts.hashes import FileHashes
from neurosieve.artifacts.store import Store
from neurosieve.errors import UserError
from neurosieve.plan import yaml12
from neurosieve.plan.components import explain
from neurosieve.plan.fingerprint import Source
from neurosieve.plan.nodes import StudyPlan
from neurosieve.plan.settings import RESERVED, Scale, Settings

CONFIG = Path("config/config.yaml")


@dataclass
class Project:
    """Everything that is read from the project's folder. `scale` overrides the configured one."""

    root: Path
    scale_override: str | None = None
    _plans: dict[str, StudyPlan] = field(default_factory=dict)

    @staticmethod
    def here(scale: str | None = None, start: Path | None = None) -> Project:
        """The project of the current folder or the nearest one above. Raises UserError when there is none."""
        start = (start or Path.cwd()).resolve()
        for folder in (start, *start.parents):
            if (folder / CONFIG).is_file():
                return Project(folder, scale)
        raise UserError(f"no {CONFIG} in {start} or above: run this inside a neurosieve project")

    @cached_property
    def settings(self) -> Settings:
        path = self.root / CONFIG
        raw = yaml12.load(path)
        if self.scale_override and isinstance(raw, dict):
            raw = {**raw, "scale": self.scale_override}
        try:
            return Settings.model_validate(raw)
        except ValidationError as error:
            text, place = explain(error, list(Settings.model_fields))
            raise UserError(f"{yaml12.position(path, place)}: {text}") from None

    @property
    def scale(self) -> Scale:
        return self.settings.scale

    @property
    def studies(self) -> list[str]:
        return self.settings.studies

    @cached_property
    def store(self) -> Store:
        return Store(self.root / "results")

    @cached_property
    def source(self) -> Source:
        return Source(memory=self._read_memory("syntax.json"))

    @cached_property
    def hashes(self) -> FileHashes:
        return FileHashes(self._read_memory("hashes.json"))

    def plan(self, slug: str) -> StudyPlan:
        """The plan of one study, from the cache where nothing that makes it has changed."""
        if slug not in self._plans:
            path = self._study_path(slug)
            cache = self.store.work / "plans" / f"{slug}-{self.scale}-{self._digest(path)}.json"
            self._plans[slug] = self._cached(cache) or self._expand(path, cache)
        return self._plans[slug]

    def plans(self, slugs: Iterable[str] | None = None) -> dict[str, StudyPlan]:
        """Plans by study, all configured ones by default."""
        return {slug: self.plan(slug) for slug in (slugs or self.studies)}

    def _study_path(self, slug: str) -> Path:
        if slug not in self.studies:
            known = ", ".join(self.studies) or "none"
            raise UserError(f"unknown study '{slug}'; {CONFIG} lists: {known}")
        path = self.root / "config" / "studies" / f"{slug}.yaml"
        where = yaml12.position(self.root / CONFIG, ["studies", self.studies.index(slug)])
        if slug in RESERVED:
            reserved = ", ".join(sorted(RESERVED))
            raise UserError(f"{where}: '{slug}' cannot be a study's name; reserved are: {reserved}")
        if not path.is_file():
            raise UserError(f"{where}: study '{slug}' has no file config/studies/{slug}.yaml")
        return path

    def _digest(self, path: Path) -> str:
        settings = self.settings
        over = json.dumps([settings.scale, settings.seeds, settings.targets])
        text = path.read_bytes() + over.encode() + self.source.digest.encode()
        return hashlib.sha256(text).hexdigest()[:16]

    def _cached(self, cache: Path) -> StudyPlan | None:
        try:
            plan = StudyPlan.loads(cache.read_bytes())
            fresh = all(self.hashes.sha256(self.root / name) == digest for name, digest in plan.files.items())
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None
        return plan if fresh else None

    def _expand(self, path: Path, cache: Path) -> StudyPlan:
        from neurosieve.plan.planner import Planner
        from neurosieve.plan.study import load_study

        overrides: dict[str, Any] = {"seeds": self.settings.seeds} if self.settings.seeds else {}
        loaded = load_study(path, self.scale, overrides)
        plan = Planner(loaded, self.root, self.source, self.hashes, self.settings.targets).expand()
        self._remember(cache, plan.dumps())
        self._remember(self.store.work / "syntax.json", json.dumps(self.source.memory).encode())
        self._remember(self.store.work / "hashes.json", json.dumps(self.hashes.memory).encode())
        for old in sorted(cache.parent.glob(f"{cache.name.rsplit('-', 1)[0]}-*.json"), key=lambda p: p.stat().st_mtime)[
            :-20
        ]:
            old.unlink(missing_ok=True)
        return plan

    def _remember(self, path: Path, content: bytes) -> None:
        """Write a cache file whole or not at all; a folder that cannot be written costs only time."""
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(content)
            os.replace(temporary, path)
        except OSError:
            temporary.unlink(missing_ok=True)

    def _read_memory(self, name: str) -> dict[str, Any]:
        try:
            known = json.loads((self.store.work / name).read_bytes())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}
