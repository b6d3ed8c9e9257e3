"""Hypothesis strategies: any state from which an operator may have to go on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from properties.operator.model import Swarm
from support.records import (
    DIGEST,
    IMAGE,
    condition,
    home,
    home_mount,
    metadata,
    notebook,
    relabelled,
    secret,
    wanted,
)
from swarmhub_crds.home import Home
from swarmhub_crds.notebook import ConditionType, Desired, Notebook, NotebookStatus, Phase
from swarmhub_operator.decide.build import Placement, ownership, service_spec
from swarmhub_operator.engine.observed import TaskState

SETTLED = (Phase.FAILED, Phase.STOPPED)
NAMES = ("ada", "eve")


@st.composite
def statuses(draw: st.DrawFn, generation: int) -> NotebookStatus:
    """Return what an operator may have written last, of this or an earlier generation."""
    ready = draw(st.booleans())
    return NotebookStatus(
        observed_generation=draw(st.integers(0, generation)),
        phase=draw(st.sampled_from(Phase)),
        failures=draw(st.integers(0, 3)),
        task_id=draw(st.sampled_from((None, "task-1", "task-2", "task-3"))),
        failed_task_id=draw(st.sampled_from((None, "task-1", "task-2"))),
        conditions=(condition(ConditionType.READY),) if ready else (),
    )


@st.composite
def records(draw: st.DrawFn, name: str, volume: str) -> Notebook:
    """Return a record at one of its first generations."""
    generation = draw(st.integers(1, 3))
    return notebook(
        name,
        user=name,
        generation=generation,
        deleted=draw(st.sampled_from((False, False, True))),
        status=draw(statuses(generation)),
        secret_digest=draw(st.sampled_from((DIGEST, ""))),
        mounts=draw(st.sampled_from(((), (home_mount(volume),)))),
        **draw(st.sampled_from(({}, {"desired": Desired.STOPPED}))),
    )


def earlier(record: Notebook, how: str) -> Notebook:
    """Return the record of which a service was made: this one, an earlier start, a dead one."""
    if how == "generation" and record.metadata.generation > 1:
        meta = metadata(record.metadata.name, generation=record.metadata.generation - 1)
    elif how == "uid":
        meta = record.metadata.model_copy(update={"uid": f"dead-{record.metadata.name}"})
    else:
        meta = record.metadata
    return record.model_copy(update={"metadata": meta})


def _tampered(spec: dict[str, Any], how: str) -> dict[str, Any]:
    if how == "scaled":
        return {**spec, "Mode": {"Replicated": {"Replicas": 0}}}
    if how == "image":
        container = {**spec["TaskTemplate"]["ContainerSpec"], "Image": "other"}
        return {**spec, "TaskTemplate": {**spec["TaskTemplate"], "ContainerSpec": container}}
    return spec


@st.composite
def swarms(draw: st.DrawFn) -> Swarm:
    """Return a Swarm with one or two records, and whatever earlier operators left in it."""
    swarm = Swarm(crashing=draw(st.booleans()))
    for name in NAMES[: draw(st.integers(1, 2))]:
        record = draw(records(name, f"home-{name}"))
        swarm.records[name] = record
        for mount in record.spec.mounts:
            bound = draw(st.sampled_from((None, "n1", "n2")))
            swarm.homes[mount.volume] = _home(mount.volume, name, bound)
        _leave_secrets(draw, swarm, record)
        _leave_services(draw, swarm, record)
    return swarm


def _home(volume: str, user: str, bound: str | None) -> Home:
    return home(volume, node=bound, user=user)


def _leave_secrets(draw: st.DrawFn, swarm: Swarm, record: Notebook) -> None:
    for digest in draw(st.sets(st.sampled_from((DIGEST, "f" * 64)))):
        of = record.model_copy(
            update={"spec": record.spec.model_copy(update={"secret_digest": digest})}
        )
        ident = swarm.fresh_id("secret")
        swarm.secrets[ident] = secret(of, id=ident, labels=ownership(wanted(of)))


def _leave_services(draw: st.DrawFn, swarm: Swarm, record: Notebook) -> None:
    for _ in range(draw(st.sampled_from((0, 1, 1, 1, 2)))):
        made_of = earlier(record, draw(st.sampled_from(("", "", "generation", "uid"))))
        own = (s.id for s in swarm.secrets.values() if s.labels == ownership(wanted(record)))
        ident = next(own, None)
        spec = service_spec(wanted(made_of), Placement(IMAGE), ident)
        found = swarm.place(_tampered(spec, draw(st.sampled_from(("", "", "scaled", "image")))))
        if draw(st.booleans()):
            swarm.services[found.id] = relabelled(found, USER="mallory")
        state = draw(st.sampled_from(TaskState))
        code = 0 if state is TaskState.COMPLETE else None
        swarm.tasks[found.id] = replace(swarm.tasks[found.id], state=state, exit_code=code)
        if draw(st.booleans()):
            del swarm.tasks[found.id]
