"""The figures of a study that its metrics allow, the main one first; and the sheet of samples."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

from neurosieve.report import rows
from neurosieve.report.charts import declared, dotplot, forgetting, layers, membership, sweep
from neurosieve.report.charts.figure import Figure
from neurosieve.report.state import Samples, StudyState


def study_figures(study: StudyState, panels: Sequence[rows.Panel]) -> list[Figure]:
    """What the study's file declares; forgetting map, cost, sweep, membership, where it dampens.

    A study that forgets nothing and declares nothing shows its first measure.
    """
    own = declared.figures(study)
    first = forgetting.forgetting_map(study, panels) or (None if own else dotplot.measure(study, panels))
    found = [
        *own,
        first,
        dotplot.cost(study, panels),
        sweep.sweeps(study, panels),
        membership.membership(study, panels),
        layers.where(study, panels),
    ]
    return _paired([figure for figure in found if figure is not None])


def _paired(figures: Sequence[Figure]) -> list[Figure]:
    """Figures of half the width come in twos: one that would stand alone is followed by the next of its kind."""
    waiting, ordered = list(figures), []
    while waiting:
        ordered.append(waiting.pop(0))
        if sum(figure.half for figure in ordered) % 2 and (near := next((f for f in waiting if f.half), None)):
            waiting.remove(near)
            ordered.append(near)
    return ordered


def sprite(samples: Samples, columns: int = 10) -> tuple[str, int, int] | None:
    """The samples side by side as a PNG data URI, with its width and height in pixels; None without samples."""
    if not samples.images:
        return None
    from PIL import Image

    height, width = len(samples.images[0]), len(samples.images[0][0])
    columns = min(columns, len(samples.images))
    lines = -(-len(samples.images) // columns)
    sheet = Image.new("L", (columns * (width + 2) - 2, lines * (height + 2) - 2), 255)
    for i, image in enumerate(samples.images):
        tile = Image.new("L", (width, height))
        tile.putdata([255 - value for line in image for value in line])
        sheet.paste(tile, (i % columns * (width + 2), i // columns * (height + 2)))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}", *sheet.size
