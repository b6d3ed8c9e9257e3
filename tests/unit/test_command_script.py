"""The script that runs the command in the operator's container, with a docker that only repeats."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "images" / "bin" / "swarmhub"
LEASH = ["--env", "SWARMHUB_LEASH=1"]
DOCKER = """#!/bin/sh
[ -z "${SILENT:-}" ] || { echo "Cannot connect" >&2; exit 1; }
case $1 in
  ps) [ -n "${DOWN:-}" ] || echo c0ffee ;;
  image) echo f00d ;;
  exec | run)
    printf '%s\\n' "$@" >"$TOLD"
    if [ -t 0 ]; then touch "$TOLD.terminal"; fi
    ;;
esac
"""
COMPLETION = {"_SWARMHUB_COMPLETE": "complete_bash", "COMP_WORDS": "swarmhub lo", "COMP_CWORD": "1"}
NAMES = (*COMPLETION, "_TYPER_COMPLETE_ARGS", "_TYPER_COMPLETE_FISH_ACTION")


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
    docker.write_text(
        DOCKER.replace("exec | run)", f"exec | run) readlink /proc/self/fd/0 >{kept};")
    )
    for verb in (("logs", "ada"), ("events", "-f")):
        assert LEASH[1] in words(environment, verb=verb)
    assert LEASH[1] in words(environment)
    assert kept.read_text().startswith("/")
    assert kept.read_text().strip().endswith("(deleted)")
    words(environment, verb=("homes", "restore", "ada"))
    assert kept.read_text() == "/dev/null\n"


@pytest.mark.parametrize(("verb", "asks"), [("doctor", True), ("plan", True), ("status", False)])
def test_who_asks_the_engine_gets_it_without_an_operator(
    environment: dict[str, str], tmp_path: Path, verb: str, asks: bool
) -> None:
    """And nobody else: it is as good as root."""
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as engine:
        engine.bind(str(path))
        given = {**environment, "DOWN": "1", "DOCKER_HOST": f"unix://{path}"}
        told = words(given, verb=(verb,))
    assert told[0] == "run"
    assert (f"{path}:/var/run/docker.sock" in told) is asks


def test_what_completes_a_line_is_passed_on(environment: dict[str, str]) -> None:
    """To the container, where the store is; for other commands it is no matter."""
    told = words({**environment, **COMPLETION}, verb=())
    passed = [word for name in NAMES for word in ("--env", name)]
    assert told[: 3 + len(passed)] == ["exec", "--interactive", *passed, "c0ffee"]
    assert not set(words(environment)) & set(NAMES)
    down = words(
        {**environment, **COMPLETION, "DOWN": "1", "DOCKER_HOST": "tcp://nowhere:1"}, verb=()
    )
    assert down[0] == "run"
    assert set(NAMES) <= set(down)


def test_what_is_typed_ahead_stays_with_the_shell(environment: dict[str, str]) -> None:
    """A container that read from the terminal would take it."""
    reads = Path(environment["TOLD"] + ".terminal")
    words({**environment, **COMPLETION}, "stdin", verb=())
    assert not reads.exists()
    words(environment, "stdin", verb=("status",))
    assert reads.exists()


@pytest.mark.parametrize("kind", ["complete_bash", "complete_zsh", "source_bash"])
def test_no_message_disturbs_the_line(environment: dict[str, str], kind: str) -> None:
    """But who asks for the script is told what is wrong."""
    done = subprocess.run(
        [str(SCRIPT)],
        env={**environment, "SILENT": "1", "_SWARMHUB_COMPLETE": kind},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert bool(done.stderr) is kind.startswith("source_")


@pytest.mark.parametrize(("verb", "asks"), [("plan", True), ("logs", True), ("get", False)])
def test_who_asks_the_engine_gets_its_socket(
    environment: dict[str, str], tmp_path: Path, verb: str, asks: bool
) -> None:
    """And nobody else, while no operator runs."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "docker.sock"))
        subprocess.run(
            [str(SCRIPT), verb],
            env={**environment, "DOWN": "1", "DOCKER_HOST": f"unix://{tmp_path}/docker.sock"},
            stdin=subprocess.DEVNULL,
            check=True,
            timeout=30,
        )
    told = Path(environment["TOLD"]).read_text().splitlines()
    assert (f"{tmp_path}/docker.sock:/var/run/docker.sock" in told) is asks


def _report(environment: dict[str, str], *given: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(SCRIPT), "bug-report", *given],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment,
        timeout=30,
        check=False,
    )


def test_a_report_is_a_file_of_the_host(environment: dict[str, str], tmp_path: Path) -> None:
    """For its owner alone, whole or not at all, and no other one is overwritten unasked."""
    docker = Path(environment["PATH"].split(":")[0], "docker")
    talking = DOCKER.replace("exec | run)", 'exec | run) echo packed; [ -z "${BAD:-}" ] || exit 2;')
    docker.write_text(talking)
    file = tmp_path / "report.tar.gz"
    done = _report(environment, str(file), "--anonymize")
    assert (done.returncode, file.read_text()) == (0, "packed\n")
    assert str(file) in done.stdout
    assert file.stat().st_mode & 0o777 == 0o600
    told = Path(environment["TOLD"]).read_text().splitlines()
    assert told[-4:] == ["swarmhub", "bug-report", "-", "--anonymize"]
    file.write_text("mine")
    again = _report(environment, str(file))
    assert (again.returncode, file.read_text()) == (1, "mine")
    assert "--force" in again.stderr
    bad = _report({**environment, "BAD": "1"}, "--force", str(file), "--docker-host", "x")
    assert (bad.returncode, file.read_text()) == (2, "mine")
    assert not list(tmp_path.glob(".swarmhub-report*"))
    assert _report(environment, "--force", str(file)).returncode == 0
    assert file.read_text() == "packed\n"


def test_a_report_into_a_pipe_is_not_kept(environment: dict[str, str], tmp_path: Path) -> None:
    """Nor is a file made for help."""
    for given in (("-",), (), ("--help",)):
        before = set(tmp_path.iterdir())
        assert _report(environment, *given).returncode == 0
        assert set(tmp_path.iterdir()) - before <= {Path(environment["TOLD"])}
        told = Path(environment["TOLD"]).read_text().splitlines()
        assert told[told.index("bug-report") + 1] == "-"
