"""Fills the report's view model from plans and store: states, verdicts, metrics, provenance, history of criteria."""

from neurosieve.views.site.studies import site_of

__all__ = ["site_of"]
