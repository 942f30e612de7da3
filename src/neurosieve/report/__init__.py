"""The report: a static page drawn from a view model, with no script and no request."""
