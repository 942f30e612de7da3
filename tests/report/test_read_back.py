"""Every measured number on a page is one of the metrics, of the verdicts, of the run, or follows from them."""

import itertools
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from neurosieve.report.page import render

HERE = Path(__file__).parent
sites = SimpleNamespace(**runpy.run_path(str(HERE / "sites.py")))
whole = SimpleNamespace(**runpy.run_path(str(HERE / "whole.py")))
pages = SimpleNamespace(**runpy.run_path(str(HERE / "pages.py")))


def of_rows(study):
    """Values of every seed, their mean, its interval and the largest; what export changed; shares by layer."""
    found = []
    for row in study.metrics:
        values = list(row.values.values())
        found += [*values, np.mean(values), row.n or 0, *interval(values)]
    native = {(r.variant, r.metric, r.split): r for r in study.metrics if r.target == "native"}
    for row in study.metrics:
        other = native.get((row.variant, row.metric, row.split))
        if row.target != "native" and other:
            found.append(row.mean - other.mean)
    return found + of_layers(study)


def interval(values, bounds=(0, 1)):
    if len(values) < 3 or np.ptp(values) == 0:
        return [np.mean(values)] if len(values) else []
    ends = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
    return [*ends, *np.clip(ends, *bounds)]


def of_layers(study):
    groups = {}
    for row in study.layers:
        groups.setdefault((row.variant, row.layer.rpartition(".")[0]), []).append(row)
    found = []
    for rows in groups.values():
        total = sum(row.elements for row in rows)
        shares = [sum(row.selected[seed] for row in rows) / total for seed in rows[0].selected]
        found += [total, np.mean(shares), *shares]
    return found


def of_verdicts(study):
    found = []
    for record in study.claims:
        for part in [*record["parts"], *([record["deciding"]] if record.get("deciding") else [])]:
            numbers = [part.get(name) for name in ("left", "right", "low", "high", "margin", "p")]
            found += [one for one in [*numbers, *part.get("bounds", ())] if one is not None]
            if part.get("low") is not None and part["right"] is not None:
                found += [part["low"] + part["right"], part["high"] + part["right"]]
        found += [one["value"] for one in record["report"] if one["value"] is not None]
    return found


def of_chains(study):
    """Sparsity, and the distance of each attack from the retrained network's."""
    found = []
    attacks = {(r.variant, r.target): r.values for r in study.metrics if r.metric == "mia_success"}
    for (variant, _), values in attacks.items():
        setting = variant.partition("@")[2]
        theirs = attacks.get((f"retrained@{setting}", "native"), {})
        gaps = [abs(v - theirs[seed]) for seed, v in values.items() if seed in theirs]
        found += [*gaps, *([np.mean(gaps)] if gaps else []), *interval(gaps)]
    sizes = {(r.variant, r.metric): r.mean for r in study.metrics if r.metric in ("nonzeros", "parameters")}
    found += [1 - sizes[v, "nonzeros"] / sizes[v, "parameters"] for v, metric in sizes if metric == "nonzeros"]
    means = [r.mean for r in study.metrics if (r.metric, r.split, r.target) == ("accuracy", "retain", "native")]
    return found + [a - b for a, b in itertools.permutations(means, 2)]


def of_costs(site):
    columns = [(cost.nodes, cost.wall_seconds, cost.cpu_seconds) for cost in site.costs]
    found = [value for column in columns for value in column] + [sum(column) for column in zip(*columns, strict=True)]
    found += [value for node in site.slowest for value in (node.wall_seconds, node.cpu_seconds)]
    return found + [one.peak_memory_mb for one in (*site.costs, *site.slowest)]


def of_run(site):
    found = [site.run.wall_seconds, site.run.from_store, site.summary.luck]
    found += [site.summary.decided, site.summary.holds, site.summary.holds_firmly, site.summary.exact]
    found += [n for total in site.run.stages for n in (total.nodes, total.cpu_seconds)]
    found += of_costs(site)
    found.append(sum(total.cpu_seconds for total in site.run.stages))
    for study in site.studies:
        found += [study.nodes_done, study.nodes_total, study.to_compute, study.cpu_seconds]
        found += [n for node in study.nodes for n in (node.nodes, node.cpu_seconds, node.peak_memory_mb)]
        for dataset in study.datasets:
            found += [*dataset.counts.values(), sum(dataset.counts.values()), len(dataset.class_names)]
    return [one for one in found if one is not None]


@pytest.mark.parametrize("site", [sites.site(whole.study()), sites.several()], ids=["whole", "several"])
def test_every_number_is_found_in_the_tables(site, tmp_path):
    render(site, tmp_path, tmp_path / "kept")
    known = of_run(site)
    for study in site.studies:
        known += of_rows(study) + of_verdicts(study) + of_chains(study)
    known = np.unique(np.array(known, dtype=float))
    read = 0
    for path in sorted(tmp_path.rglob("*.html")):
        page = pages.read(path)
        for one in page.all("data"):
            value = float(one.attributes["value"])
            nearest = known[np.argmin(np.abs(known - value))]
            assert value == pytest.approx(nearest, rel=1e-8, abs=1e-11), (path.name, one.text)
            read += 1
    assert read > 100


def test_drawn_values_are_measured_ones(tmp_path):
    study = whole.study()
    render(sites.site(study), tmp_path, tmp_path / "kept")
    known = np.unique(np.array(of_rows(study), dtype=float))
    specs = pages.specs(pages.read(tmp_path / "studies" / "ssd.html"))
    fields = {"map": ("lost", "kept"), "membership": ("value",), "sweep": ("y",), "layers": ("share",)}
    for name, spec in specs.items():
        for rows in (spec["datasets"].get(kind, []) for kind in ("means", "runs", "marks")):
            for row in rows:
                for field in fields.get(name.rpartition("-")[0], ()):
                    value = row[field] / 100
                    assert np.abs(known - value).min() < 6e-4 * max(value, 0.02), (name, row)
