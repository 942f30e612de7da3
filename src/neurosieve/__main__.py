"""`python -m neurosieve VERB ...`: a job in a worker of the warm start where there is one, else in here."""

import sys

from neurosieve import warm
from neurosieve.errors import UserError

JOB_VERBS = frozenset({"prepare", "train", "intervene", "export", "evaluate", "verdict", "report"})


def main() -> int:
    """Run the command in `sys.argv`; its exit code."""
    try:
        warm.limit_threads()
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    code = warm.submit() if JOB_VERBS.intersection(sys.argv[1:2]) else None
    if code is not None:
        return code
    from neurosieve import cli

    return cli.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
