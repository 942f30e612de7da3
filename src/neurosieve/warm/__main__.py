"""`python -m neurosieve.warm status|stop`: show or end the server of this environment, with its jobs."""

import os
import signal
import socket
import sys
from contextlib import suppress

from neurosieve.errors import UserError
from neurosieve.warm import START_SECONDS, address, limit_threads
from neurosieve.warm.server import peer


def main() -> int:
    """Exit code 0: shown or ended (or nothing to end), 1: no server, 2: wrong usage."""
    verb = " ".join(sys.argv[1:])
    if verb not in ("status", "stop"):
        print("usage: python -m neurosieve.warm status|stop", file=sys.stderr)
        return 2
    try:
        limit_threads()
        path = address()
    except (OSError, ValueError, UserError) as error:
        print(f"no warm start: {error}")
        return 1
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as conn, suppress(OSError):
        conn.settimeout(START_SECONDS)
        conn.connect(path)
        process = peer(conn)[0]
        if verb == "stop":
            os.kill(process, signal.SIGTERM)
            with suppress(ConnectionError):
                while conn.recv(32):  # until its end closes the connection
                    pass
        print(f"process {process} {'ended' if verb == 'stop' else 'serves'} {path}")
        return 0
    print(f"no server at {path}")
    return int(verb == "status")


if __name__ == "__main__":
    sys.exit(main())
