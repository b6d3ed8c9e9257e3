"""The operator as a process: health, log lines, standby, SIGTERM, a store that is not there."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.node import Node
from support.operators import OperatorProcess
from support.waiting import wait_for
from swarmhub_crds.notebook import Desired, NotebookSpec
from swarmhub_crds.store import Store

NETWORK = "process-notebooks"


@pytest.fixture
def start(engine: Node, tmp_path: Path) -> Iterator[Callable[[str], OperatorProcess]]:
    """Yield a function that starts operators; they end with the test."""
    (tmp_path / "state").mkdir()
    started: list[OperatorProcess] = []

    def run(name: str) -> OperatorProcess:
        started.append(OperatorProcess(engine.socket, tmp_path, name, NETWORK))
        return started[-1]

    yield run
    for one in started:
        one.kill()


def test_one_leads_and_the_other_takes_over_at_once(
    start: Callable[[str], OperatorProcess],
) -> None:
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
    start: Callable[[str], OperatorProcess], engine: Node, tiny: str, tmp_path: Path
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
    start: Callable[[str], OperatorProcess], tmp_path: Path
) -> None:
    """Health names the trouble; when the folder appears, the operator goes on by itself."""
    (tmp_path / "state").rmdir()
    operator = start("operator")
    operator.wait_health("the trouble", lambda seen: "store" in seen["trouble"])
    assert operator.health()["alive"]
    assert not operator.ready()  # nobody is replaced by what cannot lead
    (tmp_path / "state").mkdir()
    operator.wait_health("it to lead", lambda seen: seen["leading"] and not seen["trouble"])
    assert operator.ready()
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
    assert ended.stderr.startswith(
        f"swarmhub-operator: The policy file {policy} is wrong: restart.budget: "
    )
    assert len(ended.stderr.splitlines()) == 1
