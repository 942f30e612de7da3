"""A project: the folder with `config/`, its settings, its store, and the cached plans of its studies."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from neurosieve.artifacts.hashes import FileHashes
from neurosieve.artifacts.store import Store
from neurosieve.errors import AbsentError, UserError
from neurosieve.plan import yaml12
from neurosieve.plan.components import explain
from neurosieve.plan.fingerprint import Source
from neurosieve.plan.nodes import StudyPlan
from neurosieve.plan.requests import is_as_planned
from neurosieve.plan.settings import RESERVED, SCALES, Scale, Settings

CONFIG = Path("config/config.yaml")


@dataclass
class Project:
    """Everything that is read from the project's folder. `scale` overrides the configured one."""

    root: Path
    scale_override: str | None = None
    skipped: dict[str, str] = field(default_factory=dict)
    """Configured studies that `plans` left out -> what they need, where, in one line."""
    _plans: dict[str, StudyPlan] = field(default_factory=dict)
    _expanded: list[str] = field(default_factory=list)

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
        return self.plans([slug])[slug]

    def plans(self, slugs: Iterable[str] | None = None) -> dict[str, StudyPlan]:
        """Plans by study. Of all configured ones (the default), those that lack a raw file are `skipped`.

        Raises AbsentError where a study that was asked for lacks one, or every configured study does.
        """
        wanted = list(slugs or ())
        try:
            for slug in wanted or self.studies:
                try:
                    self._plan(slug)
                except AbsentError as error:
                    if wanted:
                        raise
                    self.skipped[slug] = str(error).replace(f"{self.root}/", "")
        finally:
            if self._expanded:  # once, after all: what is remembered of the sources is one file for all studies
                self._remember_readings()
        found = {slug: self._plans[slug] for slug in wanted or self.studies if slug in self._plans}
        if not found and self.skipped:
            raise AbsentError(next(iter(self.skipped.values())))
        return found

    def _plan(self, slug: str) -> None:
        if slug not in self._plans:
            path = self._study_path(slug)
            cache = self._cache_folder / f"{slug}-{self.scale}-{self._digest(path)}.json"
            self._plans[slug] = self._cached(cache) or self._expand(path, cache)

    def plan_with(self, key: str) -> StudyPlan | None:
        """The plan of the first study that has a node of this key; of all studies only one is read if possible."""
        for slug in [slug for slug in self._owners(key) if slug in self.studies]:
            if key in (plan := self.plan(slug)).nodes:
                return plan
        return next((plan for plan in self.plans().values() if key in plan.nodes), None)

    def index(self) -> None:
        """Write down which study has which key, so that a job of a cluster reads the plan of one study only.

        Keys are hashes of all that makes a node: an old entry is never wrong, at most the plan has the key no more.
        """
        owners: dict[str, str] = {}
        for slug, plan in self.plans().items():
            for key in plan.nodes:
                owners.setdefault(key, slug)
        text = "".join(f"{key} {slug}\n" for key, slug in owners.items()).encode()
        if self._read_index() != text:
            self._remember(self._index_path, text)

    def _owners(self, key: str) -> list[str]:
        place = self._read_index().find(f"{key} ".encode())
        return [] if place < 0 else [self._read_index()[place:].split(b"\n", 1)[0].decode().partition(" ")[2]]

    @property
    def _index_path(self) -> Path:
        return self._cache_folder / f"keys-{self.scale}.txt"

    def _read_index(self) -> bytes:
        try:
            return self._index_path.read_bytes()
        except OSError:
            return b""

    @property
    def _cache_folder(self) -> Path:
        return self.store.work / "plans"

    def _study_path(self, slug: str) -> Path:
        if slug not in self._listed:
            known = ", ".join(self.studies) or "none"
            raise UserError(f"unknown study '{slug}'; {CONFIG} lists: {known}")
        path = self.root / "config" / "studies" / f"{slug}.yaml"
        if slug not in RESERVED and path.is_file():
            return path
        where = yaml12.position(self.root / CONFIG, ["studies", self.studies.index(slug)])
        if slug in RESERVED:
            reserved = ", ".join(sorted(RESERVED))
            raise UserError(f"{where}: '{slug}' cannot be a study's name; reserved are: {reserved}")
        raise UserError(f"{where}: study '{slug}' has no file config/studies/{slug}.yaml")

    @cached_property
    def _listed(self) -> frozenset[str]:
        return frozenset(self.studies)

    def _digest(self, path: Path) -> str:
        settings = self.settings
        over = json.dumps([settings.scale, settings.seeds, settings.targets])
        text = path.read_bytes() + over.encode() + self.source.digest.encode()
        return hashlib.sha256(text).hexdigest()[:16]

    def _cached(self, cache: Path) -> StudyPlan | None:
        try:
            plan = StudyPlan.loads(cache.read_bytes())
            fresh = all(self.hashes.sha256(self.root / name) == digest for name, digest in plan.files.items())
            fresh = fresh and all(is_as_planned(self.root, name, digest) for name, digest in plan.requests.items())
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None
        return plan if fresh else None

    def _expand(self, path: Path, cache: Path) -> StudyPlan:
        from neurosieve.plan.planner import Planner
        from neurosieve.plan.study import load_study

        overrides: dict[str, Any] = {"seeds": self.settings.seeds} if self.settings.seeds else {}
        loaded = load_study(path, self.scale, overrides)
        plan = Planner(loaded, self.root, self.source, self.hashes, self.settings.targets).expand()
        self._check_other_scales(path)
        self._remember(cache, plan.dumps())
        self._expanded.append(cache.name.rsplit("-", 1)[0])
        return plan

    def _check_other_scales(self, path: Path) -> None:
        """Plan the study at the scales that were not asked for: a mistake there is told now, not in the long run."""
        from neurosieve.plan.planner import Planner
        from neurosieve.plan.study import load_study

        overridden = yaml12.load(path).get("scales") or {}
        for scale in SCALES:
            if scale != self.scale and scale in ("default", *overridden):
                with suppress(AbsentError):  # raw files are asked for where they are used
                    Planner(load_study(path, scale), self.root, self.source, self.hashes, None).expand()

    def _remember_readings(self) -> None:
        """Keep what was read of sources and raw files, and of each study just planned its 20 latest plans."""
        self.source.digest_of("kernels")  # every job asks for it: let it find the syntax trees read
        self._remember(self.store.work / "syntax.json", json.dumps(self.source.memory).encode())
        self._remember(self.store.work / "hashes.json", json.dumps(self.hashes.memory).encode())
        found: dict[str, list[Path]] = {name: [] for name in self._expanded}
        for path in self._cache_folder.glob("*.json"):
            found.get(path.name.rsplit("-", 1)[0], []).append(path)
        for paths in found.values():
            for old in sorted(paths, key=lambda path: path.stat().st_mtime)[:-20] if len(paths) > 20 else ():
                old.unlink(missing_ok=True)
        self._expanded.clear()

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
