"""Templates: escaped, and strict about names that the view model lacks."""

import jinja2
import pytest

from neurosieve.report.environment import environment


def test_values_are_escaped_and_specs_stay_inside_their_script() -> None:
    template = environment().from_string("{{ text }} {{ drawing|spec }}")
    shown = template.render(text="<b>", drawing={"title": "</script>"})
    assert shown == '&lt;b&gt; {"title":"\\u003c/script>"}'


def test_a_name_that_is_not_there_is_refused() -> None:
    with pytest.raises(jinja2.UndefinedError):
        environment().from_string("{{ nothing }}").render()
