"""Orders for content errands, what they say, and where a home is reached."""

from __future__ import annotations

import io
import json

import pytest
from support.records import STORE, home, node
from swarmhub_crds.home import HomePhase, HomeStatus
from swarmhub_operator.decide import errands
from swarmhub_operator.decide.copying import (
    Outcome,
    outcome,
    progress,
    read_outcome,
    receive_order,
    send_order,
    where,
)
from swarmhub_operator.decide.errands import Means
from swarmhub_operator.errand.report import Report

SECRET = ("x1", "token-1")
MEANS = Means(STORE, "operator:1")


def test_a_sender_only_reads() -> None:
    """And a volume that the engine would make for it does not pass for a home."""
    order = send_order(home(), node(), network="n", secret=SECRET, why="backup")
    container = errands.spec(order, MEANS)["TaskTemplate"]["ContainerSpec"]
    (mount,) = container["Mounts"]
    assert (mount["Source"], mount["Target"], mount["ReadOnly"]) == ("home-ada", "/volume", True)
    assert mount["VolumeOptions"]["NoCopy"]
    assert mount["VolumeOptions"]["Labels"] == {"swarmhub.errand": "send"}
    assert container["Command"][3:] == ["send", "--idle=300"]
    assert container["Secrets"][0]["SecretID"] == "x1"


def test_a_receiver_makes_the_home_its_volume() -> None:
    """With its labels, driver and options, which no template can upset."""
    kept = home(user="{{x}}", driver_options={"type": "nfs", "o": "addr=a"})
    order = receive_order(kept, node(), STORE, network="n", secret=SECRET, why="restore")
    (mount,) = errands.spec(order, MEANS)["TaskTemplate"]["ContainerSpec"]["Mounts"]
    options = mount["VolumeOptions"]
    assert "ReadOnly" not in mount
    assert options["Labels"]["swarmhub.home"] == "home-ada"
    assert options["Labels"]["swarmhub.uid"] == kept.metadata.uid
    assert options["Labels"]["swarmhub.user"] == '{{"{{"}}x}}'
    assert options["DriverConfig"] == {
        "Name": "local",
        "Options": {"type": "nfs", "o": "addr=a"},
    }


def test_a_receiver_is_told_what_to_do() -> None:
    """In arguments that its program understands."""
    order = receive_order(
        home(),
        node(),
        STORE,
        network="n",
        secret=SECRET,
        why="move",
        source="http://10.0.0.3:8090",
        replace=True,
        trusted=True,
    )
    assert order.arguments == ("--idle=300", "--replace", "--trusted", "http://10.0.0.3:8090")


def test_purposes_do_not_meet() -> None:
    """A backup and a move of one home are two errands; two backups are one."""

    def name(why: str) -> str:
        order = send_order(home(), node(), network="n", secret=SECRET, why=why)
        return errands.name(order, STORE)

    assert name("backup") == name("backup") != name("move")


@pytest.mark.parametrize(
    "told",
    [
        Outcome(error="It failed."),
        Outcome(entries=3, size=10, digest="abc"),
        Outcome(entries=3, size=10, digest="abc", sealed=True, kept="old", changed=2),
    ],
)
def test_what_an_errand_says_last_is_understood(told: Outcome) -> None:
    """Whatever it has said before."""
    out = io.StringIO()
    report = Report(out)
    report.advance(5)
    assert report.end(told) == (1 if told.error else 0)
    assert outcome(out.getvalue()) == told
    assert progress(out.getvalue()) == 5


def test_progress_is_told_once_a_second() -> None:
    """However often something is copied."""
    now, out = [0.0], io.StringIO()
    report = Report(out, lambda: now[0])
    for _ in range(17):
        report.advance(10)
        now[0] += 0.125
    told = [json.loads(line)["progress"] for line in out.getvalue().splitlines()]
    assert told == [10, 90, 170]


@pytest.mark.parametrize("output", ["", "Traceback", "[]", '{"progress": 3}\n', '{"entries": 1}'])
def test_what_is_not_understood_is_no_outcome(output: str) -> None:
    """Nobody takes it for a success."""
    assert outcome(output) is None


def test_an_answer_of_another_version_is_refused() -> None:
    """Rather than taken for something."""
    with pytest.raises(ValueError, match="not understood"):
        read_outcome({"entries": None, "bytes": 1, "digest": ""})


NODES = {n.id: n for n in (node("n1"), node("n2"), node("n3", state="down"))}


def test_a_home_of_one_node_is_reached_there() -> None:
    """If that node takes tasks."""
    assert where(home(node="n2"), NODES, "n1") == NODES["n2"]
    paused = {**NODES, "n2": node("n2", availability="drain")}
    assert "which is set to drain" in str(where(home(node="n2"), paused, "n1"))


def test_a_shared_home_is_reached_anywhere() -> None:
    """Best right here."""
    status = HomeStatus(phase=HomePhase.BOUND)
    shared = home(driver_options={"type": "nfs"}, status=status)
    assert where(shared, NODES, "n2") == NODES["n2"]
    assert where(shared, NODES, "n3") == NODES["n1"]
    assert "No node takes tasks now" in str(where(shared, {"n3": NODES["n3"]}, "n3"))


@pytest.mark.parametrize(
    ("phase", "sentence"),
    [
        (HomePhase.PENDING, "has no volume yet"),
        (HomePhase.LOST, "is lost: its volume is not on its node"),
        (HomePhase.DELETING, "is being deleted"),
        (HomePhase.MOVING, "is moving"),
    ],
)
def test_a_home_out_of_reach_is_explained(phase: HomePhase, sentence: str) -> None:
    """Whatever its driver."""
    for options in ({}, {"type": "nfs"}):
        one = home(driver_options=options, status=HomeStatus(phase=phase, node_id="n1", node="n"))
        assert sentence in str(where(one, NODES, "n1"))
