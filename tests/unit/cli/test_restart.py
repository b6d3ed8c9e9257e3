"""`swarmhub restart` on a real store."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from swarmhub_crds.errors import Conflict
from swarmhub_crds.notebook import Desired, Notebook
from swarmhub_operator.cli.app import app
from typer.testing import CliRunner
from unit.cli.samples import Run, State


def record(state: State, name: str) -> Notebook:
    """Return a notebook."""
    found = state.store.get_notebook(name)
    assert isinstance(found, Notebook)
    return found


@pytest.fixture
def fleet(state: State) -> State:
    """Two that run and one that has ended."""
    for name in ("ada", "bob", "cleo"):
        state.notebook(name)
        state.observe(name, phase="Running", task_id="first")
    state.store.set_desired("cleo", Desired.STOPPED)
    acted(state, "cleo", "Stopped")()
    return state


def acted(state: State, name: str, phase: str, message: str = "") -> Callable[..., None]:
    """Return what writes what the operator says of a new task."""

    def act(*_: object) -> None:
        state.observe(name, phase=phase, message=message, task_id="second")

    return act


def test_it_waits_until_the_new_one_runs(
    fleet: State, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The spec and its generation, and with that its address, are the same."""
    before = record(fleet, "ada")
    monkeypatch.setattr(time, "sleep", acted(fleet, "ada", "Running"))
    result = run("restart", "ada", "--yes")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == ["notebook/ada restarted"]
    after = record(fleet, "ada")
    assert after.spec == before.spec
    assert after.metadata.generation == before.metadata.generation
    assert after.metadata.restart_of == "first"
    assert record(fleet, "bob").metadata.restart_of is None


def test_what_does_not_run_is_left_alone(
    fleet: State, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is given a server who asked for none; the others are restarted all the same."""
    monkeypatch.setattr(time, "sleep", acted(fleet, "bob", "Running"))
    result = run("restart", "cleo", "bob", "--yes")
    assert result.exit_code == 1
    assert "notebook cleo does not run; it is started from the hub." in result.stderr
    assert result.stdout.splitlines() == ["notebook/bob restarted"]
    assert record(fleet, "cleo").spec.desired is Desired.STOPPED


def test_nothing_is_restarted_unasked(fleet: State, run: Run) -> None:
    """What is lost is said before, and a dry run does nothing."""
    url = {"SWARMHUB_STATE_URL": fleet.store.url}
    result = CliRunner().invoke(app, ["restart", "-l", "user in (ada,bob)"], env=url, input="n\n")
    assert result.exit_code == 1
    assert "Restart 2 servers? What runs in its kernels is lost" in result.stderr
    dry = run("restart", "ada", "--dry-run")
    assert dry.stdout.splitlines() == ["notebook/ada would be restarted"]
    assert record(fleet, "ada").metadata.restart_of is None


@pytest.mark.parametrize(
    ("phase", "told"),
    [("Failed", "notebook/ada failed: no such image"), ("Starting", "")],
)
def test_one_that_does_not_come_back_is_told(
    fleet: State, run: Run, monkeypatch: pytest.MonkeyPatch, phase: str, told: str
) -> None:
    """With its reason, or after the time."""
    monkeypatch.setattr(time, "sleep", acted(fleet, "ada", phase, "no such image"))
    result = run("restart", "ada", "--yes", "--timeout", "1s")
    assert result.exit_code == 1
    assert result.stdout.strip() == told
    assert told or "notebook ada did not run again within 1s" in result.stderr


def test_who_stops_it_meanwhile_has_the_last_word(
    fleet: State, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not started again."""
    monkeypatch.setattr(
        time, "sleep", lambda _: fleet.store.set_desired("ada", Desired.STOPPED) and None
    )
    result = run("restart", "ada", "--yes")
    assert (result.exit_code, result.stdout.strip()) == (1, "notebook/ada was stopped meanwhile")


def test_a_later_start_knows_nothing_of_it(fleet: State) -> None:
    """It is about one task alone."""
    assert fleet.store.restart_notebook("ada").metadata.restart_of == "first"
    fleet.store.set_desired("ada", Desired.STOPPED)
    assert record(fleet, "ada").metadata.restart_of is None
    with pytest.raises(Conflict, match="start it from the hub"):
        fleet.store.restart_notebook("ada")
