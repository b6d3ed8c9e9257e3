"""`swarmhub stop` on a real store."""

from __future__ import annotations

import threading
import time

import pytest
from swarmhub_crds.notebook import Desired, Notebook
from swarmhub_operator.cli.app import app
from typer.testing import CliRunner
from unit.cli.samples import Run, State


def desired(state: State, name: str) -> Desired:
    """Return what should be."""
    record = state.store.get_notebook(name)
    assert isinstance(record, Notebook)
    return record.spec.desired


@pytest.fixture
def fleet(state: State) -> State:
    """Two that run and one that has ended."""
    for name in ("ada", "bob", "cleo"):
        state.notebook(name)
        state.observe(name, phase="Running")
    state.store.set_desired("cleo", Desired.STOPPED)
    ended(state, "cleo")
    return state


def ended(state: State, name: str) -> None:
    """Write what the operator does once nothing is left."""
    record = state.store.get_notebook(name)
    assert isinstance(record, Notebook)
    state.observe(name, phase="Stopped", observed_generation=record.metadata.generation)


def test_it_waits_until_the_operator_has_done_it(
    fleet: State, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says so of each; who has ended already is no trouble."""
    monkeypatch.setattr(time, "sleep", lambda _: ended(fleet, "ada"))
    result = run("stop", "ada", "notebook/cleo", "--yes")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == ["notebook/cleo stopped", "notebook/ada stopped"]
    assert desired(fleet, "ada") is Desired.STOPPED
    assert desired(fleet, "bob") is Desired.RUNNING


def test_nothing_is_stopped_unasked(fleet: State) -> None:
    """What is lost is said before."""
    url = {"SWARMHUB_STATE_URL": fleet.store.url}
    result = CliRunner().invoke(app, ["stop", "ada", "bob"], env=url, input="n\n")
    assert result.exit_code == 1
    assert "Stop 2 servers? What runs in its kernels is lost" in result.stderr
    assert desired(fleet, "ada") is Desired.RUNNING


def test_a_dry_run(fleet: State, run: Run) -> None:
    """Nothing is asked and nothing done."""
    result = run("stop", "ada", "cleo", "--dry-run")
    assert result.stdout.splitlines() == [
        "notebook/ada would be stopped",
        "notebook/cleo is to be stopped",
    ]
    assert desired(fleet, "ada") is Desired.RUNNING


def test_one_that_does_not_end_is_told(fleet: State, run: Run) -> None:
    """With an operator that is down, say."""
    result = run("stop", "ada", "--yes", "--timeout", "0s")
    assert result.exit_code == 1
    assert "notebook ada had not ended after 0s; `swarmhub describe" in result.stderr


def test_a_name_that_is_unknown_stops_nobody(fleet: State, run: Run) -> None:
    """Not even those that are known."""
    assert run("stop", "ada", "nobody", "--yes").exit_code == 1
    assert desired(fleet, "ada") is Desired.RUNNING


def test_who_starts_again_meanwhile_is_not_waited_for(fleet: State, run: Run) -> None:
    """Its user has the last word."""
    again = threading.Timer(0.5, fleet.store.set_desired, ("ada", Desired.RUNNING))
    again.start()
    result = run("stop", "ada", "--yes", "--timeout", "20s")
    again.join()
    assert result.exit_code == 1
    assert result.stdout == "notebook/ada was started again meanwhile\n"
