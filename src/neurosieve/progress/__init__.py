"""What a run of Snakemake says of itself: one live line on a terminal, few plain lines elsewhere, a log."""

from neurosieve.progress.run import Progress

__all__ = ["Progress"]
