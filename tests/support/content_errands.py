"""Content errands as processes of this machine, as a node would run them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.ports import free_port
from support.waiting import wait_for
from swarmhub_operator.decide import copying
from swarmhub_operator.decide.copying import Outcome
from swarmhub_operator.loop.content import Peer

TOKEN = "t0ken"
WITHIN = 30.0  # seconds


@dataclass(frozen=True)
class Running:
    """An errand that runs."""

    process: subprocess.Popen[str]
    url: str

    @property
    def peer(self) -> Peer:
        """Return it as its asker sees it."""
        return Peer(self.url, TOKEN, 10)

    def end(self) -> tuple[int, Outcome]:
        """Wait for its end, and return its exit code and what it said last."""
        output, _ = self.process.communicate(timeout=WITHIN)
        told = copying.outcome(output)
        assert told is not None, output
        assert all(isinstance(json.loads(line), dict) for line in output.splitlines())
        return self.process.returncode, told


@contextmanager
def errand(kind: str, volume: Path, *arguments: str, idle: float = 20) -> Iterator[Running]:
    """Run an errand on a folder, and yield it once it answers or has ended; end it in any case."""
    port = free_port()
    token = volume.parent / "token"
    token.write_text(TOKEN + "\n")
    place: tuple[str, ...] = ("--volume", str(volume))
    if kind != "digest":
        place += ("--port", str(port), "--token", str(token), "--idle", str(idle))
    command = (sys.executable, "-m", "swarmhub_operator.errand", kind, *place, *arguments)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        if kind == "send" or (kind == "receive" and "http" not in "".join(arguments)):
            wait_for(
                f"the {kind} errand to answer",
                lambda: process.poll() is not None or _answers(port),
                WITHIN,
            )
        yield Running(process, f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.communicate(timeout=WITHIN)


def _answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
