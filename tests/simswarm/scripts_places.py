"""What is played where tasks find no place, and where there is nobody who could give them one."""

from __future__ import annotations

from typing import Any

from simswarm.script import Call, Do, NodeIs, Pause, Step, Tasks, Until, Update
from simswarm.scripts import FORCE, NETWORK, POLITE, RUNS, create, read, remove, spec, template

TIB = 2**40
CONSTRAINTS = "TaskTemplate.Placement.Constraints"
GENERIC = ("GPU=gpu-a", "SSD=3")  # what "peer" has, and "engine" has not
# Six hosts: the gateway, the node's own, and four tasks.
SMALL = {**NETWORK, "Name": "small", "IPAM": {"Config": [{"Subnet": "10.99.0.0/29"}]}}


def small(name: str) -> dict[str, Any]:
    """Return a service in the small network."""
    return template(spec(name), Networks=[{"Target": "small"}])


def reserving(name: str, **generic: int) -> dict[str, Any]:
    """Return a service that any node may run that has these generic resources left.

    It is in no network: Swarm joins the node to it, and takes back at each change of a node what
    holds generic resources there.
    """
    asked = [{"DiscreteResourceSpec": {"Kind": k, "Value": v}} for k, v in generic.items()]
    reserved = {"Reservations": {"GenericResources": asked}}
    return template(spec(name, POLITE), Resources=reserved, Placement={}, Networks=[])


def where(name: str, *constraints: str) -> dict[str, Any]:
    """Return a service with constraints."""
    return template(spec(name, POLITE), Placement={"Constraints": list(constraints)})


MET = (
    "node.platform.os==linux",
    "NODE.HOSTNAME == Engine",
    "node.labels.none!=x",
    "engine.labels.none != x",
    "node.role==manager",
    "node.ip!=192.0.2.0/24",
    "node.ip!=192.0.2.1",
)
UNMET = (
    "node.platform.os==windows",
    "engine.labels.none==x",
    "node.ip==192.0.2.0/24",
    "node.ip!=nonsense",
    "node.unknown!=x",
)
NOT_UNDERSTOOD = (
    "node.labels.a/b==x",
    "node.labels.a==x,y",
    "node.labels.a==",
    "1node.id==x",
    "node.id=x",
)

PLACES: dict[str, tuple[Step, ...]] = {
    "a full network": (
        Call("POST", "/networks/create", SMALL),
        Pause(0.5),
        *(
            step
            for number in range(4)
            for step in (create(small(f"in{number}"), f"in{number}"), Until(f"in{number}", RUNS))
        ),
        create(small("out"), "out"),
        Pause(2),
        Tasks("out"),  # and no word of why
        Call("DELETE", "/services/{in1}"),
        Until("out", RUNS),
        *(step for number in (0, 2, 3) for step in remove(f"in{number}")),
        *remove("out"),
        Pause(2),
        Call("DELETE", "/networks/small"),
    ),
    "placed nowhere": (
        create(
            template(
                spec("large"),
                Resources={"Reservations": {"MemoryBytes": TIB}},
                Placement={"Constraints": []},
            ),
            "large",
        ),
        create(template(spec("picky"), Placement={"Constraints": ["node.labels.x==y"]}), "picky"),
        Pause(1),
        Tasks("large"),
        Tasks("picky"),
        Update("picky", {"TaskTemplate.Placement": {"Constraints": []}}),
        Until("picky", (("shutdown", "shutdown"), *RUNS)),
        *remove("large"),
        *remove("picky"),
    ),
    "generic resources": (
        create(reserving("first", GPU=1, SSD=2), "first"),
        Until("first", RUNS),
        read("first"),
        Tasks("first"),
        create(reserving("second", GPU=1), "second"),
        create(reserving("third", SSD=2), "third"),
        create(reserving("fourth", SSD=1), "fourth"),
        create(reserving("fifth", gpu=1), "fifth"),
        Until("fourth", RUNS),
        Pause(1),
        *(Tasks(name) for name in ("second", "third", "fourth", "fifth")),
        *remove("first"),
        Until("second", RUNS),
        Until("third", RUNS),
        Tasks("second"),
        Tasks("third"),
        *(step for name in ("second", "third", "fourth", "fifth") for step in remove(name)),
    ),
    "constraints": (
        create(where("met", *MET), "met"),
        Until("met", RUNS),
        read("met"),
        *(create(where(f"unmet{n}", text), f"unmet{n}") for n, text in enumerate(UNMET)),
        Pause(1),
        *(Tasks(f"unmet{n}") for n in range(len(UNMET))),
        *(Call("POST", "/services/create", where("none", text)) for text in NOT_UNDERSTOOD),
        *remove("met"),
        *(step for n in range(len(UNMET)) for step in remove(f"unmet{n}")),
    ),
    "drained": (
        create(
            template(spec("moved", POLITE), Placement={"Constraints": ["node.hostname==peer"]}),
            "moved",
        ),
        Until("moved", RUNS),
        Do("drain", "peer"),
        Until("moved", (("running", "shutdown"),)),
        Until("moved", (("shutdown", "shutdown"),)),
        Tasks("moved"),
        Update("moved", {FORCE: 1}),
        Pause(1),
        Tasks("moved"),
        Do("active", "peer"),
        Until("moved", (("shutdown", "shutdown"), *RUNS)),
        *remove("moved"),
    ),
    # What a node does not take never begins there once its service is tied to none.
    "tied to none": (
        Do("drain", "peer"),
        create(where("held", "node.hostname==peer"), "held"),
        Pause(1),
        Tasks("held"),
        Update("held", {CONSTRAINTS: ["node.id==none"]}),
        Pause(1),
        Tasks("held"),
        Do("active", "peer"),
        Pause(2),
        Tasks("held"),
        Update("held", {CONSTRAINTS: ["node.hostname==peer"]}),
        Until("held", (("shutdown", "shutdown"), ("shutdown", "shutdown"), *RUNS)),
        *remove("held"),
    ),
    "down": (
        create(
            template(spec("lost", POLITE), Placement={"Constraints": ["node.hostname==peer"]}),
            "lost",
        ),
        Until("lost", RUNS),
        Do("off", "peer"),
        NodeIs("peer", "down"),
        Call("GET", "/nodes/peer"),
        Pause(0.5),
        Tasks("lost"),
        Update("lost", {FORCE: 1}),
        Pause(1),
        Tasks("lost"),
        Do("on", "peer"),
        NodeIs("peer", "ready"),
        Until("lost", (("failed", "shutdown"), *RUNS)),
        Tasks("lost"),
        *remove("lost"),
    ),
}

# Asked of an engine that is in no Swarm, is a worker, or is a manager without a quorum.
ASKED: tuple[Step, ...] = (
    Call("GET", "/services"),
    Call("GET", "/services/none"),
    Call("POST", "/services/create", spec("none")),
    Call("POST", "/services/none/update", spec("none"), query={"version": "1"}),
    Call("DELETE", "/services/none"),
    Call("GET", "/tasks"),
    Call("GET", "/secrets"),
    Call("POST", "/secrets/create", {"Name": "none", "Data": "eA=="}),
    Call("DELETE", "/secrets/none"),
    Call("GET", "/nodes"),
    Call("GET", "/volumes/none"),
)
