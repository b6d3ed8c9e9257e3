"""What the shell is offered."""

from __future__ import annotations

import threading

import pytest
from swarmhub_crds.store import Store
from swarmhub_operator.cli import completing
from unit.cli.samples import Run, State


def complete(run: Run, line: str) -> list[str]:
    """Return bash's completions of `line`."""
    count = str(len(line.split(" ")) - 1)
    result = run(_SWARMHUB_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=count)
    return result.stdout.split()


def test_kinds_and_names_are_completed(state: State, run: Run) -> None:
    """Kinds come from the command, names from the store."""
    state.notebook("alice")
    state.notebook("bob")
    assert complete(run, "swarmhub get no") == ["notebook", "notebooks"]
    assert complete(run, "swarmhub describe nb al") == ["alice"]


def test_without_a_store_nothing_is_completed(run: Run) -> None:
    """The shell's line is not disturbed by an error."""
    assert complete(run, "swarmhub get nb al") == []


def test_notebooks_are_completed_where_only_they_are_meant(state: State, run: Run) -> None:
    """Also as `get -o name` prints them, and each once."""
    state.notebook("alice")
    state.notebook("alan")
    for verb in ("logs", "stop", "plan"):
        assert complete(run, f"swarmhub {verb} al") == ["alan", "alice"]
    assert complete(run, "swarmhub logs notebook/ali") == ["notebook/alice"]
    assert complete(run, "swarmhub stop alice al") == ["alan"]


def test_a_name_that_a_shell_would_act_upon_is_not_offered(state: State, run: Run) -> None:
    """Shells evaluate what they get, and not all of the store is of our making."""
    state.notebook("alice")
    state.notebook("bob")
    state.sql("UPDATE notebooks SET name = '$(reboot)' WHERE name = 'bob'")
    assert complete(run, "swarmhub logs ") == ["alice"]


def test_nobody_waits_for_a_store(state: State, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is slow offers nothing, as one that fails."""
    state.notebook("alice")
    monkeypatch.setattr(completing, "WITHIN", 0.0)
    answer, list_notebooks = threading.Event(), Store.list_notebooks

    def late(store: Store) -> object:
        answer.wait(20)
        return list_notebooks(store)

    monkeypatch.setattr(Store, "list_notebooks", late)
    try:
        assert complete(run, "swarmhub logs al") == []
    finally:
        answer.set()


def test_whatever_fails_is_not_told(
    state: State, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would end up in the line."""

    def fail(_: Store) -> None:
        raise RuntimeError("surprise")

    monkeypatch.setattr(Store, "list_notebooks", fail)
    result = run(_SWARMHUB_COMPLETE="complete_bash", COMP_WORDS="swarmhub logs al", COMP_CWORD="2")
    assert (result.stdout.strip(), result.stderr) == ("", "")
