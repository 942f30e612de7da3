"""A Slurm cluster of one node on loopback: munged, slurmctld and slurmd of its own, in a folder of its own.

Nothing outside that folder is written, and no daemon of the machine is touched: the commands find the cluster by
`SLURM_CONF`, which `environment` holds. Debian's packages `slurm-wlm` and `munge` must be installed.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
PROGRAMS = (*DAEMONS, "sbatch", "squeue", "srun", "scancel", "scontrol", "sinfo", "rsync")
SBIN = os.pathsep.join(("/usr/sbin", "/usr/local/sbin", "/sbin"))
PATIENCE = 60.0
CONFIG = """
ClusterName=neurosieve
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
SlurmctldPort={control}
SlurmdPort={daemon}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=500
MinJobAge=300
ReturnToService=2
SlurmdTimeout={timeout}
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0
PropagateResourceLimits=NONE
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def program(name: str) -> str | None:
    """Path of a program, also where daemons lie."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}{os.pathsep}{SBIN}")


def absent() -> list[str]:
    """Programs that are not installed."""
    return [name for name in PROGRAMS if program(name) is None]


@dataclass
class Cluster:
    """One node of `cpus` (more than the machine has, perhaps) that is away after `timeout` seconds without a word."""

    folder: Path
    cpus: int = 4
    timeout: int = 60
    environment: dict[str, str] = field(default_factory=dict)

    def start(self) -> Cluster:
        """Start the daemons and wait for an idle node. Raises AssertionError with their logs."""
        for name in ("state", "spool", "bin"):
            (self.folder / name).mkdir(parents=True)
        config = CONFIG.format(
            host=socket.gethostname().partition(".")[0],
            user=getpass.getuser(),
            folder=self.folder,
            control=_free_port(),
            daemon=_free_port(),
            timeout=self.timeout,
            cpus=self.cpus,
            memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20 - 500,
        )
        (self.folder / "slurm.conf").write_text(config)
        self.environment["SLURM_CONF"] = str(self.folder / "slurm.conf")
        # the plugin's srun loses every SLURM_ variable, so this one has the cluster's name from a file
        self.shim("srun", f'SLURM_CONF="{self.folder}/slurm.conf" exec {program("srun")} "$@"')
        self.environment["PATH"] = os.pathsep.join((str(self.folder / "bin"), os.environ["PATH"]))
        self._start_munge()
        self._daemon("slurmctld")
        self.start_node()
        self.until(lambda: self.state() == "idle", "an idle node")
        return self

    def _start_munge(self) -> None:
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        files = {"key-file": key, "socket": self.folder / "munge.socket", "pid-file": self.folder / "munge.pid"}
        files |= {"log-file": self.folder / "munge.log", "seed-file": self.folder / "munge.seed"}
        options = [f"--{name}={path}" for name, path in files.items()]
        self._daemon("munged", "--force", *options)  # forced: a temporary folder may be writable for others

    def start_node(self) -> None:
        """Start the node's daemon, also after `kill_node`."""
        self._daemon("slurmd")

    def kill_node(self) -> None:
        """End the node's daemon at once; steps that run go on without it."""
        process = self._process("slurmd")
        assert process is not None
        os.kill(process, signal.SIGKILL)
        self.until(lambda: not _lives(process), "the end of slurmd")

    def stop(self) -> None:
        """End jobs and daemons."""
        self.run("scancel", f"--user={getpass.getuser()}", "--signal=KILL", check=False)
        self.run("scancel", f"--user={getpass.getuser()}", check=False)
        for name in reversed(DAEMONS):
            process = self._process(name)
            if process is not None:
                os.kill(process, signal.SIGTERM)
                self.until(lambda process=process: not _lives(process), f"the end of {name}", seconds=20)

    def run(self, name: str, *arguments: str, check: bool = True) -> str:
        """Output of a command of Slurm."""
        path = program(name)
        assert path is not None, name
        ran = subprocess.run(
            [path, *arguments], env={**os.environ, **self.environment}, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0 or not check, f"{name}: {ran.stderr}{self.logs()}"
        return ran.stdout

    def state(self) -> str:
        """State of the node, `idle` before the first job."""
        return self.run("sinfo", "-h", "-o", "%T", check=False).strip()

    def jobs(self) -> list[dict[str, str]]:
        """All jobs that Slurm remembers: fields of `scontrol show job`, in order of submission."""
        text = self.run("scontrol", "--oneliner", "show", "job", check=False)
        found = [dict(part.partition("=")[::2] for part in line.split() if "=" in part) for line in text.splitlines()]
        return sorted((job for job in found if "JobId" in job), key=lambda job: int(job["JobId"]))

    def shim(self, name: str, line: str) -> None:
        """Put a script before the program of that name, for all who have the cluster's environment."""
        script = self.folder / "bin" / name
        script.write_text(f"#!/bin/sh\n{line}\n")
        script.chmod(0o755)

    def until(self, condition, what: str, seconds: float = PATIENCE) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}{self.logs()}"
            time.sleep(0.1)

    def logs(self) -> str:
        """Ends of the daemons' logs."""
        texts = {path.name: path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log"))}
        return "".join(f"\n--- {name}\n" + "\n".join(text.splitlines()[-15:]) for name, text in texts.items())

    def _daemon(self, name: str, *options: str) -> None:
        path = program(name)
        assert path is not None, name
        environment: Mapping[str, str] = {**os.environ, **self.environment}
        ran = subprocess.run([path, *options], env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, f"{name}: {ran.stderr}{self.logs()}"

    def _process(self, name: str) -> int | None:
        try:
            process = int((self.folder / f"{'munge' if name == 'munged' else name}.pid").read_text())
        except (OSError, ValueError):
            return None
        return process if _lives(process) else None


def _lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
