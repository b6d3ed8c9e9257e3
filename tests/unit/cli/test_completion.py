"""What the shell is offered."""

from __future__ import annotations

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
