"""One-line errors: what is wrong, where, and what to do. The command line prints them and exits with 1."""


class UserError(Exception):
    """Something the user can mend. The message is one line and names the place and the remedy."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(str(message).split()))
