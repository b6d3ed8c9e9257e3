"""`make cluster` and `make cluster-down`: what they say, and that nothing stays."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from localcluster.note import Note
from support.leftovers import leftovers
from support.processes import ProcessId
from support.shell import run
from support.waiting import wait_for

_TESTS = Path(__file__).parents[1]


def _command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "localcluster", *words],
        cwd=_TESTS,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "SWARMHUB_CLUSTER_DIR": str(folder)},
        timeout=240,
        check=False,
    )


def _note(folder: Path) -> Note:
    note = Note.read(folder)
    assert note is not None
    return note


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Yield the folder of a cluster that a test makes, and end that cluster."""
    yield tmp_path / "c"
    assert _command(tmp_path / "c", "down").returncode == 0


@pytest.fixture
def note(folder: Path) -> Note:
    """Return the note of a cluster of two nodes that runs."""
    done = _command(folder, "up", "2")
    assert done.returncode == 0, done.stdout
    return _note(folder)


def test_two_nodes_come_and_go(folder: Path, note: Note) -> None:
    """Both are ready when the command ends, it says how to use them, and afterwards all is gone."""
    again = _command(folder, "up", "2")
    assert again.returncode == 0
    manager = note.nodes[0]
    assert f"DOCKER_HOST={manager.socket} SWARMHUB_ADDRESS={manager.address}" in again.stdout
    listing = ("node", "ls", "--format", "{{.Hostname}} {{.Status}} {{.ManagerStatus}}")
    said = run("docker", *listing, env={"DOCKER_HOST": manager.socket})
    assert said.split() == ["node1", "Ready", "Leader", "node2", "Ready"]
    done = _command(folder, "down")
    assert done.returncode == 0, done.stdout
    assert not note.keeper.alive()
    assert not folder.exists()
    assert leftovers(note.bridge, folder) == []


def test_nodes_lose_power_and_network(folder: Path, note: Note) -> None:
    """The Swarm sees what is done to a node, and an impossible order has its sentence."""
    manager = note.nodes[0].socket

    def seen(status: str) -> bool:
        inspect = ("node", "inspect", "--format", "{{.Status.State}}", "node2")
        return run("docker", *inspect, env={"DOCKER_HOST": manager}).strip() == status

    for harm, remedy in (("kill", "start"), ("cut-off", "heal")):
        done = _command(folder, "node", "node2", harm)
        assert done.returncode == 0, done.stdout
        wait_for("the node to be down", lambda: seen("down"), timeout=60)
        done = _command(folder, "node", "node2", remedy)
        assert done.returncode == 0, done.stdout
        wait_for("the node to be ready", lambda: seen("ready"), timeout=60)
    again = _command(folder, "node", "node2", "start")
    assert again.returncode == 1
    assert again.stdout == "swarmhub: The engine of node2 runs already.\n"
    unknown = _command(folder, "node", "node7", "kill")
    assert "choose among node1, node2" in unknown.stdout


def test_another_size_is_refused(folder: Path, note: Note) -> None:
    """The cluster that runs is left alone, and the way to another one is said."""
    done = _command(folder, "up", "3")
    assert done.returncode == 1
    assert "A cluster of 2 nodes runs already: run `make cluster-down` first." in done.stdout
    assert _note(folder) == note


def test_killed_keeper_leaves_nothing_that_runs(folder: Path, note: Note) -> None:
    """After kill -9 all but the folder goes by itself, and a new cluster can be made there."""
    os.kill(note.keeper.pid, signal.SIGKILL)
    wait_for("the rest to go", lambda: leftovers(note.bridge, folder) == [], timeout=60)
    done = _command(folder, "up", "1")
    assert done.returncode == 0, done.stdout
    assert _note(folder).keeper != note.keeper


def test_images_may_stay(folder: Path, note: Note) -> None:
    """With --keep-images the nodes' data stay for the next cluster, and nothing runs."""
    assert _command(folder, "down", "--keep-images").returncode == 0
    assert leftovers(note.bridge, folder) == []
    assert (folder / "node1" / "data").is_dir()


def test_no_cluster_is_no_fault(folder: Path) -> None:
    """There is nothing to end: said so, without a complaint."""
    done = _command(folder, "down")
    assert done.returncode == 0
    assert done.stdout == "No local cluster runs, and none has left anything.\n"
    done = _command(folder, "node", "node1", "kill")
    assert done.returncode == 1
    assert "run `make cluster` first" in done.stdout


def test_folder_of_somebody_else_is_not_touched(tmp_path: Path) -> None:
    """Neither used nor removed: one with anything else in it may have been named by mistake."""
    (tmp_path / "thesis.tex").write_text("years of work")
    for words in (("up", "2"), ("down",)):
        done = _command(tmp_path, *words)
        assert done.returncode == 1
        assert "also holds thesis.tex" in done.stdout
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("count", ["0", "10"])
def test_impossible_sizes_are_refused(folder: Path, count: str) -> None:
    """Nothing is started, and the sentence says what would do."""
    done = _command(folder, "up", count)
    assert done.returncode == 1
    assert "choose from 1 to 9 nodes" in done.stdout
    assert not folder.exists()


def test_note_of_a_cluster_that_failed_is_not_taken_for_one(folder: Path) -> None:
    """A path that is too long for an engine's socket: its sentence is shown, and `down` works."""
    deep = folder / ("d" * 100)
    done = _command(deep, "up", "1")
    assert done.returncode == 1
    assert "choose a shorter directory" in done.stdout
    assert not ProcessId(_note(deep).keeper.pid, _note(deep).keeper.started).alive()
    assert _command(deep, "down").returncode == 0
    assert not deep.exists()
    folder.rmdir()
