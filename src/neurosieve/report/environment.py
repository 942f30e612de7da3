"""The pages' templates: one Jinja2 environment, which refuses a name that the view model does not hold."""

from __future__ import annotations

from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup

from neurosieve.report import templates


@cache
def environment() -> jinja2.Environment:
    """Templates of the package, escaped."""
    made = jinja2.Environment(
        loader=jinja2.PackageLoader(templates.__name__, ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    made.filters["spec"] = _spec
    return made


def _spec(value: dict[str, Any]) -> Markup:
    from neurosieve.report.charts import theme

    return Markup(theme.as_json(value))
