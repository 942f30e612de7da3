"""One-line errors: what is wrong, where, and what to do. The command line prints them and exits with 1."""

from collections.abc import Iterable


class UserError(Exception):
    """Something the user can mend. The message is one line and names the place and the remedy."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(str(message).split()))


STEP = "· "
"""How a line of progress begins in a job's log; such a line is no error."""


class AbsentError(UserError):
    """What a study needs is not on this machine (a raw file): that study is skipped, others can run."""


def near(word: str, known: Iterable[str]) -> str:
    """` (did you mean 'alpha'?)` where a known word looks like this one, else nothing."""
    import difflib

    close = difflib.get_close_matches(word, list(known), 1)
    return f" (did you mean '{close[0]}'?)" if close else ""


def killed(stage: str) -> str:
    """What is said of a job that ended without a word."""
    more = f"`resources: {{{stage}: {{memory: 4 GB, minutes: 60}}}}`"
    return (
        "its process was killed before it could end: out of memory or time (where these are limited, the study's "
        f"{more} asks for more), or by a signal (Ctrl-C is one); run the same command again"
    )
