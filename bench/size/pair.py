"""An operator and the simulated engine that it works with, each a process of its own."""

from __future__ import annotations

import os
import queue
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import httpx
from support.operators import OperatorProcess
from support.waiting import wait_for

from bench.size import program
from bench.size.crowd import NETWORK

_TICKS = os.sysconf("SC_CLK_TCK")
_FILLED_WITHIN = 1800.0  # seconds
_CALL_WITHIN = 60.0  # seconds
_POLICY = "sweep:\n  interval: {interval}\n"
SWEEPS_EVERY = 60.0  # seconds
_QUIET = 0.25  # of a core
_SWEPT = re.compile(r"^swarmhub_sweep_duration_seconds_(sum|count) (\S+)$", re.MULTILINE)
_ASKED = re.compile(r"^swarmhub_engine_requests_total\{.*\} (\S+)$", re.MULTILINE)
_LOOKS = re.compile(r"^swarmhub_reconcile_total\{.*\} (\S+)$", re.MULTILINE)
_TOLD_WITHIN = 30.0  # seconds
_LOOKED_AT = 2.0  # seconds, over which the use of a core is taken


class Simulator:
    """The engine."""

    def __init__(self, folder: Path, count: int) -> None:
        """Start it, and wait until it has filled store and Swarm."""
        self.url = f"unix://{folder / 'engine.sock'}"
        self._process = program.start("bench.size.simulator", str(folder), str(count))
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, name="simulator", daemon=True).start()
        said = self._lines.get(timeout=_FILLED_WITHIN)
        if said != "ready":
            raise RuntimeError(f"The simulator did not start: {said!r}.")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.strip())
        self._lines.put("it has ended")

    def drain(self) -> list[tuple[float, str]]:
        """Return the requests so far that change something: when, and method and path."""
        found = []
        while not self._lines.empty():
            found.append(_call(self._lines.get()))
        return found

    def next_call(self) -> tuple[float, str]:
        """Wait for the next request that changes something.

        Raises:
            queue.Empty: none came.
        """
        return _call(self._lines.get(timeout=_CALL_WITHIN))


def _call(line: str) -> tuple[float, str]:
    at, _, what = line.partition(" ")
    return float(at), what


@contextmanager
def operator(
    simulator: Simulator, folder: Path, name: str, sweeps_every: float = SWEEPS_EVERY
) -> Iterator[OperatorProcess]:
    """Run the operator; it is ended afterwards."""
    policy = folder / f"{name}.yaml"
    policy.write_text(_POLICY.format(interval=sweeps_every))
    process = OperatorProcess(simulator.url, folder, name, NETWORK, POLICY_FILE=str(policy))
    try:
        yield process
        process.end()
    finally:
        process.kill()


def quiet(process: OperatorProcess, within: float) -> float:
    """Wait until an operator has hardly anything to do, and return when that began.

    Args:
        process: that leads, or will.
        within: seconds.

    Raises:
        TimeoutError: it went on working.
    """
    wait_for("the operator to lead", process.leads, 60)

    def rests() -> float | None:
        began, used = time.monotonic(), busy(process)
        time.sleep(_LOOKED_AT)
        return began if busy(process) - used < _QUIET * _LOOKED_AT else None

    return wait_for("the operator to be at rest", rests, within, 0) or 0.0


def busy(process: OperatorProcess) -> float:
    """Return how many seconds of a core an operator has used."""
    fields = Path(f"/proc/{process.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def looks(process: OperatorProcess) -> int:
    """Return how many times an operator has looked at a notebook.

    Raises:
        httpx.HTTPError: it does not tell.
    """
    return _total(process, _LOOKS)


def requests(process: OperatorProcess) -> int:
    """Return how many requests an operator has made of the engine.

    Raises:
        httpx.HTTPError: it does not tell.
    """
    return _total(process, _ASKED)


def swept(process: OperatorProcess) -> tuple[int, float]:
    """Return how many sweeps an operator has made, and how many seconds they took in all.

    Raises:
        httpx.HTTPError: it does not tell.
    """
    found = dict(_SWEPT.findall(_told(process)))
    return int(float(found["count"])), float(found["sum"])


def _total(process: OperatorProcess, counters: re.Pattern[str]) -> int:
    return sum(int(float(number)) for number in counters.findall(_told(process)))


def _told(process: OperatorProcess) -> str:
    return httpx.get(f"http://127.0.0.1:{process.port}/metrics", timeout=_TOLD_WITHIN).text


def resident(process: OperatorProcess) -> float:
    """Return how many bytes of memory an operator has now."""
    for line in Path(f"/proc/{process.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1]) * 1024
    raise LookupError("The kernel does not tell.")
