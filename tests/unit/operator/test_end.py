"""The end of the operator process: within ten seconds of SIGTERM, whatever hangs."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from urllib.request import urlopen

import pytest
from support.waiting import wait_for
from swarmhub_crds.store import Store

LIMIT = 10.0  # seconds


@pytest.fixture
def silent_engine(tmp_path: Path) -> Iterator[str]:
    """Yield the URL of an engine that takes every call and answers none."""
    path = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen(64)
        taken: list[socket.socket] = []

        def take() -> None:
            with suppress(OSError):
                while True:
                    taken.append(listening.accept()[0])

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield f"unix://{path}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for connection in taken:
            connection.close()


class Process:
    """An operator process."""

    def __init__(self, engine: str, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.file = folder / "state.db"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "swarmhub_operator.main"],
            env={
                **os.environ,
                "DOCKER_HOST": engine,
                "SWARMHUB_STATE_URL": f"sqlite:///{self.file}",
                "SWARMHUB_HEALTH_PORT": str(self.port),
            },
            stderr=subprocess.PIPE,
        )

    def leads(self) -> bool:
        """Tell whether it holds the lease."""
        with suppress(OSError), urlopen(f"http://127.0.0.1:{self.port}/healthz") as answer:
            return bool(json.load(answer)["leading"])
        return False

    def end(self) -> float:
        """Send SIGTERM and return the seconds that the end took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)
        return time.monotonic() - began


@pytest.fixture
def process(silent_engine: str, tmp_path: Path) -> Iterator[Process]:
    """Yield an operator that leads, and whose every call of the engine hangs."""
    made = Process(silent_engine, tmp_path)
    wait_for("the operator to lead", made.leads, timeout=20)
    time.sleep(1.0)
    yield made
    if made.process.poll() is None:
        made.process.kill()
        made.process.wait(timeout=10)
    if made.process.stderr is not None:
        made.process.stderr.close()


def test_an_engine_that_hangs_does_not_delay_the_end(process: Process) -> None:
    """The call under way is given up, and the lease runs out unless nothing was under way."""
    assert process.end() < LIMIT
    assert process.process.returncode == 0


def test_a_locked_store_does_not_delay_the_end(process: Process) -> None:
    """The lease is not given back then; it runs out."""
    with closing(sqlite3.connect(process.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        time.sleep(4.0)  # renewing the lease waits by now
        assert process.end() < LIMIT
        other.execute("ROLLBACK")
    store = Store.open(f"sqlite:///{process.file}")
    assert store.read_lease() is not None
    store.close()


def test_a_taken_health_port_is_one_sentence(tmp_path: Path) -> None:
    """With what to do about it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = subprocess.run(
            [sys.executable, "-m", "swarmhub_operator.main"],
            env={
                **os.environ,
                "SWARMHUB_STATE_URL": f"sqlite:///{tmp_path}/state.db",
                "SWARMHUB_HEALTH_PORT": str(taken.getsockname()[1]),
            },
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert ended.returncode == 1
    assert "set SWARMHUB_HEALTH_PORT" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
