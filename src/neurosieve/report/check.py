"""What a page refuses to show: slugs that are no file names, and measurements of different models as one result."""

from __future__ import annotations

import re

from neurosieve.errors import UserError
from neurosieve.report.state import Site, StudyState

SLUG = re.compile(r"[a-z0-9][a-z0-9-]*")


def check(site: Site) -> None:
    """Raises UserError in one line."""
    slugs = [study.slug for study in site.studies]
    for slug in slugs:
        if not SLUG.fullmatch(slug):
            raise UserError(f"study '{slug}': a slug is lower-case letters, digits and hyphens; rename its YAML file")
        if slugs.count(slug) > 1:
            raise UserError(f"two studies have the slug '{slug}'; rename one of their YAML files")
    for study in site.studies:
        _one_model_each(study)


def _one_model_each(study: StudyState) -> None:
    """Every metric of a variant and seed was measured on one and the same model, on its exports too."""
    seen: dict[tuple[str, int | None], tuple[str, str]] = {}
    for row in study.metrics:
        for seed, model in row.models.items():
            if not model:
                continue
            first, metric = seen.setdefault((row.variant, seed), (model, row.metric))
            if first != model:
                raise UserError(
                    f"study '{study.slug}': {row.variant}, seed {seed}: {metric} was measured on model {first}, "
                    f"{row.metric} on model {model}; one page does not mix them. Run: snakemake {study.slug}"
                )
