"""`swarmhub restart` on a real store."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
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
        state.observe(name, phase="Running", observed_generation=1)
    state.store.set_desired("cleo", Desired.STOPPED)
    acted(state, "cleo", "Stopped")()
    return state


def acted(state: State, name: str, phase: str, message: str = "") -> Callable[..., None]:
    """Return what writes what the operator does with the newest generation."""

    def act(*_: object) -> None:
        generation = record(state, name).metadata.generation
        state.observe(name, phase=phase, message=message, observed_generation=generation)

    return act


def test_it_waits_until_the_new_one_runs(
    fleet: State, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The spec is the same, and its generation another, which is what the operator replaces by."""
    before = record(fleet, "ada")
    monkeypatch.setattr(time, "sleep", acted(fleet, "ada", "Running"))
    result = run("restart", "ada", "--yes")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines() == ["notebook/ada restarted"]
    after = record(fleet, "ada")
    assert after.spec == before.spec
    assert after.metadata.generation == before.metadata.generation + 1
    assert record(fleet, "bob").metadata.generation == 1


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
    assert record(fleet, "ada").metadata.generation == 1


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


def test_a_server_whose_token_is_lost_is_not_taken_away(fleet: State, run: Run) -> None:
    """After records were written anew from what runs, say: the next one could not reach the hub."""
    meta = record(fleet, "ada").metadata
    fleet.store.erase_secrets(meta.uid, generation=meta.generation, fence=fleet.lease.token)
    result = run("restart", "ada", "--yes")
    assert result.exit_code == 1
    assert "stop it and start it from the hub" in result.stderr
    assert record(fleet, "ada").metadata.generation == meta.generation
