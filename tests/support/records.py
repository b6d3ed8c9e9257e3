"""Builders of records and of what an engine says, for tests of the operator's decisions.

Every builder gives a whole, legal value; a test names only what it is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from swarmhub_crds.base import Condition, ConditionStatus, Metadata, find_condition
from swarmhub_crds.home import Home, HomePhase, HomeSpec, HomeStatus, Reclaim
from swarmhub_crds.notebook import (
    ConditionType,
    Desired,
    Mount,
    Notebook,
    NotebookSpec,
    NotebookStatus,
    Phase,
)
from swarmhub_operator.decide.build import (
    Placement,
    Wanted,
    ownership,
    secret_name,
    service_spec,
)
from swarmhub_operator.decide.inputs import Context, Observed
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.decide.terms import of
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Node, Secret, Service, Task, TaskState

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STORE = "store-1"
NETWORK = "swarmhub_notebooks"
DIGEST = "0123456789abcdef" * 4
IMAGE = "registry/lab:1"
GIB = 2**30


def later(seconds: float) -> datetime:
    """Return a time after `NOW`."""
    return NOW + timedelta(seconds=seconds)


def metadata(name: str = "ada", **values: Any) -> Metadata:
    """Return metadata of a record at generation 1."""
    given = {"uid": f"uid-{name}", "generation": 1, "resource_version": 1, **values}
    return Metadata(name=name, created_at=NOW, updated_at=NOW, **given)


def spec(**values: Any) -> NotebookSpec:
    """Return the spec of a notebook that should run."""
    given = {
        "user": "ada",
        "desired": Desired.RUNNING,
        "image": IMAGE,
        "command": ("start", "--flag"),
        "networks": (NETWORK,),
        "secret_digest": DIGEST,
        **values,
    }
    return NotebookSpec(**given)


TERMS = of(spec(), Policy())  # what a service gets that is made under the default policy


def notebook(
    name: str = "ada",
    *,
    status: NotebookStatus | None = None,
    generation: int = 1,
    uid: str | None = None,
    deleted: bool = False,
    **values: Any,
) -> Notebook:
    """Return a record; further values go to its spec."""
    meta = metadata(
        name,
        generation=generation,
        uid=uid or f"uid-{name}",
        deletion_requested_at=NOW if deleted else None,
    )
    if deleted:
        values.setdefault("desired", Desired.STOPPED)
    return Notebook(metadata=meta, spec=spec(**values), status=status or NotebookStatus())


def status(phase: Phase = Phase.PENDING, **values: Any) -> NotebookStatus:
    """Return a status of generation 1."""
    return NotebookStatus(**{"observed_generation": 1, "phase": phase, **values})


def condition(
    kind: str, truth: ConditionStatus = ConditionStatus.TRUE, at: datetime = NOW, **values: Any
) -> Condition:
    """Return a condition."""
    given = {"reason": "Because", **values}
    return Condition(type=kind, status=truth, last_transition_time=at, **given)


def ready_status(task_id: str = "t1", *, since: datetime = NOW, **values: Any) -> NotebookStatus:
    """Return the status of a notebook whose task `task_id` has answered at `since`."""
    given = {
        "task_id": task_id,
        "ready_at": since,
        "service_id": "s1",
        "conditions": (condition(ConditionType.READY, at=since),),
        "address": "http://jupyter-ada---g1:8888",
        **values,
    }
    return status(Phase.RUNNING, **given)


def home(volume: str = "home-ada", *, node: str | None = None, **values: Any) -> Home:
    """Return a home; `reclaim`, `driver`, ... go to its spec, `status` replaces its status."""
    default = HomeStatus(phase=HomePhase.BOUND, node_id=node, node=node) if node else HomeStatus()
    state = values.pop("status", default)
    given = {"user": "ada", "reclaim": Reclaim.RETAIN, **values}
    return Home(metadata=metadata(volume), spec=HomeSpec(**given), status=state)


def home_mount(volume: str = "home-ada", target: str = "/home/jovyan") -> Mount:
    """Return the mount of a home."""
    return Mount(volume=volume, target=target, home=True)


def wanted(record: Notebook | None = None, *homes: Home) -> Wanted:
    """Return a record as planning sees it."""
    return Wanted(record or notebook(), STORE, {h.metadata.name: h for h in homes})


def secret(record: Notebook | None = None, **values: Any) -> Secret:
    """Return the secret that this generation of the record needs."""
    record = record or notebook()
    given: dict[str, Any] = {
        "id": "secret-1",
        "name": secret_name(record) or "none",
        "labels": ownership(wanted(record)),
        "created_at": NOW,
        **values,
    }
    return Secret(**given)


def service(
    record: Notebook | Wanted | None = None,
    *,
    placement: Placement | None = None,
    secret_id: str | None = "secret-1",
    spec: Mapping[str, Any] | None = None,
    **values: Any,
) -> Service:
    """Return the service as it was built from the record."""
    made_of = record if isinstance(record, Wanted) else wanted(record)
    built = spec or service_spec(made_of, placement or Placement(image=IMAGE), secret_id)
    given: dict[str, Any] = {
        "id": "s1",
        "name": built["Name"],
        "version": 7,
        "labels": built["Labels"],
        "spec": built,
        "created_at": NOW - timedelta(hours=1),
        "updated_at": NOW - timedelta(hours=1),
        **values,
    }
    return Service(**given)


def task(state: TaskState = TaskState.RUNNING, **values: Any) -> Task:
    """Return a task of the service `s1` on the node `n1`."""
    given: dict[str, Any] = {
        "id": "t1",
        "service_id": "s1",
        "node_id": "n1",
        "state": state,
        "desired_state": "running",
        "message": "",
        "error": "",
        "created_at": NOW,
        "changed_at": NOW,
        "exit_code": None,
        "addresses": {NETWORK: "10.0.1.5"},
        **values,
    }
    return Task(**given)


def crashed(code: int = 1, **values: Any) -> Task:
    """Return a task that ended with an exit code."""
    error = f"task: non-zero exit ({code})"
    return task(TaskState.FAILED, **{"exit_code": code, "error": error, **values})


def node(ident: str = "n1", **values: Any) -> Node:
    """Return a node of 4 cores and 8 GiB."""
    given: dict[str, Any] = {
        "id": ident,
        "hostname": f"host-{ident}",
        "role": "worker",
        "availability": "active",
        "state": "ready",
        "cpus": 4.0,
        "memory": 8 * GIB,
        **values,
    }
    return Node(**given)


def observed(**values: Any) -> Observed:
    """Return one look; by default an empty Swarm of one node that has the secret."""
    given: dict[str, Any] = {
        "nodes": {"n1": node()},
        "secrets": (secret(),),
        "image": IMAGE,
        **values,
    }
    return Observed(**given)


def running(
    record: Notebook | Wanted | None = None, at: Task | None = None, **values: Any
) -> Observed:
    """Return a look at a service that is as wanted, and at its newest task."""
    return observed(**{"service": service(record), "task": at or task(), **values})


def context(now: datetime = NOW, **policy: Any) -> Context:
    """Return a context; keywords go to the policy, which allows every volume."""
    given = {"allowed_volumes": ("*",), **policy}
    return Context(policy=Policy(**given), network=NETWORK, now=now)


def truth(state: NotebookStatus, kind: ConditionType) -> str | None:
    """Return a condition's answer, or None when it is not there."""
    found = find_condition(state.conditions, kind)
    return found.status.value if found else None


def reason(state: NotebookStatus, kind: ConditionType) -> str | None:
    """Return a condition's reason, or None when it is not there."""
    found = find_condition(state.conditions, kind)
    return found.reason if found else None


def relabelled(found: Service, **changes: str | None) -> Service:
    """Return the service with labels changed (None: removed), named as in `engine.labels`."""
    new = dict(found.labels)
    for name, value in changes.items():
        new.pop(getattr(labels, name), None)
        if value is not None:
            new[getattr(labels, name)] = value
    return replace(found, labels=new, spec={**found.spec, "Labels": new})
