"""The errand that looks around on a node: its service, its program, and what is made of it."""

from __future__ import annotations

import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from swarmhub_operator.decide import errands, probes
from swarmhub_operator.decide.errands import Means
from swarmhub_operator.decide.probes import Disk, Probe, Sight
from swarmhub_operator.disks import disk_of
from swarmhub_operator.engine import decode, surroundings

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_the_service_has_no_privilege() -> None:
    """No socket, no volume, no capability, nobody's user; on its node, beside the notebooks."""
    order = probes.order("n1", "net1", ("hub",), ("r.example:443",), "command")
    spec = errands.spec(order, Means("store-1", "operator@sha256:1"))
    container = spec["TaskTemplate"]["ContainerSpec"]
    assert "Mounts" not in container
    assert "CapabilityAdd" not in container
    assert (container["User"], container["CapabilityDrop"]) == ("65534:65534", ["ALL"])
    assert container["ReadOnly"] is True
    assert container["Command"][-3:] == ["probe", "--resolve=hub", "--connect=r.example:443"]
    assert spec["TaskTemplate"]["Networks"] == [{"Target": "net1"}]
    assert spec["TaskTemplate"]["Placement"] == {"Constraints": ["node.id==n1"]}


def test_the_program_tells_what_it_sees() -> None:
    """Names that are found or not, ports that are open or not, its clock, its disk."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as shut:
        shut.bind(("127.0.0.1", 0))  # and does not listen
        opened, closed = (f"127.0.0.1:{s.getsockname()[1]}" for s in (server, shut))
        words = ["--resolve=localhost", "--resolve=no.such.name.invalid"]
        words += [f"--connect={place}" for place in (opened, closed, "127.0.0.1:none")]
        program = [sys.executable, *errands.PROGRAM[1:], "probe", *words]
        begun = datetime.now(UTC)
        told = subprocess.run(program, capture_output=True, text=True, check=True, timeout=60)
    sight = probes.read(told.stdout)
    assert sight is not None
    assert begun <= sight.at <= datetime.now(UTC)
    assert [not why for why in sight.names.values()] == [True, False]
    assert [not why for why in sight.connections.values()] == [True, False, False]
    assert sight.disk is not None
    assert 0 < sight.disk.total >= sight.disk.free


def test_half_a_report_is_none() -> None:
    """A log may end early."""
    whole = Sight(at=NOW, disk=Disk(total=2, free=1), names={"hub": ""}).model_dump_json()
    assert probes.read(whole + "\n") is not None
    assert all(probes.read(whole[:end]) is None for end in range(len(whole)))


@given(
    st.floats(-1000, 1000), st.floats(0, 100), st.floats(0, 1).map(lambda share: round(share, 3))
)
def test_skew_is_what_is_certain(skew: float, took: float, share: float) -> None:
    """Never more than the true one, of its sign, and wrong by the whole time at most."""
    asked, heard = NOW, NOW + timedelta(seconds=took)
    at = asked + timedelta(seconds=took * share + skew)
    found = Probe(sight=Sight(at=at), asked=asked, heard=heard).skew
    assert abs(found) <= abs(skew) + 1e-4
    assert found * skew >= 0
    assert abs(found - skew) <= took + 1e-4


def test_room_of_a_disk(tmp_path: Path) -> None:
    """As the file system tells; a path that is not there raises."""
    found = disk_of(tmp_path)
    assert found is not None
    assert 0 <= found.free <= found.total
    with pytest.raises(FileNotFoundError):
        disk_of(tmp_path / "nothing")


# -- what the engine's own words become


def test_an_engine_tells_of_itself() -> None:
    """Of a manager, and of one that is in no Swarm, which leaves most out."""
    swarm = {
        "NodeID": "n1",
        "LocalNodeState": "active",
        "ControlAvailable": True,
        "Cluster": {"TLSInfo": {"TrustRoot": "PEM"}},
    }
    found = surroundings.about({"Name": "m", "ServerVersion": "28.5.2", "Swarm": swarm})
    assert (found.manager, found.state, found.root_ca, found.error) == (True, "active", "PEM", "")
    alone = surroundings.about({"Name": "m", "Swarm": {"LocalNodeState": "inactive"}})
    assert (alone.manager, alone.state, alone.node_id) == (False, "inactive", "")


def test_networks_tell_their_blocks() -> None:
    """Some have none, some an empty list, some no part of it."""
    config = [{"Subnet": "10.0.1.0/24", "Gateway": "10.0.1.1"}, {"Gateway": "x"}]
    raw = {"Id": "i", "Name": "n", "Driver": "overlay", "IPAM": {"Config": config}}
    assert surroundings.network(raw).subnets == ("10.0.1.0/24",)
    for ipam in (None, {}, {"Config": None}):
        assert surroundings.network({"Id": "i", "IPAM": ipam}).subnets == ()


def test_a_node_tells_its_engine_and_whether_it_is_reached() -> None:
    """Only managers are asked for the latter."""
    described = {"Engine": {"EngineVersion": "28.5.2"}}
    manager = decode.node(
        {"ID": "a", "Description": described, "ManagerStatus": {"Reachability": "unreachable"}}
    )
    assert (manager.engine_version, manager.reachability) == ("28.5.2", "unreachable")
    worker = decode.node({"ID": "b", "Description": {}})
    assert (worker.engine_version, worker.reachability) == ("", "")
