"""The operator as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from support.ports import free_port
from support.waiting import wait_for


class OperatorProcess:
    """One operator process with its health port and its log."""

    def __init__(self, engine: str, folder: Path, name: str, network: str, **settings: str) -> None:
        """Start it.

        Args:
            engine: URL of the engine that it works with.
            folder: holds its log, and its store in the folder `state`.
            name: of the log.
            network: of the notebooks.
            settings: further ones, as in LEASE_TTL="3".
        """
        self.port = free_port()
        self.log = folder / f"{name}.log"
        environment = {
            **os.environ,
            "DOCKER_HOST": engine,
            "SWARMHUB_STATE_URL": f"sqlite:///{folder}/state/state.db",
            "SWARMHUB_NETWORK": network,
            "SWARMHUB_HEALTH_PORT": str(self.port),
            **{f"SWARMHUB_{key}": value for key, value in settings.items()},
        }
        command = [sys.executable, "-m", "swarmhub_operator.main"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def health(self) -> dict[str, Any]:
        """Return what /healthz tells, or nothing while nobody listens."""
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.port}/healthz", timeout=5)
        except httpx.HTTPError:
            return {}
        assert answer.status_code == (200 if answer.json()["alive"] else 503)
        found: dict[str, Any] = answer.json()
        return found

    def ready(self) -> bool:
        """Tell whether it says that it can lead."""
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.port}/readyz", timeout=5)
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    def leads(self) -> bool:
        """Tell whether it holds the lease."""
        return bool(self.health().get("leading"))

    def wait_health(self, what: str, check: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until what /healthz tells passes a check."""
        wait_for(what, lambda: (seen := self.health()) and check(seen), timeout=60)

    def lines(self) -> list[dict[str, Any]]:
        """Return the log, which is one JSON object a line."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def freeze(self) -> None:
        """Stop it as SIGSTOP does, and wait until each of its threads stands still.

        The kernel stops them one by one: after the call that sends the signal they still run for
        a while, long enough to take a lock.
        """
        self.signal(signal.SIGSTOP)
        wait_for("every thread to stop", lambda: set(self._thread_states()) <= {"T"}, pause=0.002)

    def _thread_states(self) -> Iterator[str]:
        for stat in Path(f"/proc/{self.process.pid}/task").glob("*/stat"):
            with suppress(OSError):  # a thread that has ended meanwhile
                yield stat.read_text().rpartition(")")[2].split()[0]

    def end(self) -> float:
        """Send SIGTERM and return the seconds that the end took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=30) == 0
        return time.monotonic() - began

    def kill(self) -> None:
        """End it as a crash does, also one that is stopped; a second time does nothing."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=30)
