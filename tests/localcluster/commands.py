"""`make cluster` and `make cluster-down`: start the keeper of a local Swarm, and end it."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from localcluster import orders
from localcluster.note import Note
from support.janitor import remove_tree
from support.leftovers import leftovers
from support.processes import ProcessId
from support.shell import require_root
from support.waiting import wait_for

MOST_NODES = 9
_PATIENCE_PER_NODE = 60.0  # seconds
_PATIENCE_AT_END = 180.0  # seconds
_OWN = re.compile(r"node[1-9]|cluster\.(json|draft|log|sock)")
_TESTS = Path(__file__).parents[1]


class ClusterError(RuntimeError):
    """What was asked cannot be done; the message says what to do instead."""


def up(folder: Path, count: int) -> Note:
    """Have a local Swarm of so many nodes; prints how it comes about.

    Args:
        folder: the cluster's; new, empty, or left by an earlier cluster.
        count: number of nodes, from 1 to 9.

    Raises:
        ClusterError: it does not come about, or there is one of another size.
    """
    require_root()
    if not 1 <= count <= MOST_NODES:
        raise ClusterError(f"N={count} does not do: choose from 1 to {MOST_NODES} nodes.")
    earlier = Note.read(folder)
    if earlier is not None and earlier.keeper.alive():
        if earlier.wanted != count:
            raise ClusterError(
                f"A cluster of {earlier.wanted} nodes runs already: run `make cluster-down` first."
            )
        return _await_ready(folder, earlier.keeper, count, told=_log(folder).stat().st_size)
    _check_own(folder)
    if earlier is not None:
        _await_clean(folder, earlier)
    return _await_ready(folder, _start_keeper(folder, count), count)


def down(folder: Path, *, keep_images: bool = False) -> str:
    """End the local Swarm, also one whose keeper was killed; prints and returns what was done.

    Args:
        folder: the cluster's.
        keep_images: leave the folder, and in it the images, to the next cluster.

    Raises:
        ClusterError: something of it is still there; the message names it.
    """
    note = Note.read(folder)
    if note is None and not folder.exists():
        return "No local cluster runs, and none has left anything."
    require_root()
    _check_own(folder)
    if note is not None:
        _say(f"Ending {note.wanted} nodes.")
        _end(note.keeper)
        _await_clean(folder, note)
    if keep_images:
        return f"The local cluster is gone; its images stay in {folder} for the next one."
    _say("Removing their data.")
    remove_tree(folder)
    return "The local cluster is gone, and all that was in it."


def order(folder: Path, verb: str, node: str) -> str:
    """Do something to one node of the cluster that runs, and return what was done.

    Args:
        folder: the cluster's.
        verb: one of `localcluster.orders.ORDERS`.
        node: the node's name.

    Raises:
        ClusterError: no cluster runs.
        RuntimeError: it failed.
    """
    note = Note.read(folder)
    if note is None or not note.keeper.alive() or not note.ready:
        raise ClusterError("No local cluster runs: run `make cluster` first.")
    orders.give(folder, verb, node)
    return f"{node}: {verb} done."


def _start_keeper(folder: Path, count: int) -> ProcessId:
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("cluster.*"):
        stale.unlink()
    with _log(folder).open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "localcluster.keeper", str(folder), str(count)],
            cwd=_TESTS,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # it outlives the terminal
        )
    return ProcessId.of(keeper.pid)


def _await_ready(folder: Path, keeper: ProcessId, count: int, told: int = 0) -> Note:
    """Wait until all nodes are ready, and show what the log says after its first `told` bytes."""
    deadline = time.monotonic() + _PATIENCE_PER_NODE * (count + 1)
    while time.monotonic() < deadline:
        lives = keeper.alive()
        said = _log(folder).read_bytes()[told:]
        said = said[: said.rfind(b"\n") + 1]
        told += len(said)
        _say(said.decode(errors="replace"), end="")
        note = Note.read(folder)
        if note is not None and note.keeper == keeper and note.ready:
            return note
        if not lives:
            raise ClusterError("The cluster did not come about: see the lines above.")
        time.sleep(0.1)
    raise ClusterError(
        f"The nodes are not ready after {_PATIENCE_PER_NODE * (count + 1):g} s: "
        "run `make cluster-down` and try again with fewer nodes."
    )


def _end(keeper: ProcessId) -> None:
    if not keeper.alive():
        return
    os.kill(keeper.pid, signal.SIGTERM)
    try:
        wait_for("the cluster to end", lambda: not keeper.alive(), timeout=_PATIENCE_AT_END)
    except TimeoutError:
        keeper.end()  # what it held is cleaned up all the same


def _await_clean(folder: Path, note: Note) -> None:
    left: list[str] = []

    def clean() -> bool:
        left[:] = leftovers(note.bridge, folder)
        return not left

    try:
        wait_for("everything to be gone", clean, timeout=_PATIENCE_AT_END, pause=0.3)
    except TimeoutError:
        raise ClusterError(f"The cluster left behind: {'; '.join(left)}.") from None


def _check_own(folder: Path) -> None:
    """Refuse to use, and later to remove, a folder of somebody else."""
    names = sorted(entry.name for entry in folder.iterdir()) if folder.exists() else []
    strange = [name for name in names if not _OWN.fullmatch(name)]
    if strange:
        raise ClusterError(
            f"{folder} also holds {strange[0]}, which is no cluster's: move that away, or name "
            "another folder with SWARMHUB_CLUSTER_DIR=DIR."
        )


def _say(text: str, end: str = "\n") -> None:
    sys.stdout.write(text + end)
    sys.stdout.flush()


def _log(folder: Path) -> Path:
    return folder / "cluster.log"
