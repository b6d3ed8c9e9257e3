"""What depends on a terminal: colours and wrapping, seen through a pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from contextlib import suppress

import pytest
from unit.cli.samples import State

GREEN_RUNNING = "\x1b[32mRunning\x1b[0m"


def on_terminal(state: State, *words: str, columns: int = 80, **environment: str) -> str:
    """Run the command on a terminal of that width and return what it shows."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    kept = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "COLUMNS", "TERM"}}
    variables = kept | {"SWARMHUB_STATE_URL": state.store.url, "TERM": "xterm"} | environment
    command = [sys.executable, "-m", "swarmhub_operator.cli.main", *words]
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env=variables)
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # EIO: the other end is closed
        while part := os.read(ours, 65536):
            shown += part
    os.close(ours)
    process.wait(timeout=20)
    return shown.decode().replace("\r\n", "\n")


@pytest.fixture
def running(state: State) -> State:
    """One running notebook with a long message."""
    state.notebook("alice")
    state.observe("alice", phase="Running", message="word " * 30)
    return state


def test_phases_have_colour_on_a_terminal(running: State) -> None:
    """Colour only where a person looks, and never against NO_COLOR."""
    assert GREEN_RUNNING in on_terminal(running, "get", "nb")
    assert "\x1b" not in on_terminal(running, "get", "nb", NO_COLOR="1")
    assert "\x1b" not in on_terminal(running, "get", "nb", TERM="dumb")
    assert "\x1b" not in on_terminal(running, "get", "nb", "-o", "json")


def test_sentences_wrap_within_the_terminal(running: State) -> None:
    """A long message goes on under itself, within the width."""
    lines = on_terminal(running, "describe", "nb", "alice", columns=60, NO_COLOR="1").splitlines()
    place = next(n for n, line in enumerate(lines) if line.startswith("Message:"))
    assert lines[place + 1].startswith(" " * 22 + "word")
    assert max(map(len, lines[place : place + 3])) <= 60


def test_a_diagnosis_is_coloured_and_wrapped(state: State) -> None:
    """Verdicts have colours, unless NO_COLOR is set; sentences stay within the width."""
    nobody = "unix:///nowhere/docker.sock"
    assert "\x1b[31mfailed\x1b[0m" in on_terminal(state, "doctor", DOCKER_HOST=nobody)
    plain = on_terminal(state, "doctor", columns=60, NO_COLOR="1", DOCKER_HOST=nobody)
    assert "\x1b" not in plain
    words = [line for line in plain.splitlines() if " " in line.strip() and "(" not in line]
    assert max(map(len, words)) <= 60
