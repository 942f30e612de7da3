"""The figures that a study declares, checked before anything runs."""

from __future__ import annotations

from neurosieve.errors import near
from neurosieve.evaluation.vocabulary import metric, vocabulary
from neurosieve.plan.study import LoadedStudy
from neurosieve.report.state import FigureSpec


def check_figures(loaded: LoadedStudy) -> None:
    """Raises UserError at the line of a declared figure that names no metric or variant there is."""
    for place, figure in enumerate(loaded.study.figures):
        if not isinstance(figure, FigureSpec):
            continue
        for field, name in (("metric", figure.metric), ("theory", figure.theory)):
            if name and not metric(name).known:
                hint = near(name, vocabulary())
                message = (
                    f"figure {figure.name}: {field}: there is no metric '{name}'{hint} in evaluation/vocabulary.csv"
                )
                raise loaded.error(message, "figures", place, field)
        for name in figure.variants:
            if name not in loaded.study.variants:
                hint = near(name, loaded.study.variants)
                message = f"figure {figure.name}: the study has no variant '{name}'{hint}"
                raise loaded.error(message, "figures", place, "variants")
