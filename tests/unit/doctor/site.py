"""A Swarm in good health, as facts; a test spoils one thing of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from swarmhub_crds.node import SeenNode
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.decide.probes import Disk, Probe, Sight
from swarmhub_operator.doctor.examine import examine
from swarmhub_operator.doctor.facts import (
    Answer,
    Certificate,
    Facts,
    FileFact,
    Missing,
    StoreFacts,
    Swarm,
)
from swarmhub_operator.doctor.finding import Check, Finding, Verdict
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Node, Service, Task, TaskState
from swarmhub_operator.engine.surroundings import About, Network

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
GIB = 2**30
NETWORK = "swarmhub_notebooks"
REACHED = {"registry.example:443": ""}
ROOMY = Disk(total=100 * GIB, free=60 * GIB)


def node(name: str, **values: Any) -> Node:
    """Return a node that is up, a worker unless it is said to be more."""
    given = {"role": "worker", "engine_version": "28.5.2", **values}
    if given["role"] == "manager":
        given.setdefault("reachability", "reachable")
    about = {"availability": "active", "state": "ready", "cpus": 4.0, "memory": 2**33}
    return Node(**{"id": f"id-{name}", "hostname": name, **about, **given})


def service(name: str, mode: str | None = "dnsrr", **values: Any) -> Service:
    """Return a service on the notebooks' network."""
    template: dict[str, Any] = {"Networks": [{"Target": "net1"}], "ContainerSpec": {}}
    container = values.pop("container", None)
    if container:
        template["ContainerSpec"] = container
    spec: dict[str, Any] = {"Name": name, "TaskTemplate": template}
    if mode is not None:
        spec["EndpointSpec"] = {"Mode": mode}
    about = {"version": 1, "labels": {labels.STORE: "store-1"}, "created_at": NOW}
    given = {"id": f"s-{name}", "name": name, "spec": spec, "updated_at": NOW}
    return Service(**{**given, **about, **values})


def task(of: Service, on: str, **values: Any) -> Task:
    """Return a task that runs, whose node told so at once."""
    made = NOW - timedelta(hours=1)
    given: dict[str, Any] = {
        "id": f"t-{of.name}-{on}",
        "service_id": of.id,
        "node_id": f"id-{on}",
        "state": TaskState.RUNNING,
        "desired_state": "running",
        "message": "",
        "error": "",
        "created_at": made,
        "changed_at": made,
        "updated_at": made + timedelta(seconds=0.2),
        "exit_code": None,
        "addresses": {NETWORK: "10.0.9.7"},
    }
    return Task(**{**given, **values})


def probe(**values: Any) -> Probe:
    """Return what a node tells on which all is well."""
    seen = {"at": NOW, "disk": ROOMY, "names": {"swarmhub_hub": ""}, "connections": REACHED}
    asked = {"asked": NOW - timedelta(seconds=2), "heard": NOW + timedelta(seconds=2)}
    return Probe(sight=Sight.model_validate({**seen, **values}), **asked)


MANAGER = node("manager", role="manager", labels={"swarmhub.state": "true"})
WORKER = node("worker1")
HUB, SERVER = service("swarmhub_hub"), service("jupyter-ada")
ABOUT = About("manager", "28.5.2", "id-manager", "active", manager=True)
TASKS = (task(HUB, "manager"), task(SERVER, "worker1"))
SWARM = Swarm(
    about=ABOUT,
    nodes=(MANAGER, WORKER),
    services=(HUB, SERVER),
    tasks=TASKS,
    networks=(Network("net1", NETWORK, "overlay", ("10.0.9.0/24",)),),
)
PROBES: Mapping[str, Probe | Missing] = {"id-manager": probe(), "id-worker1": probe()}
STORE = StoreFacts(
    uid="store-1",
    schema=7,
    renewed_at=NOW - timedelta(seconds=3),
    nodes=(SeenNode(id="id-manager", hostname="manager", labels={"swarmhub.state": "true"}),),
)
WELL = Facts(
    now=NOW,
    swarm=SWARM,
    network=NETWORK,
    store=STORE,
    policy=Policy(),
    files=(FileFact("/state/state.db", "the state database", 0o600, secret=True),),
    state_disk=ROOMY,
    answers=(Answer("registry.example/lab:1", "registry.example"),),
    certificates=(Certificate("the Swarm's own authority", NOW + timedelta(days=900), "Renew."),),
    probes=PROBES,
)


def swarm(**values: Any) -> Facts:
    """Return facts of which the engine told something else."""
    return replace(WELL, swarm=replace(SWARM, **values))


def store(**values: Any) -> Facts:
    """Return facts of which the store told something else."""
    return replace(WELL, store=replace(STORE, **values))


def found(facts: Facts, check: Check) -> tuple[Finding, ...]:
    """Return what one check has to say; every check says something."""
    findings = tuple(f for f in examine(facts) if f.check is check)
    assert findings
    return findings


def only(facts: Facts, check: Check, verdict: Verdict) -> Finding:
    """Return the one finding of a check, and see to it that no other check has changed its mind."""
    (finding,) = found(facts, check)
    assert finding.verdict is verdict, finding
    others = [f for f in examine(facts) if f.check is not check and f.verdict is not Verdict.OK]
    assert not others
    return finding
