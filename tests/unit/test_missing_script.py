"""What the command says on the host when it cannot begin, with a docker that plays its part."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "images" / "bin" / "swarmhub"
VERBS = (("doctor",), ("doctor", "-o", "json"), ("status",), ("bug-report", "report.tar.gz"))
SOCKET = "unix:///var/run/docker.sock"
DOCKER = """#!/bin/sh
case "$*" in
  "context inspect"*) echo "$ENDPOINT" ;;
  version*) [ -z "${SAID:-}" ] || { echo "$SAID" >&2; exit 1; } ;;
  "info "*NodeID*) echo n1 ;;
  "info "*) echo "$SWARM" ;;
  "node ls"*) printf '%s\\n' n1 n2 ;;
  "node inspect "*Hostname*) echo manager-2 ;;
  "node inspect "*) if [ "$STATE" = "${*##* }" ]; then echo true; else echo; fi ;;
  "image ls"*) [ -z "${VOLUME:-}" ] || echo f00d ;;
  "volume inspect"*) [ -n "${VOLUME:-}" ] ;;
  run*) echo Running ;;
esac
"""
NEEDED = (
    *("sh", "bash", "env", "dirname", "readlink", "id", "df", "awk", "tail", "head", "timeout"),
    *("mktemp", "rm", "mv"),
)
HERE = {"ENDPOINT": SOCKET, "SWARM": "active true", "STATE": "n1"}
REFUSED = "permission denied while trying to connect to the Docker daemon socket at " + SOCKET
DOWN = f"Cannot connect to the Docker daemon at {SOCKET}. Is the docker daemon running?"
NEWER = "failed to connect to the docker API at unix:///x.sock; check if the daemon is running"
OLD = "Error response from daemon: client version 1.41 is too old. Minimum supported is 1.44"
AWAY = "error during connect: Get http://far:2375/version: dial tcp: lookup far: no such host"


def program(folder: Path, name: str, text: str) -> None:
    """Put a program in the way."""
    path = folder / name
    path.unlink(missing_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder of the only programs that there are."""
    found = tmp_path / "bin"
    found.mkdir()
    for name in NEEDED:
        path = shutil.which(name)
        assert path is not None
        (found / name).symlink_to(path)
    program(found, "docker", DOCKER)
    return found


def run(folder: Path, *words: str, **given: str) -> subprocess.CompletedProcess[str]:
    """Run the script with nothing but these programs and variables."""
    return subprocess.run(
        [str(SCRIPT), *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=folder.parent,
        env={"PATH": str(folder), **HERE, **given},
        timeout=30,
        check=False,
    )


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one sentence of a command that did not begin, on standard error alone."""
    assert (done.returncode, done.stdout) == (1, ""), done
    (said,) = (line for line in done.stderr.splitlines() if not line.startswith("  "))
    assert said.startswith("swarmhub: ")
    return said


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
@pytest.mark.parametrize(
    ("said", "endpoint", "what", "step"),
    [
        (REFUSED, SOCKET, "is there, and you may not use it", "use sudo"),
        (DOWN, SOCKET, f"No engine answers at {SOCKET}", "systemctl start docker"),
        (NEWER, "unix:///x.sock", "No engine answers at unix:///x.sock", "systemctl start docker"),
        (AWAY, "tcp://far:2375", "No engine answers at tcp://far:2375", "correct DOCKER_HOST"),
        (OLD, SOCKET, "do not go together", "install the docker command of the engine's version"),
    ],
)
def test_an_engine_that_cannot_be_asked(
    folder: Path, verb: tuple[str, ...], said: str, endpoint: str, what: str, step: str
) -> None:
    """Which one, and what to do; not in docker's own words."""
    told = sentence(run(folder, *verb, SAID=said, ENDPOINT=endpoint))
    assert what in told
    assert step in told
    assert not (folder.parent / "report.tar.gz").exists()


def test_an_engine_that_hangs(folder: Path) -> None:
    """It is not waited for."""
    program(folder, "timeout", "#!/bin/sh\nexit 124\n")
    told = sentence(run(folder, "status"))
    assert "does not answer within 15 s" in told
    assert "ends all that runs on it" in told


def test_no_docker_command(folder: Path) -> None:
    """Another machine, most likely."""
    (folder / "docker").unlink()
    assert "There is no docker command here" in sentence(run(folder, "status"))


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"SWARM": "inactive false"}, "is in no Swarm, so there is no swarmhub: run 'make up'"),
        ({"SWARM": "active false"}, "is a worker of a Swarm: run this on a manager"),
        ({"SWARM": "locked false"}, "run 'docker swarm unlock' first"),
        ({"SWARM": "error false"}, "a Swarm that does not answer: see 'docker info'"),
        ({"STATE": "n2"}, "state lives on the node manager-2: run this there"),
        ({"STATE": ""}, "There is no swarmhub on this engine: run 'make up' first"),
        ({}, "There is no swarmhub on this engine: run 'make up' first"),
    ],
)
def test_an_engine_without_the_state(
    folder: Path, verb: tuple[str, ...], given: dict[str, str], what: str
) -> None:
    """Where it is, or what makes it."""
    assert what in sentence(run(folder, *verb, **given))


def test_the_state_is_read_whatever_the_swarm_is(folder: Path) -> None:
    """What is wrong with that is said beside it."""
    done = run(folder, "status", VOLUME="there", SWARM="locked false", DOCKER_HOST="tcp://here:1")
    assert (done.returncode, done.stdout) == (0, "Running\n")
    assert done.stderr == (
        "swarmhub: This engine's Swarm is locked: run 'docker swarm unlock' first.\n"
    )


def test_a_doctor_tells_of_the_machine_itself(folder: Path) -> None:
    """Its memory at least; of an engine elsewhere, or to whom did not ask, nothing."""
    lines = run(folder, "doctor", SAID=DOWN).stderr.splitlines()
    assert any(line.startswith("  memory: ") and "MiB are free" in line for line in lines)
    for words, endpoint in ((("status",), SOCKET), (("doctor",), "tcp://far:2375")):
        done = run(folder, *words, SAID=DOWN, ENDPOINT=endpoint)
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("free", "told"),
    [("50", "50 of 100 MiB are free"), ("9", "9 of 100 MiB are free, which is little")],
)
def test_little_room_is_called_so(free: str, told: str) -> None:
    """Less than a tenth, as in `doctor` itself."""
    script = f'. "{SCRIPT.parents[1]}/lib/missing.sh"; echo "$0" | told_room memory'
    kib = f"{int(free) * 1024} {100 * 1024}"
    done = subprocess.run(
        ["bash", "-c", script, kib],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"]},
        timeout=30,
    )
    assert done.stdout == f"  memory: {told}\n"
