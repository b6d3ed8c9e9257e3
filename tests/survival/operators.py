"""The operator as an unmodified process, in the network of the notebooks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from support.waiting import wait_for

_TICKS = os.sysconf("SC_CLK_TCK")


class Operator:
    """One operator process after the other, with one log for all of them.

    Attributes:
        kills: how often it was ended by SIGKILL.
    """

    def __init__(
        self, network_of: Callable[[], int], log: Path, environment: Mapping[str, str]
    ) -> None:
        """Start nothing yet.

        Args:
            network_of: returns the pid of a process in whose network the operator is to live.
            log: takes the output of all processes.
            environment: the operator's settings.
        """
        self._network_of = network_of
        self._environment = {**os.environ, **environment}
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._begun = 0  # where the log of the present process begins
        self.kills = 0

    def start(self) -> None:
        """Start a process; it takes the lease in its own time."""
        # nsenter becomes the program that it is given, so the pid is the operator's own.
        enter = ["nsenter", f"--net=/proc/{self._network_of()}/ns/net"]
        self._begun = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*enter, sys.executable, "-m", "swarmhub_operator.main"],
                env=self._environment,
                stdout=log,
                stderr=log,
            )

    @property
    def pid(self) -> int:
        """The running process."""
        assert self._process is not None
        return self._process.pid

    def wait_leading(self, timeout: float = 40) -> None:
        """Wait until the present process has the lease."""
        wait_for("the operator to lead", self._leads, timeout=timeout, pause=0.02)

    def _leads(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()[-2000:]
        return any(
            line["event"] == "lease" and line["outcome"] == "acquired"
            for line in self.lines(self._begun)
        )

    def kill(self) -> None:
        """End the process by SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=30)
            self._process = None
            self.kills += 1

    def end(self) -> None:
        """End the process by SIGTERM.

        Raises:
            AssertionError: it did not end well.
        """
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            assert self._process.wait(timeout=15) == 0
            self._process = None

    def lines(self, begin: int = 0) -> list[dict[str, Any]]:
        """Return the log, which is one JSON object a line but for one that is being written."""
        if not self._log.exists():
            return []
        with self._log.open("rb") as log:
            log.seek(begin)
            whole = [line for line in log.read().split(b"\n")[:-1] if line.startswith(b"{")]
        return [json.loads(line) for line in whole]

    def actions(self, kind: str, outcome: str = "done") -> list[str]:
        """Return the notebooks for which an action of this kind had this outcome, in order."""
        return [
            line["notebook"]
            for line in self.lines()
            if line["event"] == "action" and (line["action"], line["outcome"]) == (kind, outcome)
        ]

    def memory(self) -> int:
        """Return the bytes of memory that the process holds."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def cpu(self) -> float:
        """Return the seconds of processor time that the process has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS
