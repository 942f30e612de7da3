"""Words and Markdown of the studies' pages: tables, code spans, YAML in one line, criteria as sentences."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from neurosieve.evaluation.claims import forms
from neurosieve.evaluation.claims.grammar import Claim
from neurosieve.evaluation.claims.labels import criterion_label


def inline(text: object) -> str:
    """Text on one line that Markdown shows as it is written; what stands in backticks is code."""
    pieces = re.split(r"(`[^`]*`)", " ".join(str(text).split()))
    return "".join(piece if piece.startswith("`") else re.sub(r"([\\*<\[])", r"\\\1", piece) for piece in pieces)


def cell(text: object) -> str:
    """The same for a cell of a table."""
    return inline(text).replace("|", "\\|")


def code(text: str) -> str:
    """A code span, also inside a table; empty for nothing."""
    return f"`{text}`".replace("|", "\\|") if text else ""


def link(text: str, target: str) -> str:
    """A link; `text` is Markdown."""
    return f"[{text}]({target})"


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """A table without the columns that are empty in every row."""
    texts = [[str(value) for value in row] for row in rows]
    kept = [place for place in range(len(heads)) if any(row[place] for row in texts)]
    lines = [[heads[place] for place in kept], ["---"] * len(kept), *([row[place] for place in kept] for row in texts)]
    return [f"| {' | '.join(line)} |" for line in lines]


def flow(value: Any, top: bool = True) -> str:
    """A value of a study's file as YAML in one line; the outermost mapping without its braces."""
    match value:
        case None:
            return "" if top else "null"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case Mapping():
            text = ", ".join(f"{key}: {flow(item, False)}" for key, item in value.items())
            return text if top else f"{{{text}}}"
        case list() | tuple():
            text = ", ".join(flow(item, False) for item in value)
            return text if top else f"[{text}]"
        case _:
            return str(value)


def criterion_lines(claim: Claim) -> Iterator[str]:
    """The criterion of a claim, what controls it and where it holds, one condition a line."""
    if claim.at:
        yield f"*at {cell(', '.join(f'{axis}={flow(value)}' for axis, value in claim.at.items()))}:*"
    yield from _lines(claim.criterion)
    if claim.requires is not None:
        yield f"*control:* {_words(criterion_label(claim.requires))}"
    if claim.inconclusive_if is not None:
        yield f"*inconclusive if* {_words(criterion_label(claim.inconclusive_if))}"
    if claim.exact:
        yield "*holds by construction or accounting*"


def _lines(criterion: Any) -> Iterator[str]:
    if isinstance(criterion, forms.AllOf):
        parts = list(criterion.all_of)
        yield from (
            _words(criterion_label(part)) + (", and" if place < len(parts) else "")
            for place, part in enumerate(parts, 1)
        )
    else:
        yield _words(criterion_label(criterion))


def _words(label: str) -> str:
    """A label with the bars and brackets of `|[a − b]|` once."""
    return cell(label.replace("|[", "|").replace("]|", "|"))
