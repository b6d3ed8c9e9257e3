"""docs/troubleshooting.md: each symptom ends in a command that there is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer
from swarmhub_operator.cli.app import app
from typer.core import TyperGroup

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/troubleshooting.md").read_text()
ENTRIES = dict(re.findall(r"^### ([^\n]+)\n\n(.+?)\s*(?=\n##|\Z)", PAGE, re.MULTILINE | re.DOTALL))


def test_all_of_the_page_is_looked_at() -> None:
    """An entry in another form would not be."""
    assert len(ENTRIES) == PAGE.count("\n### ") >= 20


@pytest.mark.parametrize("symptom", ENTRIES)
def test_a_symptom_ends_in_a_command(symptom: str) -> None:
    """The last line alone, for the clipboard; ours know their verbs and options."""
    before, line = ENTRIES[symptom].rsplit("\n", 1)
    assert before.endswith("\n")
    assert line.startswith("    ")
    program, *words = shlex.split(line)
    match program:
        case "swarmhub":
            _check(words)
        case "make":
            assert re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        case _:
            assert program in ("docker", "df")


def _check(words: list[str]) -> None:
    command = typer.main.get_command(app)
    context = command.make_context("swarmhub", [], resilient_parsing=True)
    while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        if found is None:
            break
        command, words = found, words[1:]
    known = {option for parameter in command.params for option in parameter.opts}
    assert not isinstance(command, TyperGroup) or command.invoke_without_command
    assert {word for word in words if word.startswith("-")} <= known
