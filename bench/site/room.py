"""A place inside of a Swarm's network for programs of this machine: the prober, a peer's hub."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any, Self

from support.node import Node

_PROBER = Path(__file__).with_name("prober.py")
_ENDED_WITHIN = 5.0  # seconds


def inside(node: Node, container: str) -> tuple[str, ...]:
    """Return the words before a command that have it run in the network of a container."""
    return ("nsenter", f"--net=/proc/{node.pid_of_container(container)}/ns/net", "--")


class Prober:
    """A process that tells when servers answer; a context manager."""

    def __init__(self, node: Node, container: str) -> None:
        """Start it in the network of a container."""
        self._process = subprocess.Popen(
            [*inside(node, container), sys.executable, str(_PROBER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._told: dict[str, Queue[dict[str, Any]]] = {}
        self._reader = Thread(target=self._read, name="prober", daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(_ENDED_WITHIN)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told = json.loads(line)
            self._told[told["id"]].put(told)

    def watch(
        self, name: str, address: str, port: int, path: str, *, every: float, within: float
    ) -> None:
        """Begin to ask a server; `answered` tells when it has answered.

        Args:
            name: of this question.
            address: of the server.
            port: of the server.
            path: that is asked for.
            every: seconds between two attempts.
            within: seconds.
        """
        self._told[name] = Queue()
        target = {"id": name, "host": address, "port": port, "path": path}
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({**target, "every": every, "within": within}) + "\n")
        self._process.stdin.flush()

    def answered(self, name: str, within: float) -> float:
        """Return when a server answered, in seconds since 1970.

        Raises:
            TimeoutError: it did not.
        """
        try:
            told = self._told[name].get(timeout=within)
        except Empty:
            raise TimeoutError(f"The prober said nothing of {name} within {within:g} s.") from None
        if "error" in told:
            raise TimeoutError(f"{name}: {told['error']}.")
        return float(told["at"])
