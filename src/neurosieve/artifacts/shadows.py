"""Roles of the models of further seeds that an evaluation looks at."""

RETRAINED, UNLEARNED = "retrained.", "unlearned."
"""What their roles begin with: trained without the rows to forget, trained and made to forget them."""
