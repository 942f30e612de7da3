"""`logger: neurosieve`: hands Snakemake's log records to `neurosieve.progress`.

Snakemake finds it by the name of the package; it must lie on `sys.path` before Snakemake starts.
"""

import sys
import threading
from logging import LogRecord

from snakemake_interface_logger_plugins.base import LogHandlerBase

from neurosieve.progress import Progress

TICK = 0.5


class LogHandler(LogHandlerBase):
    """One per Snakemake call. Records come from Snakemake's queue thread, ticks from ours; the lock orders them."""

    def __post_init__(self) -> None:
        common = self.common_settings
        self.progress = Progress(
            sys.stdout if common.stdout else sys.stderr,
            dryrun=common.dryrun,
            quiet=bool(common.quiet),
            verbose=common.verbose or common.debug_dag,
            shellcmds=common.printshellcmds,
            color=not common.nocolor,
        )
        self.stopped = threading.Event()
        threading.Thread(target=self._tick, name="neurosieve-progress", daemon=True).start()

    def _tick(self) -> None:
        while not self.stopped.wait(TICK):
            self.acquire()
            try:
                if not self.stopped.is_set():
                    self.progress.tick()
            finally:
                self.release()

    def emit(self, record: LogRecord) -> None:
        """Never raises: a run must not end because its progress cannot be shown."""
        try:
            self.progress.handle(record)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        self.acquire()
        try:
            if not self.stopped.is_set():
                self.stopped.set()
                self.progress.close()
        finally:
            self.release()
        super().close()

    @property
    def writes_to_stream(self) -> bool:
        return True

    @property
    def writes_to_file(self) -> bool:
        """To a log of its own, but not by the `baseFilename` that Snakemake would report."""
        return False

    @property
    def has_filter(self) -> bool:
        """Snakemake's own would drop failures under `--quiet`."""
        return True

    @property
    def has_formatter(self) -> bool:
        return True

    @property
    def needs_rulegraph(self) -> bool:
        return False
