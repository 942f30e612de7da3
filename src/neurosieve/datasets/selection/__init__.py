"""Rules that choose the rows to forget; each prepares a `Selection` of an existing dataset."""
