"""`make test` leaves no folder of tests out, and two commands at once fail if either does."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SIDE_BY_SIDE = ROOT / "tests" / "support" / "side-by-side"


def test_every_folder_of_tests_is_run() -> None:
    """A new one has to be named there."""
    makefile = (ROOT / "Makefile").read_text()
    lists = re.findall(r"^(?:APART|PARTS|PRODUCT) := (.*)$", makefile, re.MULTILINE)
    named = {Path(folder) for line in lists for folder in line.split()}
    tests = (path.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py"))
    assert {Path(*path.parts[:2]) for path in tests} == named


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [("true", "true", 0), ("exit 3", "sleep 0.1", 3), ("sleep 0.1", "exit 4", 4)],
)
def test_two_commands_fail_if_either_does(first: str, second: str, status: int) -> None:
    """And both are waited for."""
    words = ("one", "sh", "-c", f"echo begun; {first}", "--", "sh", "-c", second)
    done = subprocess.run(
        [SIDE_BY_SIDE, *words], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == status
    assert done.stdout.startswith("one | begun\n")
    assert ("one failed" in done.stdout) == (first == "exit 3")


def test_what_failed_first_is_said_last() -> None:
    """Who reads only the end of a long log sees which test it was."""
    words = ("one", "sh", "-c", "echo FAILED tests/test_x.py; echo 1 failed; exit 1")
    done = subprocess.run(
        [SIDE_BY_SIDE, *words, "--", "sh", "-c", "sleep 0.2; echo all is well"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout.splitlines()[-1] == "one | FAILED tests/test_x.py"
