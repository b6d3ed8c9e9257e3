"""The script that runs the command in the operator's container, with a docker that only repeats."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "images" / "bin" / "swarmhub"
LEASH = ["--env", "SWARMHUB_LEASH=1"]
DOCKER = """#!/bin/sh
case $1 in
  ps) echo c0ffee ;;
  exec) printf '%s\\n' "$@" >"$TOLD" ;;
esac
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Put that docker in the way."""
    docker = tmp_path / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    return {"PATH": path, "TERM": "xterm", "TOLD": str(tmp_path / "told")}


def words(
    environment: dict[str, str], *terminals: str, verb: tuple[str, ...] = ("homes", "backup", "ada")
) -> list[str]:
    """Run the script with a terminal at some of its streams; return what docker was told."""
    master, slave = pty.openpty()
    try:
        stdin, stdout, stderr = (
            slave if stream in terminals else subprocess.DEVNULL
            for stream in ("stdin", "stdout", "stderr")
        )
        subprocess.run(
            [str(SCRIPT), *verb],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            env=environment,
            check=True,
            timeout=30,
        )
    finally:
        os.close(master)
        os.close(slave)
    return Path(environment["TOLD"]).read_text().splitlines()


def test_a_person_at_a_terminal_gets_one(environment: dict[str, str]) -> None:
    """With everything that is in it."""
    told = words(environment, "stdin", "stdout", "stderr")
    assert told == [
        "exec",
        "--interactive",
        "--tty",
        "--env",
        "SWARMHUB_TERMINAL=1",
        "c0ffee",
        "swarmhub",
        "homes",
        "backup",
        "ada",
    ]


def test_a_pipe_is_left_as_it_is(environment: dict[str, str]) -> None:
    """A terminal would change bytes; its width is told, so that a bar can be drawn."""
    told = words(environment, "stdin", "stderr")
    assert "--tty" not in told
    assert told[2] == "--env"
    assert told[3].removeprefix("SWARMHUB_COLUMNS=").isdecimal()


def test_a_terminal_that_cannot_be_handed_on_is_told_of(environment: dict[str, str]) -> None:
    """In a loop over a list the input is none, and yet somebody reads what users wrote."""
    assert "SWARMHUB_TERMINAL=1" in words(environment, "stdout", "stderr")


def test_nobody_looks(environment: dict[str, str]) -> None:
    """So nothing is drawn; a wish for no colours is passed on all the same."""
    assert words(environment)[:3] == ["exec", "--interactive", LEASH[0]]
    told = words({**environment, "NO_COLOR": "1"})
    assert told[:7] == ["exec", "--interactive", "--env", "NO_COLOR", *LEASH, "c0ffee"]


def test_who_reads_nothing_hangs_on_a_leash(environment: dict[str, str], tmp_path: Path) -> None:
    """A pipe that docker alone holds open; who reads his input keeps it."""
    kept = tmp_path / "kept"
    docker = Path(environment["PATH"].split(":")[0], "docker")
    docker.write_text(DOCKER.replace("exec)", f"exec) readlink /proc/self/fd/0 >{kept};"))
    assert LEASH[1] in words(environment)
    assert kept.read_text().startswith("/")
    assert kept.read_text().strip().endswith("(deleted)")
    words(environment, verb=("homes", "restore", "ada"))
    assert kept.read_text() == "/dev/null\n"
