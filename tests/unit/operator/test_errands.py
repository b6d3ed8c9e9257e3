"""Errands: their services, and how they are followed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.records import NOW, node, task
from swarmhub_operator.decide.errands import Errand, Means, Order, name, spec
from swarmhub_operator.decide.removals import Outcome, may_remove, outcome
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observed import Service, Task, TaskState
from swarmhub_operator.loop.errands import PATIENCE, Errands, Report

MEANS = Means("store-1", "operator@sha256:aa")
ORDER = Order(Errand.REMOVE, "n1", ("home-ada", "uid"), about=("home-ada", "uid"))


def test_an_errand_that_asks_the_engine_can_do_nothing_else() -> None:
    """It has the socket of its node, no capability, no overlay, and is never restarted."""
    assert spec(ORDER, MEANS) == {
        "Name": name(ORDER, "store-1"),
        "Labels": {
            "swarmhub.errand": "remove",
            "swarmhub.errand.store": "store-1",
            "swarmhub.errand.of": "operator",
        },
        "TaskTemplate": {
            "ContainerSpec": {
                "Image": "operator@sha256:aa",
                "Command": [
                    *("python3", "-m", "swarmhub_operator.errand"),
                    *("remove", "home-ada", "uid"),
                ],
                "User": "0:0",
                "ReadOnly": True,
                "Healthcheck": {"Test": ["NONE"]},
                "StopGracePeriod": 10**10,
                "Mounts": [
                    {"Type": "bind", "Source": "/var/run/docker.sock", "Target": "/run/docker.sock"}
                ],
                "CapabilityDrop": ["ALL"],
            },
            "RestartPolicy": {"Condition": "none"},
            "Placement": {"Constraints": ["node.id==n1"]},
            "Networks": [],
            "LogDriver": {"Name": "json-file"},
            "ForceUpdate": 0,
        },
        "Mode": {"Replicated": {"Replicas": 1}},
        "EndpointSpec": {"Mode": "dnsrr"},
    }


def test_an_errand_on_a_volume_has_no_engine() -> None:
    """It gets the one volume, its token, and the network on which it is asked for."""
    mount = {"Type": "volume", "Source": "home-ada"}
    order = Order(
        Errand.SEND, "n1", volume=mount, network="notebooks", secret=("id", "swarmhub-token")
    )
    template = spec(order, MEANS)["TaskTemplate"]
    container = template["ContainerSpec"]
    assert container["Mounts"] == [{**mount, "Target": "/volume"}]
    assert template["Networks"] == [{"Target": "notebooks"}]
    file = {"Name": "token", "UID": "0", "GID": "0", "Mode": 0o400}
    secret = {"File": file, "SecretID": "id", "SecretName": "swarmhub-token"}
    assert container["Secrets"] == [secret]
    assert container["CapabilityDrop"] == ["ALL"]
    assert container["CapabilityAdd"] == ["CAP_DAC_OVERRIDE"]
    writing = spec(replace(order, kind=Errand.RECEIVE), MEANS)["TaskTemplate"]["ContainerSpec"]
    assert {"CAP_CHOWN", "CAP_FOWNER"} < {*writing["CapabilityAdd"]}
    assert "CAP_NET_RAW" not in writing["CapabilityAdd"]


def test_only_the_same_errand_has_the_same_name() -> None:
    """Two of one name would be one service; a command's errand is never the operator's."""
    others = [
        replace(ORDER, kind=Errand.INVENTORY),
        replace(ORDER, node_id="n2"),
        replace(ORDER, about=("home-bob", "uid")),
        replace(ORDER, by="command"),
    ]
    names = {name(order, store) for order in (ORDER, *others) for store in ("s1", "s2")}
    assert len(names) == 10
    assert name(replace(ORDER, arguments=("other",)), "s1") == name(ORDER, "s1")
    assert all(len(one) <= 63 for one in names)


@pytest.mark.parametrize("labels", [{}, {"swarmhub.uid": "other"}, {"swarmhub.home": "uid"}])
def test_a_volume_of_another_home_may_not_go(labels: dict[str, str]) -> None:
    """The uid alone tells."""
    assert not may_remove(labels, "uid")
    assert not may_remove({"swarmhub.uid": ""}, "")
    assert may_remove({**labels, "swarmhub.uid": "uid"}, "uid")


def test_exit_codes_are_outcomes() -> None:
    """What is none is the errand's own failure."""
    assert [outcome(o.value) for o in Outcome] == list(Outcome)
    assert [outcome(code) for code in (None, 1, 64, 137)] == [None] * 4


class Swarm:
    """The part of an engine that errands use."""

    def __init__(self) -> None:
        self.services: dict[str, Service] = {}
        self.task: Task | None = None
        self.taken = False

    def errands(self, _store: str) -> tuple[Service, ...]:
        """List them."""
        return tuple(self.services.values())

    def errand_tasks(self, _store: str) -> tuple[Task, ...]:
        """List their tasks."""
        return (self.task,) if self.task else ()

    def create_service(self, made: dict[str, Any]) -> str:
        """Make one."""
        if self.taken:
            raise EngineError(Kind.TAKEN, "It is there.")
        service = Service("s1", made["Name"], 1, made["Labels"], made, NOW, NOW)
        self.services[service.name] = service
        return "s1"

    def remove_service(self, ident: str) -> None:
        """Remove one."""
        self.services = {n: s for n, s in self.services.items() if s.id != ident}

    def task_output(self, ident: str) -> str:
        """Tell what it wrote."""
        return f"the words of {ident}"


class Sender:
    """Sends errands on a Swarm of one node, at a time that stands still."""

    def __init__(self) -> None:
        self.now = 0.0
        self.swarm = Swarm()
        self.errands = Errands(self.swarm, MEANS, lambda: self.now)  # type: ignore[arg-type]

    def ask(self, order: Order = ORDER, where: dict[str, str] | None = None) -> Report:
        """Look, and ask for an errand on a node."""
        self.errands.look()
        return self.errands.ask(order, node("n1", **(where or {})))


def test_an_errand_is_sent_once_and_followed_to_its_end() -> None:
    """Each round asks for the same."""
    sender = Sender()
    assert not sender.ask().ended
    assert len(sender.swarm.services) == 1
    sender.swarm.task = task(TaskState.PREPARING)
    waiting = sender.ask()
    assert (waiting.ended, "pulling the image" in waiting.message) == (False, True)
    sender.swarm.task = task(TaskState.COMPLETE, exit_code=0)
    done = sender.ask()
    assert (done.ended, done.exit_code, done.message) == (True, 0, "")
    assert sender.errands.output(done) == "the words of t1"
    sender.errands.end(ORDER)
    assert sender.swarm.services == {}
    assert not sender.errands.busy


def test_an_errand_that_fails_says_how() -> None:
    """By its exit code, or in Swarm's own words."""
    sender = Sender()
    sender.ask()
    sender.swarm.task = task(TaskState.FAILED, exit_code=12)
    failed = sender.ask()
    assert (failed.ended, failed.exit_code) == (True, 12)
    assert failed.message == "The errand failed on host-n1 (exit code 12)."
    sender.swarm.task = task(TaskState.REJECTED, error="No such image: operator")
    rejected = sender.ask()
    assert (rejected.ended, rejected.exit_code) == (True, None)
    assert "No such image: operator" in rejected.message


@pytest.mark.parametrize("where", [{"state": "down"}, {"availability": "drain"}])
def test_nothing_is_sent_to_a_node_that_takes_no_tasks(where: dict[str, str]) -> None:
    """It would be done at some time when nobody wants it any more."""
    sender = Sender()
    report = sender.ask(where=where)
    assert not report.ended
    assert next(iter(where.values())) in report.message
    assert sender.swarm.services == {}
    assert not sender.errands.busy


def test_what_was_sent_before_the_node_went_down_is_waited_for() -> None:
    """It may be done there at this very moment."""
    sender = Sender()
    sender.ask()
    sender.swarm.task = task(TaskState.RUNNING)
    sender.now += ORDER.within + 1
    report = sender.ask(where={"state": "down"})
    assert not report.ended
    assert "is down" in report.message


def test_an_errand_that_takes_too_long_is_given_up() -> None:
    """And can be sent again once it was ended."""
    sender = Sender()
    sender.ask()
    sender.now += ORDER.within + 1
    report = sender.ask()
    assert (report.ended, report.exit_code) == (True, None)
    assert "was not done within 300 s" in report.message
    sender.errands.postpone(ORDER)
    assert "tried again" in sender.ask().message
    assert sender.swarm.services == {}
    assert not sender.errands.busy
    sender.now += PATIENCE
    assert not sender.ask().ended
    assert len(sender.swarm.services) == 1


def test_one_that_another_operator_has_sent_is_followed() -> None:
    """Its name is taken; the next look shows it."""
    sender = Sender()
    sender.swarm.taken = True
    assert not sender.ask().ended


def test_what_nobody_asks_for_is_cleared_away() -> None:
    """But for a command's errand, which is its own as long as it runs."""
    sender = Sender()
    foreign = replace(ORDER, by="command")
    sender.ask()
    sender.errands.look()
    sender.errands.clear_away()
    assert sender.swarm.services == {}
    sender.ask(foreign)
    sender.swarm.task = task(TaskState.RUNNING)
    sender.errands.look()
    sender.errands.clear_away()
    assert len(sender.swarm.services) == 1
    sender.swarm.task = task(TaskState.COMPLETE, exit_code=0)
    sender.errands.look()
    sender.errands.clear_away()
    assert sender.swarm.services == {}
