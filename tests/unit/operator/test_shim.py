"""The start of a notebook, read by real shells."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from swarmhub_crds import secretenv
from swarmhub_operator.decide.build import SHIM, secret_file
from swarmhub_operator.decide.environment import plain_faults, secret_faults

HARMLESS = ("PATH", "IFS", "ENV", "BASH_ENV", "PS4", "LINENO", "HOME", "LD_LIBRARY_PATH", "GROUPS")
BREAKS_BASH = ("UID", "EUID", "PPID", "BASH_VERSINFO", "SHELLOPTS", "BASHOPTS")
VALUES = {
    "QUOTES": 'it\'s "so" `id` $(id) $HOME \\',
    "LINES": "a\nB='c'\n\texport X=1",
    "EMPTY": "",
    "UNICODE": "ä\u2028",
}


@pytest.fixture(params=["dash", "bash"])
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a folder in which this shell is `sh`."""
    found = shutil.which(request.param)
    assert found is not None, f"{request.param} is needed; install it"
    (tmp_path / "sh").symlink_to(found)
    return tmp_path


def started(shell: Path, secret: dict[str, str], **plain: str) -> dict[str, str]:
    """Return the environment with which the command starts; empty if it does not."""
    file = shell / secretenv.FILE
    file.write_bytes(secret_file(secret))
    script = SHIM.replace(f"/run/secrets/{secretenv.FILE}", str(file))
    command = (shell / "sh", "-c", script, "sh", "/usr/bin/env", "-0")
    done = subprocess.run(command, env=plain, capture_output=True, check=False, timeout=20)
    lines = (line.partition("=") for line in done.stdout.decode().split("\0") if line)
    return {name: value for name, _, value in lines}


def test_values_arrive_as_they_are(shell: Path) -> None:
    """Nothing in them expands, ends the file, or is run."""
    found = started(shell, VALUES)
    assert {name: found[name] for name in VALUES} == VALUES
    assert "X" not in found
    assert not list(secret_faults(VALUES, ()))
    assert not list(secret_faults({secretenv.TLS: "-----BEGIN"}, ()))


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_let_through_does_not_break_the_start(shell: Path, name: str) -> None:
    """They act in the notebook alone."""
    assert not list(secret_faults({name: "x"}, ()))
    assert not list(plain_faults({name: "x"}, ()))
    assert started(shell, {name: "x", "LAST": "y"})["LAST"] == "y"
    assert started(shell, {"LAST": "y"}, **{name: "x"})["LAST"] == "y"


@pytest.mark.parametrize("name", [*BREAKS_BASH, "OPTIND"])
def test_what_breaks_it_is_refused(tmp_path: Path, name: str) -> None:
    """Each has been seen to keep a shell from starting the command."""
    assert list(secret_faults({name: "x"}, ()))
    kind = "dash" if name == "OPTIND" else "bash"
    (tmp_path / "sh").symlink_to(shutil.which(kind) or kind)
    assert started(tmp_path, {name: "x", "LAST": "y"}) == {}


@pytest.mark.parametrize("name", ["x; id #", "A B", "", "1A", "A-B", "a\nb", "Ä"])
def test_a_secret_name_is_a_name(name: str) -> None:
    """It stands in the file unquoted."""
    assert "no shell takes" in next(secret_faults({name: "v"}, ()))


def test_options_from_the_environment_tell_secrets(tmp_path: Path) -> None:
    """Why SHELLOPTS is refused: bash then writes them to the log, or does nothing at all."""
    (tmp_path / "sh").symlink_to(shutil.which("bash") or "bash")
    assert started(tmp_path, {"LAST": "y"}, SHELLOPTS="noexec") == {}
    assert list(plain_faults({"SHELLOPTS": "xtrace"}, ()))
