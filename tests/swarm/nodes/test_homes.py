"""Homes on three nodes: moved, found, missed, and told of truly."""

import pytest
from support import homes, swarm_nodes, told
from support.hub import HubError, StartFailedError
from support.node import Node
from support.three_nodes import ThreeNodes
from support.waiting import wait_for


def test_home_moves(nodes: ThreeNodes, manager: Node) -> None:
    """Its file goes along, the old volume is gone, and the server runs on the new node."""
    stack, home = nodes.stack, homes.of("mae")
    mae = stack.login("mae")
    with swarm_nodes.only(manager, "worker1"):
        mae.start()
    mae.put_file("note.txt", "packed")
    assert homes.states(stack, home) == {"worker1": "Bound"}
    mae.stop()
    said = stack.swarmhub("homes", "move", "mae", "worker2", "--yes", timeout=homes.PATIENCE)
    assert "It was moved from worker1" in said
    assert "verified by checksum" in said
    wait_for(
        "the old volume to go",
        lambda: swarm_nodes.holders(nodes.all, home) == ["worker2"],
        homes.PATIENCE,
    )
    wait_for(
        "nothing to be told of it",
        lambda: homes.states(stack, home) == {"worker2": "Bound"},
        homes.PATIENCE,
    )
    mae.start()
    assert swarm_nodes.node_of(manager, "mae") == "worker2"
    assert mae.get_file("note.txt") == "packed"
    mae.stop()


def test_home_that_is_in_use_moves_once_it_is_not(nodes: ThreeNodes, manager: Node) -> None:
    """The order waits for the server to stop; who starts it again waits, and finds the file."""
    stack, home = nodes.stack, homes.of("moe")
    moe = stack.login("moe")
    with swarm_nodes.only(manager, "worker2"):
        moe.start()
    moe.put_file("note.txt", "in use")
    stack.swarmhub("homes", "move", "moe", "engine", "--yes", "--no-wait")
    assert homes.states(stack, home, "--cached") == {"worker2": "Bound"}
    assert moe.get_file("note.txt") == "in use"
    moe.stop()
    wait_for(
        "the home to move",
        lambda: homes.record(stack, home)["status"]["node"] == "engine",
        homes.PATIENCE,
    )
    moe.start()
    assert swarm_nodes.node_of(manager, "moe") == "engine"
    assert moe.get_file("note.txt") == "in use"
    moe.stop()


def test_volume_that_was_there_before_is_adopted(nodes: ThreeNodes, worker2: Node) -> None:
    """Wherever it is: the first start runs there, sees the file, and leaves its labels alone."""
    stack, home = nodes.stack, homes.of("zoe")
    worker2.docker("volume", "create", home)
    homes.fill(worker2, home, "note.txt", "from before")
    before = homes.labels(worker2, home)
    zoe = stack.login("zoe")
    zoe.start()
    assert swarm_nodes.node_of(nodes.manager, "zoe") == "worker2"
    assert zoe.get_file("note.txt") == "from before"
    assert homes.states(stack, home) == {"worker2": "Bound"}
    assert swarm_nodes.holders(nodes.all, home) == ["worker2"]
    assert homes.labels(worker2, home) == before
    zoe.stop()


def test_volume_removed_behind_our_back_is_missed(nodes: ThreeNodes, worker1: Node) -> None:
    """Told at once; once the operator knows, its user is told too and gets no empty home."""
    stack, home = nodes.stack, homes.of("mel")
    mel = stack.login("mel")
    with swarm_nodes.only(nodes.manager, "worker1"):
        mel.start()
    mel.stop()
    wait_for("the volume to be free", lambda: not _in_use(worker1, home), timeout=60)
    worker1.docker("volume", "rm", home)
    assert homes.states(stack, home) == {"worker1": "Missing"}
    homes.ask_all_anew(stack)
    assert homes.states(stack, home) == {"worker1": "Lost"}
    with pytest.raises((StartFailedError, HubError), match="no longer on worker1"):
        mel.start()
    assert swarm_nodes.holders(nodes.all, home) == []
    stack.swarmhub("homes", "forget", "mel", "--yes")
    wait_for("it to be given up", lambda: homes.phase(stack, home) == "Pending", homes.PATIENCE)
    mel.start()
    mel.stop()


def test_volume_of_ours_without_a_record_is_unknown(nodes: ThreeNodes, worker1: Node) -> None:
    """It is told of, and kept."""
    stack, volume = nodes.stack, homes.of("nobody")
    label = f"swarmhub.store={told.store_uid(stack)}"
    worker1.docker("volume", "create", "--label", label, volume)
    assert homes.states(stack, volume, "--node", "worker1") == {"worker1": "Unknown"}
    assert homes.states(stack, volume, "--node", "worker2") == {}
    worker1.docker("volume", "rm", volume)


def _in_use(node: Node, volume: str) -> bool:
    return bool(node.docker("ps", "--all", "--quiet", "--filter", f"volume={volume}").split())
