"""What makes a node no good, and how that is said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from support.records import GIB, NOW, node
from swarmhub_crds.constraint import parse
from swarmhub_operator.decide.filters import FILTERS, Candidate, Wish, clock, meets
from swarmhub_operator.engine.amounts import CORE, Amounts
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.engine.tally import Load

GPU = "NVIDIA-GPU"


def fault(wish: Wish, on: Node, load: Load | None = None) -> tuple[str, str] | None:
    """Return why the node is no good, in both its forms, or None."""
    candidate = Candidate(on, load or Load())
    failed = next((f for f in FILTERS if not f.passes(wish, candidate)), None)
    if failed is None:
        return None
    found = failed.explain(wish, candidate, NOW)
    return found.verb, found.text


def asking(cpus: float = 0, memory: int = 0, **generic: int) -> Wish:
    """Return what a notebook asks for."""
    kinds = {kind.replace("_", "-"): amount for kind, amount in generic.items()}
    return Wish(amounts=Amounts(round(cpus * CORE), memory, kinds))


def taken(cpus: float = 0, memory: int = 0, **generic: int) -> Load:
    """Return what others hold of a node."""
    return Load(asking(cpus, memory, **generic).amounts, 1)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"state": "down", "updated_at": NOW - timedelta(minutes=89)},
            ("is", "down since 10:31 UTC"),
        ),
        (
            {"state": "down", "updated_at": NOW - timedelta(days=1)},
            ("is", "down since 2026-02-28 12:00 UTC"),
        ),
        ({"state": "down"}, ("is", "down")),
        ({"state": "disconnected", "updated_at": NOW}, ("is", "disconnected")),
        ({"availability": "pause"}, ("is", "paused")),
        ({"availability": "drain"}, ("is", "drained")),
        ({"availability": "drain", "state": "unknown"}, ("is", "unknown")),
        ({}, None),
    ],
)
def test_a_node_that_takes_no_tasks(changes: Any, expected: tuple[str, str] | None) -> None:
    """Whatever it has left."""
    assert fault(Wish(), node(**changes)) == expected


@pytest.mark.parametrize(
    ("wish", "load", "text"),
    [
        (asking(memory=4 * GIB), taken(memory=6 * GIB), "2 GiB free of 4 asked"),
        (asking(memory=8 * GIB), taken(memory=1), "7.99 GiB free of 8 asked"),
        (asking(memory=GIB // 2), taken(memory=8 * GIB), "0 MiB free of 512 asked"),
        (asking(memory=1), taken(memory=9 * GIB), "0 MiB free of 0.01 asked"),
        (asking(cpus=1.5), taken(cpus=3.75), "0.25 CPUs free of 1.5 asked"),
        (asking(NVIDIA_GPU=1), taken(), "no NVIDIA-GPU"),
        (asking(fpga=2), taken(fpga=2), "1 fpga free of 2 asked"),
        (asking(fpga=2, NVIDIA_GPU=1), taken(fpga=3), "no NVIDIA-GPU and 0 fpga free of 2 asked"),
    ],
)
def test_a_node_without_room(wish: Wish, load: Load, text: str) -> None:
    """What is free is rounded down, so that it never reads like enough."""
    assert fault(wish, node(generic={"fpga": 3}), load) == ("has", text)


@pytest.mark.parametrize(
    "wish", [asking(memory=8 * GIB, cpus=4, fpga=3), asking(cpus=0.1), asking(fpga=1)]
)
def test_a_node_with_just_enough_will_do(wish: Wish) -> None:
    """To the last byte, and sums of cores are exact."""
    assert fault(wish, node(generic={"fpga": 3})) is None
    rest = Load(Amounts(4 * CORE - wish.amounts.nano_cpus, 0, {"fpga": 0}))
    assert fault(wish, node(generic={"fpga": 3}), rest) is None


def test_a_node_that_does_not_hold_the_home() -> None:
    """Though it has all else."""
    assert fault(Wish(holders=frozenset({"n2"})), node()) == ("is", "not where your home lies")
    assert fault(Wish(holders=frozenset({"n1"})), node()) is None


def test_a_constraint_that_is_not_met_is_named() -> None:
    """Only the ones that are not."""
    wish = Wish((parse("node.role==worker"), parse("node.labels.disk==ssd")))
    assert fault(wish, node(labels={"disk": "hdd"})) == ("is", "not node.labels.disk==ssd")
    assert fault(wish, node(labels={"disk": "SSD"})) is None


KNOWN = node(
    role="manager",
    labels={"Disk": "ssd"},
    engine_labels={"os": "debian"},
    os="linux",
    arch="x86_64",
    address="10.1.2.3",
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("node.id==N1", True),
        ("node.id!=n1", False),
        ("node.hostname==host-n1", True),
        ("node.role==manager", True),
        ("node.role!=worker", True),
        ("node.labels.Disk==SSD", True),
        ("node.labels.disk==ssd", False),
        ("node.labels.none!=ssd", True),
        ("engine.labels.os==debian", True),
        ("engine.labels.os!=debian", False),
        ("node.platform.os==linux", True),
        ("node.platform.arch==aarch64", False),
        ("node.ip==10.1.2.3", True),
        ("node.ip!=10.1.2.3", False),
        ("node.ip==10.1.0.0/16", True),
        ("node.ip==10.1.9.9/16", True),
        ("node.ip!=10.2.0.0/16", True),
        ("node.ip==fe80::1", False),
        ("node.ip!=nonsense", False),
        ("node.ip==nonsense", False),
    ],
)
def test_a_constraint_means_what_it_means_to_swarm(text: str, expected: bool) -> None:
    """Values without regard to capitals, labels with; an address that is none is never met."""
    assert meets(KNOWN, parse(text)) is expected


def test_a_node_whose_address_is_not_known() -> None:
    """It is at no address, and so differs from each."""
    assert not meets(node(), parse("node.ip==10.1.2.3"))
    assert meets(node(), parse("node.ip!=10.1.2.3"))


def test_a_time_is_as_short_as_it_can_be_understood() -> None:
    """A clock of the manager that is ahead is no other day."""
    assert clock(NOW + timedelta(minutes=1), NOW) == "12:01 UTC"
    assert clock(NOW - timedelta(hours=23, minutes=59), NOW) == "12:01 UTC"
