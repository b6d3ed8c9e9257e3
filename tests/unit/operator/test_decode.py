"""From the engine's JSON to values, and the index of one look."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from support.records import NOW, crashed, later, node, notebook, observed, secret, service, task
from swarmhub_operator.engine import decode, labels
from swarmhub_operator.engine.amounts import Amounts
from swarmhub_operator.engine.observed import ENDED, Reservation, TaskState
from swarmhub_operator.engine.snapshot import index

TASK = {
    "ID": "t1",
    "Version": {"Index": 71},
    "CreatedAt": "2026-03-01T12:00:00.123456789Z",
    "ServiceID": "s1",
    "NodeID": "n1",
    "Status": {
        "Timestamp": "2026-03-01T12:00:05Z",
        "State": "failed",
        "Message": "started",
        "Err": "task: non-zero exit (137)",
        "ContainerStatus": {"ContainerID": "c", "PID": 0, "ExitCode": 137},
    },
    "DesiredState": "shutdown",
    "NetworksAttachments": [
        {"Network": {"ID": "x", "Spec": {"Name": "net"}}, "Addresses": ["10.0.1.5/24"]},
        {"Network": {"ID": "y", "Spec": {"Name": "none"}}, "Addresses": None},
    ],
}


def raw_task(**status: Any) -> dict[str, Any]:
    """Return a task with another status."""
    return {**TASK, "Status": {**TASK["Status"], **status}}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T12:00:00Z", NOW),
        ("2026-03-01T12:00:00.123456789Z", NOW.replace(microsecond=123456)),
        ("2026-03-01T12:00:00.5Z", NOW.replace(microsecond=500000)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("", datetime.fromtimestamp(0, UTC)),
    ],
)
def test_times_of_the_engine(text: str, expected: datetime) -> None:
    """Go writes up to nine digits, and nothing for what never was."""
    assert decode.time(text) == expected


def test_a_task_is_read() -> None:
    """All that decisions need."""
    found = decode.task(TASK)
    assert (found.id, found.service_id, found.node_id) == ("t1", "s1", "n1")
    assert (found.state, found.desired_state) == (TaskState.FAILED, "shutdown")
    assert found.exit_code == 137
    assert found.container == "c"
    assert found.addresses == {"net": "10.0.1.5"}
    assert found.changed_at == later(5)
    assert found.ended


def test_a_state_of_a_newer_engine_is_unknown_and_not_ended() -> None:
    """What nobody knows is waited for."""
    found = decode.task(raw_task(State="hibernating"))
    assert found.state is TaskState.UNKNOWN
    assert not found.ended


@pytest.mark.parametrize("state", list(TaskState))
def test_an_exit_code_belongs_to_what_ended_by_itself(state: TaskState) -> None:
    """A running container has none, though the engine writes 0."""
    found = decode.task(raw_task(State=state.value, ContainerStatus={"ExitCode": 0}))
    ended = state in (TaskState.COMPLETE, TaskState.FAILED)
    assert (found.exit_code == 0) == ended
    assert found.ended == (state in ENDED)


def test_a_task_without_anything_is_read_too() -> None:
    """A new task has neither node nor container nor address."""
    found = decode.task({"ID": "t", "Status": {"State": "new", "ContainerStatus": None}})
    assert (found.node_id, found.exit_code, found.addresses) == (None, None, {})


def test_service_node_and_secret_are_read_without_labels() -> None:
    """Labels are null where there are none."""
    made = decode.service({"ID": "s", "Version": {"Index": 3}, "Spec": {"Name": "x"}})
    assert (made.name, made.labels, made.force_update) == ("x", {}, 0)
    small = decode.node(
        {"ID": "n", "Status": {"State": "ready"}, "Spec": {"Availability": "active"}}
    )
    assert (small.cpus, small.memory, small.labels, small.usable) == (0.0, 0, {}, True)
    assert decode.secret({"ID": "x", "Spec": {"Name": "k", "Labels": None}}).labels == {}


def test_when_the_manager_changed_an_object_is_known_or_not() -> None:
    """No time is none at all: 1970 for both would look like two things at one moment."""
    assert decode.node({"ID": "n"}).updated_at is None
    changed = {"UpdatedAt": "2026-03-01T12:00:00.5Z"}
    expected = datetime(2026, 3, 1, 12, 0, 0, 500_000, UTC)
    assert decode.node({"ID": "n", **changed}).updated_at == expected
    assert decode.task({"ID": "t", **changed}).updated_at == expected


def test_a_node_has_cores_and_bytes() -> None:
    """NanoCPUs are a billionth of a core."""
    found = decode.node(
        {
            "ID": "n",
            "Description": {
                "Hostname": "h",
                "Resources": {"NanoCPUs": 2_000_000_000, "MemoryBytes": 5},
            },
            "Spec": {"Role": "manager", "Availability": "drain", "Labels": {"a": "b"}},
            "Status": {"State": "ready"},
        }
    )
    assert (found.hostname, found.cpus, found.memory, found.role) == ("h", 2.0, 5, "manager")
    assert not found.usable


def test_a_node_tells_what_constraints_and_reservations_ask_for() -> None:
    """Each GPU that has a name of its own counts one, beside what is only counted."""
    found = decode.node(
        {
            "ID": "n",
            "UpdatedAt": "2026-03-01T12:00:00Z",
            "Description": {
                "Platform": {"Architecture": "x86_64", "OS": "linux"},
                "Resources": {
                    "NanoCPUs": 1_500_000_000,
                    "MemoryBytes": 7,
                    "GenericResources": [
                        {"NamedResourceSpec": {"Kind": "GPU", "Value": "a"}},
                        {"NamedResourceSpec": {"Kind": "GPU", "Value": "b"}},
                        {"DiscreteResourceSpec": {"Kind": "SSD", "Value": 3}},
                    ],
                },
                "Engine": {"Labels": {"os": "debian"}},
            },
            "Status": {"State": "down", "Addr": "10.1.2.3"},
        }
    )
    assert (found.os, found.arch, found.address) == ("linux", "x86_64", "10.1.2.3")
    assert found.engine_labels == {"os": "debian"}
    assert found.has == Amounts(1_500_000_000, 7, {"GPU": 2, "SSD": 3})
    assert found.down_since == NOW
    assert replace(found, state="ready").down_since is None


RESERVED = {
    "NanoCPUs": 100,
    "MemoryBytes": 7,
    "GenericResources": [{"DiscreteResourceSpec": {"Kind": "GPU", "Value": 2}}],
}


@pytest.mark.parametrize("state", list(TaskState))
@pytest.mark.parametrize("wish", ["running", "shutdown", "remove"])
def test_a_task_holds_its_share_until_it_has_ended(state: TaskState, wish: str) -> None:
    """Whatever is meant to become of it, and whoever made its service."""
    raw = {**raw_task(State=state.value), "DesiredState": wish}
    raw["Spec"] = {"Resources": {"Reservations": RESERVED}}
    held = decode.reservation(raw)
    expected = Reservation("s1", "n1", Amounts(100, 7, {"GPU": 2}))
    assert held == (None if state in ENDED else expected)
    assert decode.reservation({**raw, "NodeID": ""}) is None


def test_a_task_without_guarantees_holds_nothing() -> None:
    """But it is there."""
    for spec in ({}, {"Resources": None}, {"Resources": {"Limits": {"MemoryBytes": 7}}}):
        held = decode.reservation({**raw_task(State="running"), "Spec": spec})
        assert held == Reservation("s1", "n1", Amounts())


@pytest.mark.parametrize(
    ("state", "node_id", "container", "begun"),
    [
        (TaskState.PENDING, None, "", False),
        (TaskState.PREPARING, "n1", "", False),
        (TaskState.STARTING, "n1", "c", True),
        (TaskState.RUNNING, "n1", "", True),
        (TaskState.SHUTDOWN, "n1", "", False),
        (TaskState.SHUTDOWN, "n1", "c", True),
        (TaskState.REJECTED, "n1", "", False),
        (TaskState.FAILED, "n1", "c", True),
        (TaskState.UNKNOWN, "n1", "", True),
    ],
)
def test_a_task_that_may_have_filled_a_home_has_begun(
    state: TaskState, node_id: str | None, container: str, begun: bool
) -> None:
    """One that was ended before it had a container has not."""
    assert task(state, node_id=node_id, container=container).begun is begun


def test_one_look_is_indexed_by_name_with_the_oldest_service_first() -> None:
    """The others are strays; the newest task is the current one."""
    first = service(id="s1", created_at=NOW)
    second = service(id="s2", created_at=later(1))
    tasks = (task(id="t1"), task(id="t2", created_at=later(3)), task(id="t0", service_id="other"))
    seen = index(0.0, (second, first), tasks, (secret(),), (node(),))
    assert dict(seen.services) == {"ada": first}
    assert seen.strays == (second,)
    current = seen.current_task(first)
    assert current is not None
    assert current.id == "t2"
    assert dict(seen.secrets) == {"ada": (secret(),)}
    assert set(seen.nodes) == {"n1"}


def test_tasks_of_removed_services_are_known_by_their_notebook() -> None:
    """Whoever removed the service, and whichever start it was of."""
    raw = raw_task(State="running")
    told = {"Spec": {"ContainerSpec": {"Labels": {labels.NOTEBOOK: "ada"}}}}
    left = decode.task({**raw, **told, "ServiceID": "gone"})
    seen = index(0.0, (service(),), (decode.task({**raw, **told}), left), (), ())
    assert dict(seen.ending) == {"ada": (left,)}


@pytest.mark.parametrize("state", [TaskState.STARTING, TaskState.RUNNING, TaskState.FAILED])
@pytest.mark.parametrize("wish", ["running", "shutdown"])
def test_the_newest_task_is_so_though_the_clock_was_set_back(state: TaskState, wish: str) -> None:
    """Until the clock has caught up, what Swarm makes is older than what it made before."""
    old = crashed(id="old", desired_state="shutdown", created_at=later(3600), version=20)
    new = task(state, id="new", desired_state=wish, created_at=NOW, version=22)
    current = index(0.0, (service(),), (new, old), (), ()).current_task(service())
    assert current is not None
    assert current.id == "new"


def test_a_task_is_no_newer_because_its_node_told_its_end_late() -> None:
    """The engine that comes back writes about the older task after the newer one."""
    old = crashed(id="old", desired_state="shutdown", version=40, force_update=0)
    new = task(TaskState.ASSIGNED, id="new", desired_state="shutdown", version=30, force_update=1)
    current = index(0.0, (service(),), (new, old), (), ()).current_task(service())
    assert current is not None
    assert current.id == "new"
    raw = raw_task(State="assigned")
    assert decode.task({**raw, "Spec": {"ForceUpdate": 3}}).force_update == 3


def test_a_task_that_is_meant_to_run_counts_before_one_that_is_ending() -> None:
    """What is written about a task on its way out makes it no newer."""
    going = task(id="going", desired_state="shutdown", version=30)
    coming = task(TaskState.PREPARING, id="coming", desired_state="ready", version=22)
    current = index(0.0, (service(),), (going, coming), (), ()).current_task(service())
    assert current is not None
    assert current.id == "coming"


def test_the_fingerprint_changes_with_what_is_worth_a_look() -> None:
    """Nothing else wakes a steady notebook."""
    base = {"services": (service(),), "tasks": (task(),), "secrets": (secret(),)}

    def print_of(**change: Any) -> tuple[object, ...]:
        given = {**base, "nodes": (node(),), **change}
        seen = index(0.0, given["services"], given["tasks"], given["secrets"], given["nodes"])
        return seen.fingerprint("ada")

    assert print_of() == print_of(tasks=(task(message="other words", changed_at=later(9)),))
    prints = [
        print_of(),
        print_of(services=(service(version=8),)),
        print_of(tasks=(task(TaskState.FAILED),)),
        print_of(tasks=(task(error="no suitable node"),)),
        print_of(tasks=()),
        print_of(services=()),
        print_of(secrets=()),
        print_of(nodes=(node(state="down"),)),
    ]
    assert len(set(prints)) == len(prints)


def test_another_notebooks_things_are_not_in_ones_look() -> None:
    """The index is by the notebook's label."""
    other = notebook("eve")
    seen = index(0.0, (service(other),), (task(),), (secret(other),), ())
    assert seen.services.get("ada") is None
    assert seen.fingerprint("ada") == ((),)
    assert observed().strays == ()
