"""Processes by pid and start time, so that a pid used anew is never mistaken for the old one."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

_AFTER_NAME_STATE = 0
_AFTER_NAME_STARTTIME = 19


@dataclass(frozen=True)
class ProcessId:
    """One process for all time.

    Attributes:
        pid: its number in this process's namespace.
        started: the kernel's start time of it, in clock ticks since boot.
    """

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> "ProcessId":
        """Identify a running process.

        Raises:
            ProcessLookupError: there is none of that pid.
        """
        return cls(pid, int(_stat(pid)[_AFTER_NAME_STARTTIME]))

    def alive(self) -> bool:
        """Tell whether it still runs; one that only awaits its parent's notice does not."""
        try:
            stat = _stat(self.pid)
        except ProcessLookupError:
            return False
        same = int(stat[_AFTER_NAME_STARTTIME]) == self.started
        return same and stat[_AFTER_NAME_STATE] not in "ZX"

    def end(self, timeout: float = 20) -> None:
        """Kill it and wait until it is gone.

        Raises:
            TimeoutError: it was still there after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while self.alive():
            if time.monotonic() > deadline:
                raise TimeoutError(f"Process {self.pid} still runs {timeout:g} s after SIGKILL.")
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                return
            time.sleep(0.02)


def _stat(pid: int) -> list[str]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        raise ProcessLookupError(f"There is no process {pid}.") from None
    return text.rpartition(")")[2].split()


def children(pid: int) -> list[int]:
    """Pids of the direct children of a process, oldest first."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = _stat(int(entry.name))
            except ProcessLookupError:
                continue
            if int(stat[1]) == pid:
                found.append((int(stat[_AFTER_NAME_STARTTIME]), int(entry.name)))
    return [child for _, child in sorted(found)]


def mentioning(text: str) -> list[int]:
    """Pids of processes, other than this one, that have `text` in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if text.encode() in words:
                found.append(int(entry.name))
    return found
