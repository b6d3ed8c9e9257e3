"""What somebody reads who has never used the command, on a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import typer
from swarmhub_operator.cli.app import app
from unit.cli.samples import Run


def _verbs(command: object, *words: str) -> Iterator[tuple[str, ...]]:
    """Give every command, and every group of them, as it is typed."""
    yield words
    for name, child in getattr(command, "commands", {}).items():
        yield from _verbs(child, *words, name)


EVERY = [*_verbs(typer.main.get_command(app))]
GROUPS = [(), ("homes",), ("policy",), ("state",)]


def help_of(run: Run, words: tuple[str, ...]) -> str:
    """Return what --help says; -h says the same."""
    result, short = (run(*words, option, COLUMNS="80") for option in ("--help", "-h"))
    assert (result.exit_code, short.stdout) == (0, result.stdout)
    return result.stdout


def test_commands_are_found() -> None:
    """Else the tests below would pass for nothing."""
    assert {("status",), ("homes", "move"), ("policy", "show"), ("state", "rebuild")} < {*EVERY}
    assert set(GROUPS) < {*EVERY}


@pytest.mark.parametrize("words", GROUPS, ids=" ".join)
def test_a_list_of_commands_is_read_without_guessing(run: Run, words: tuple[str, ...]) -> None:
    """No line of it ends before its sentence does."""
    text = help_of(run, words)
    listed = text.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    assert len(listed) > 1
    assert not [line for line in listed if not line.endswith(".") or line.endswith("..")]


@pytest.mark.parametrize("words", [w for w in EVERY if w not in GROUPS], ids=" ".join)
def test_every_command_has_help_with_an_example(run: Run, words: tuple[str, ...]) -> None:
    """--help of each command shows how to call it."""
    text = help_of(run, words)
    assert f"\n    swarmhub {' '.join(words)}" in text


def test_the_first_help_says_where_to_begin(run: Run) -> None:
    """And what exit codes mean."""
    text = help_of(run, ())
    assert "Begin with `swarmhub status`" in text
    assert "Exit" in text
    assert run("version").stdout.startswith("swarmhub 0.")
