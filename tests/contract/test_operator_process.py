"""The operator as a process: health, log lines, standby, SIGTERM, a store that is not there."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.node import Node
from support.waiting import wait_for
from swarmhub_crds.notebook import Desired, NotebookSpec
from swarmhub_crds.store import Store

NETWORK = "process-notebooks"


class Process:
    """One operator process with its health port and its log."""

    def __init__(self, engine: Node, folder: Path, name: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = folder / f"{name}.log"
        environment = {
            **os.environ,
            "DOCKER_HOST": engine.socket,
            "SWARMHUB_STATE_URL": f"sqlite:///{folder}/state/state.db",
            "SWARMHUB_NETWORK": NETWORK,
            "SWARMHUB_HEALTH_PORT": str(self.port),
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

    def wait_health(self, what: str, check: Callable[[dict[str, Any]], bool]) -> None:
        """Wait until what /healthz tells passes a check."""
        wait_for(what, lambda: (seen := self.health()) and check(seen), timeout=20)

    def lines(self) -> list[dict[str, Any]]:
        """Return the log, which is one JSON object a line."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def end(self) -> float:
        """Send SIGTERM and return the seconds that the end took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=10) == 0
        return time.monotonic() - began


@pytest.fixture
def start(engine: Node, tmp_path: Path) -> Iterator[Callable[[str], Process]]:
    """Yield a function that starts operators; they end with the test."""
    (tmp_path / "state").mkdir()
    started: list[Process] = []

    def run(name: str) -> Process:
        started.append(Process(engine, tmp_path, name))
        return started[-1]

    yield run
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait(timeout=10)


def test_one_leads_and_the_other_takes_over_at_once(start: Callable[[str], Process]) -> None:
    """Both are healthy, one acts; SIGTERM ends it within ten seconds and hands the lease over."""
    first = start("first")
    first.wait_health("the first to lead", lambda seen: seen["leading"])
    second = start("second")
    second.wait_health("the second to stand by", lambda seen: seen["alive"])
    assert not second.health()["leading"]
    assert first.end() < 10
    began = time.monotonic()
    second.wait_health("the second to lead", lambda seen: seen["leading"])
    assert time.monotonic() - began < 5
    assert second.end() < 10


def test_log_tells_notebook_action_outcome_and_duration(
    start: Callable[[str], Process], engine: Node, tiny: str, tmp_path: Path
) -> None:
    """Each line is one JSON object; each action has its four facts, and no secret."""
    engine.docker("network", "create", "--driver", "overlay", "--attachable", NETWORK)
    operator = start("operator")
    operator.wait_health("it to lead", lambda seen: seen["leading"])
    store = Store.open(f"sqlite:///{tmp_path}/state/state.db")
    spec = NotebookSpec(
        user="zoe",
        image=tiny,
        command=("sleep", "600"),
        networks=(NETWORK,),
        desired=Desired.RUNNING,
    )
    store.apply_notebook(spec, secrets={"TOKEN": "do-not-tell"})
    label = f"label=swarmhub.store={store.uid}"
    listing = ("service", "ls", "--quiet", "--filter", label)
    wait_for("the service", lambda: engine.docker(*listing).strip())
    store.set_desired("zoe", Desired.STOPPED)
    wait_for("the service to go", lambda: not engine.docker(*listing).strip())
    assert operator.end() < 10
    actions = [line for line in operator.lines() if line["event"] == "action"]
    done = {line["action"]: line for line in actions}
    assert {"CreateSecret", "CreateService", "RemoveService"} <= set(done)
    assert all(
        line["notebook"] == "zoe" and line["outcome"] == "done" and line["duration"] >= 0
        for line in done.values()
    )
    assert "do-not-tell" not in operator.log.read_text()
    store.close()
    wait_for("containers to end", lambda: not engine.docker("ps", "--quiet"), timeout=30)
    engine.docker("network", "rm", NETWORK)


def test_store_that_is_not_there_is_waited_for(
    start: Callable[[str], Process], tmp_path: Path
) -> None:
    """Health names the trouble; when the folder appears, the operator goes on by itself."""
    (tmp_path / "state").rmdir()
    operator = start("operator")
    operator.wait_health("the trouble", lambda seen: "store" in seen["trouble"])
    assert operator.health()["alive"]
    (tmp_path / "state").mkdir()
    operator.wait_health("it to lead", lambda seen: seen["leading"] and not seen["trouble"])
    assert operator.end() < 10


def test_wrong_setting_is_one_sentence(tmp_path: Path) -> None:
    """A policy file that cannot be understood ends the process with what to correct."""
    policy = tmp_path / "policy.yaml"
    policy.write_text("restart: {budget: many}\n")
    ended = subprocess.run(
        [sys.executable, "-m", "swarmhub_operator.main"],
        env={**os.environ, "SWARMHUB_POLICY_FILE": str(policy)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("swarmhub-operator: The setting restart.budget is wrong: ")
    assert len(ended.stderr.splitlines()) == 1
