"""Commands for a user's own model and for deletion requests; nothing heavy is imported before one runs."""

from __future__ import annotations

import click

COMMANDS: tuple[click.Command, ...] = ()
"""What `cli` adds to its group, in the order of a user's way."""
