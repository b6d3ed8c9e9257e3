"""A close look, put into what is known of all, is as good as a whole one if only that changed."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from immutables import Map
from support.records import later, service, task
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.merging import merged
from swarmhub_operator.engine.observed import Secret, Service, Task, TaskState
from swarmhub_operator.engine.snapshot import Snapshot, index

NAMES = ("ada", "bob", "cy")
NODES = ("one", "two")
templates = st.builds(
    lambda volumes, pin, cpus, kind: {
        "ContainerSpec": {"Mounts": [{"Source": volume} for volume in volumes]},
        "Placement": {"Constraints": [f"node.id=={pin}"] if pin else []},
        "Resources": {
            "Reservations": {
                "NanoCPUs": cpus,
                "GenericResources": [{"DiscreteResourceSpec": {"Kind": kind, "Value": 1}}],
            }
        },
    },
    st.lists(st.sampled_from(("home", "shared")), unique=True),
    st.sampled_from((*NODES, None)),
    st.integers(0, 2),
    st.sampled_from(("gpu", "disk")),
)
Things = tuple[tuple[Service, ...], tuple[Task, ...], tuple[Secret, ...]]


@st.composite
def things(draw: st.DrawFn, name: str, prefix: str) -> Things:
    """Draw services, tasks and secrets of one notebook; some tasks are of services long gone."""
    ours, held = {labels.NOTEBOOK: name}, range(draw(st.integers(0, 2)))
    services = tuple(
        replace(
            service(),
            id=f"{prefix}{name}{i}",
            labels=ours,
            created_at=later(i),
            spec={"TaskTemplate": draw(templates)},
        )
        for i in range(draw(st.integers(0, 3)))
    )
    of = (*(s.id for s in services), f"{prefix}{name}-gone", f"{prefix}{name}-too")
    states = st.sampled_from((TaskState.RUNNING, TaskState.FAILED, TaskState.PENDING))
    tasks = tuple(
        replace(
            task(draw(states)),
            id=f"{prefix}t{name}{i}",
            service_id=draw(st.sampled_from(of)),
            version=i,
            notebook=name,
            node_id=draw(st.sampled_from((*NODES, None))),
        )
        for i in range(draw(st.integers(0, 4)))
    )
    return services, tasks, tuple(Secret(f"x{prefix}{name}{i}", name, ours, later(i)) for i in held)


def look(*parts: Things) -> Snapshot:
    """Index a look that shows all of these, seen since the time in the ids of its services."""
    services = tuple(s for part in parts for s in part[0])
    tasks = tuple(t for part in parts for t in part[1])
    secrets = tuple(s for part in parts for s in part[2])
    seen = index(0.0, services, tasks, secrets, ())
    return replace(seen, since=Map({s.id: float(len(s.id)) for s in services}))


@given(st.data())
def test_one_notebook_is_replaced_and_no_other(data: st.DataObject) -> None:
    """All that was of it goes: services, strays, tasks of services that are gone, secrets."""
    before = [data.draw(things(name, "a")) for name in NAMES]
    changed = data.draw(things("bob", data.draw(st.sampled_from(("a", "b")))))
    whole, close = look(*before), look(changed)
    expected = look(before[0], changed, before[2])
    found = merged(whole, "bob", close)
    assert replace(found, strays=()) == replace(expected, strays=())
    assert sorted(found.strays, key=lambda s: s.id) == sorted(expected.strays, key=lambda s: s.id)
    assert whole == look(*before)
