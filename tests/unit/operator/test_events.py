"""What the operator tells of its decisions, and how that gets into the store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from support.records import NOW, condition, home, later, node, ready_status, status
from support.waiting import wait_for
from swarmhub_crds.base import ConditionStatus
from swarmhub_crds.event import Concerned, Event, EventType
from swarmhub_crds.home import Home, HomeStatus, Place
from swarmhub_crds.notebook import ConditionType, Desired, NotebookStatus, Phase
from swarmhub_crds.store import Store
from swarmhub_operator.decide import actions, copying, homes, moving
from swarmhub_operator.decide.build import Placement
from swarmhub_operator.decide.events import LONGEST, carried_out, of_status, refused
from swarmhub_operator.decide.homeevents import of_home
from swarmhub_operator.decide.verdict import failed, mark, pending
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.loop.alive import SignOfLife
from swarmhub_operator.loop.leadership import Leadership
from swarmhub_operator.loop.recorder import Recorder
from unit.operator.fakeswarm import FakeSwarm, Operator

PLACEMENT = Placement("lab")
FALSE = ConditionStatus.FALSE
UPDATE = actions.UpdateService("s1", 1, PLACEMENT, "restart")
EVERY_ACTION: tuple[actions.Action, ...] = (
    actions.CreateSecret("jupyter-ada"),
    actions.CreateService(PLACEMENT),
    UPDATE,
    actions.RemoveService("s1", "stopped"),
    actions.RemoveSecret("secret-1", "jupyter-ada"),
    actions.EraseSecretEnvironment(1),
    actions.AdoptHome("home-ada", node("n1"), own=False),
    actions.ReleaseHomes(("home-ada",)),
    actions.RemoveRecord(),
)


def told(old: NotebookStatus, new: NotebookStatus) -> tuple[str, str, str] | None:
    """Return what is told of a notebook's new status, or None."""
    found = of_status("ada", old, new, NOW)
    assert len(found) <= 1
    return next(((e.type.value, e.reason, e.message) for e in found), None)


def of(old: Home, new: HomeStatus) -> list[tuple[str, str, str]]:
    """Return what is told of a home's new status."""
    return [(e.type.value, e.reason, e.message) for e in of_home(old, new, NOW)]


def test_a_start_is_told_step_by_step() -> None:
    """Each phase once, and why it waits."""
    first = pending(status(), "1st in line to start.", NOW)
    assert told(NotebookStatus(), first) == ("Normal", "Waiting", "1st in line to start.")
    placed = mark(status(Phase.STARTING), ConditionType.READY, False, "Starting", "", NOW)
    placed = placed.model_copy(update={"message": "Placed on worker1."})
    assert told(first, placed) == ("Normal", "Starting", "Placed on worker1.")
    running = ready_status()
    assert told(placed, running) == ("Normal", "Ready", "It answers.")
    stopping = mark(status(Phase.STOPPING), ConditionType.READY, False, "Stopping", "", NOW)
    assert told(running, stopping) == ("Normal", "Stopping", "It is being stopped.")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            pending(status(), "12th in line to start.", NOW),
            pending(status(), "3rd in line to start.", NOW),
        ),
        (
            status(Phase.STARTING, message="Preparing: pulling the image for 10 s now."),
            status(Phase.STARTING, message="Ready to start on worker1."),
        ),
        (status(Phase.RUNNING), status(Phase.RUNNING, restarts=1, node="n2")),
        (
            failed(status(), ConditionType.READY, "CrashLoop", "It failed.", NOW).status,
            mark(
                failed(status(), ConditionType.READY, "CrashLoop", "It failed.", NOW).status,
                ConditionType.READY,
                False,
                "Stopped",
                "",
                NOW,
            ),
        ),
    ],
)
def test_progress_is_no_news(old: NotebookStatus, new: NotebookStatus) -> None:
    """A place in the line and seconds of a pull change all the time."""
    assert old != new
    assert told(old, new) is None


def test_what_needs_a_look_is_a_warning() -> None:
    """Refusals, failures, what finds no node, and what disturbs one that runs."""
    no_node = mark(
        pending(status(), "No node.", NOW), ConditionType.SCHEDULED, False, "NoNodeFits", "", NOW
    )
    ended = status(Phase.BACK_OFF, message="It failed.", failed_task_id="t1")
    changed = ready_status(message="Its service was changed by someone else.")
    away = mark(
        pending(status(), "n1 is down.", NOW), ConditionType.READY, False, "NodeDown", "", NOW
    )
    for kind, reason in ((ConditionType.ACCEPTED, "Refused"), (ConditionType.READY, "CrashLoop")):
        given_up = failed(status(), kind, reason, "No.", NOW).status
        assert told(status(), given_up) == ("Warning", reason, "No.")
    assert told(status(), no_node) == ("Warning", "NoNodeFits", "No node.")
    assert told(status(), ended) == ("Warning", "BackOff", "It failed.")
    assert told(ready_status(), changed) == (
        "Warning",
        "Trouble",
        changed.message,
    )
    assert told(ready_status(), away) == ("Warning", "NodeDown", "n1 is down.")


def test_each_failure_is_told_also_if_it_is_the_same_again() -> None:
    """So that they are counted."""
    first = status(Phase.BACK_OFF, message="It failed.", failed_task_id="t1")
    assert told(first, first.model_copy(update={"restarts": 1})) is None
    assert told(first, first.model_copy(update={"failed_task_id": "t2"})) is not None


def test_every_action_is_told_with_its_reason() -> None:
    """Homes tell their own part."""
    for action in EVERY_ACTION:
        found = carried_out("ada", action, NOW)
        of_homes = isinstance(action, actions.AdoptHome | actions.ReleaseHomes)
        assert len(found) == (0 if of_homes else 1)
        assert all(e.message.endswith(".") and e.kind is Concerned.NOTEBOOK for e in found)
    (update,) = carried_out("ada", UPDATE, NOW)
    assert update.message == "Its service was updated: restart."


def test_a_refused_action_says_what_the_engine_said() -> None:
    """Unless the Swarm only moved on."""
    (event,) = refused("ada", UPDATE, EngineError(Kind.REFUSED, "No such network."), NOW)
    expected = ("FailedUpdateService", "No such network.", EventType.WARNING)
    assert (event.reason, event.message, event.type) == expected
    for kind in (Kind.STALE, Kind.GONE):
        assert refused("ada", UPDATE, EngineError(kind, "Looking again."), NOW) == ()


@given(
    phase=st.sampled_from(Phase),
    reason=st.from_regex(re.compile(r"[A-Z][A-Za-z0-9]{0,9}", re.ASCII), fullmatch=True),
    truth=st.sampled_from(ConditionStatus),
    kind=st.sampled_from(ConditionType),
    message=st.text(max_size=3 * LONGEST),
)
def test_whatever_a_status_says_the_event_is_whole_and_short(
    phase: Phase, reason: str, truth: ConditionStatus, kind: ConditionType, message: str
) -> None:
    """A reason, a sentence, no end of text; and nothing is told twice."""
    new = status(phase, message=message, conditions=(condition(kind, truth, reason=reason),))
    assert of_status("ada", new, new, NOW) == ()
    for event in of_status("ada", status(), new, NOW):
        assert event.message
        assert len(event.message) <= LONGEST
        assert (event.first_seen, event.count) == (NOW, 1)


def test_a_home_is_told_from_its_first_use_to_its_end() -> None:
    """Bound, released, used again, removed."""
    new = home()
    bound = home(node="worker1")
    assert of(new, bound.status) == [("Normal", "Bound", "Its volume is on worker1.")]
    released = homes.released(bound, NOW)
    assert of(bound, released) == [("Normal", "Released", released.message)]
    left = replace_status(bound, released)
    assert of(left, bound.status) == [("Normal", "Bound", "It is used again, on worker1.")]
    deleting = homes.deleting(left)
    assert of(left, deleting) == [("Normal", "Deleting", "Its volume is being removed.")]
    kept = homes.kept(replace_status(left, deleting), "It is kept: a notebook may use it.")
    (why,) = of(replace_status(left, deleting), kept)
    assert why == ("Warning", "Kept", kept.message)
    lost = homes.lost(bound)
    assert of(bound, lost) == [("Warning", "Lost", lost.message)]
    back = homes.found_again(replace_status(bound, lost))
    assert of(replace_status(bound, lost), back) == [
        ("Normal", "Found", "Its volume is on worker1 again.")
    ]


def test_a_move_is_told_but_not_each_of_its_bytes() -> None:
    """Begun, arrived or not, and when the copy that it left is gone."""
    here, there = home(node="n1"), node("n2")
    moved = replace_status(here, moving.begun(here, there))
    assert [reason for _, reason, _ in of(here, moved.status)] == ["Moving"]
    copying_now = moving.copied(moved, there, 5 * moving.MIB)
    assert of(moved, copying_now) == []
    assert [e[:2] for e in of(moved, moving.ended(moved, "It was not moved: no."))] == [
        ("Normal", "Waiting")  # the order was none, so none is dealt with
    ]
    ordered = moved.model_copy(
        update={"spec": moved.spec.model_copy(update={"orders": orders(moves=1)})}
    )
    assert of(ordered, moving.ended(ordered, "It was not moved: no.")) == [
        ("Warning", "NotMoved", "It was not moved: no.")
    ]
    outcome = copying.Outcome(entries=2, size=7)
    arrived = moving.arrived(ordered, there, outcome)
    assert [e[:2] for e in of(ordered, arrived)] == [("Normal", "Moved")]
    after = replace_status(ordered, arrived)
    gone = homes.without_leftover(after, Place(node_id="n1", node="n1"))
    assert of(after, gone) == [
        ("Normal", "CopyRemoved", "An older or unfinished copy on n1 is gone.")
    ]


def test_a_home_in_use_is_noted_without_a_word() -> None:
    """When it was last used, and how large it is."""
    here = home(node="n1")
    update = {"last_used_at": NOW, "size": 7, "observed_generation": 3}
    assert of(here, here.status.model_copy(update=update)) == []


def replace_status(record: Home, new: HomeStatus) -> Home:
    """Return a home with another status."""
    return record.model_copy(update={"status": new})


def orders(**values: Any) -> Any:
    """Return what an administrator has ordered."""
    return home().spec.orders.model_copy(update=values)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Yield a store of this test's own."""
    with closing(Store.open(f"sqlite:///{tmp_path}/state.db")) as made:
        yield made


class Desk:
    """A recorder of an operator that leads, at a time that the test moves."""

    def __init__(self, store: Store, most: int = 1000) -> None:
        self.leadership = Leadership(store, "manager/1", SignOfLife(store.path), 60)
        assert self.leadership.acquire()
        self.now = 0.0
        self.recorder = Recorder(
            store, self.leadership, lambda: later(self.now), lambda: self.now, most
        )


@pytest.fixture
def desk(store: Store) -> Iterator[Desk]:
    """Yield a recorder."""
    made = Desk(store)
    yield made
    made.leadership.release()


def test_what_is_told_is_written_together_and_not_too_often(desk: Desk, store: Store) -> None:
    """The same again is counted already while it waits."""
    for at in (0.0, 5.0):
        desk.now = at
        desk.recorder.carried_out("ada", UPDATE)
    desk.recorder.leads()
    assert store.list_events() == []
    desk.recorder.write()
    update, lead = store.list_events()
    assert (update.count, update.first_seen, update.last_seen) == (2, NOW, later(5))
    assert (lead.kind, lead.name, lead.reason) == (Concerned.OPERATOR, "manager", "LeaseAcquired")
    desk.recorder.carried_out("bob", UPDATE)
    desk.recorder.write()
    assert len(store.list_events()) == 2
    desk.now += 1.0
    desk.recorder.write()
    assert len(store.list_events()) == 3


def test_nothing_is_written_while_nothing_happens(
    desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write wakes everybody who watches the file."""
    calls: list[object] = []
    monkeypatch.setattr(store, "put_events", lambda *a, **k: calls.append(a))
    desk.recorder.write()
    assert calls == []


def test_a_store_that_refuses_costs_the_events_and_nothing_else(desk: Desk, store: Store) -> None:
    """With one line in the log; the next ones are written again."""
    desk.recorder.carried_out("ada", UPDATE)
    desk.recorder.carried_out("bob", UPDATE)
    path = store.path
    path.rename(path.with_suffix(".away"))
    with capture_logs() as logs:
        desk.recorder.write()
    assert [(line["outcome"], line["count"]) for line in logs] == [("dropped", 2)]
    path.with_suffix(".away").rename(path)
    desk.recorder.carried_out("cy", UPDATE)
    desk.recorder.write(at_once=True)
    assert [event.name for event in store.list_events()] == ["cy"]


def test_who_does_not_lead_any_more_writes_nothing(desk: Desk, store: Store) -> None:
    """And does not fail either."""
    desk.recorder.carried_out("ada", UPDATE)
    desk.leadership.let_run_out()
    desk.recorder.write()
    assert store.list_events() == []


def test_no_more_than_so_many_events_wait(store: Store) -> None:
    """A store that is away for long must not fill the memory; what came first is kept."""
    desk = Desk(store, most=2)
    for user in ("ada", "bob", "cy", "ada"):
        desk.recorder.carried_out(user, UPDATE)
    with capture_logs() as logs:
        desk.recorder.write()
    assert [(e.name, e.count) for e in store.list_events()] == [("bob", 1), ("ada", 2)]
    assert [line["count"] for line in logs] == [1]
    desk.leadership.release()


def reasons(store: Store, kind: Concerned, name: str) -> list[str]:
    """Return the reasons of what happened to one object."""
    return [event.reason for event in store.list_events(kind, name)]


def test_the_operator_tells_of_a_server_from_start_to_stop(store: Store) -> None:
    """Of its home, and of itself."""
    operator = Operator(store, FakeSwarm())
    try:
        operator.apply("ada")
        operator.wait("ada", "runs", lambda s: s.phase is Phase.RUNNING)
        store.set_desired("ada", Desired.STOPPED)
        operator.wait("ada", "stopped", lambda s: s.phase is Phase.STOPPED)
        wait_for("its end", lambda: "Stopped" in reasons(store, Concerned.NOTEBOOK, "ada"))
    finally:
        operator.stop()
    found = reasons(store, Concerned.NOTEBOOK, "ada")
    milestones = ["ServiceCreated", "Ready", "ServiceRemoved", "Stopped"]
    assert [reason for reason in found if reason in milestones] == milestones
    assert reasons(store, Concerned.HOME, "jupyterhub-ada") == ["Bound"]
    assert reasons(store, Concerned.OPERATOR, "test") == ["LeaseAcquired"]


def test_a_refused_start_is_told_as_the_user_reads_it(store: Store) -> None:
    """With the sentence that the status has, and no secret."""
    swarm = FakeSwarm()

    def refuse(call: str) -> None:
        if call == "create_service":
            raise EngineError(Kind.REFUSED, "The engine refuses it.")

    swarm.before = refuse
    operator = Operator(store, swarm)
    try:
        operator.apply("ada")
        operator.wait("ada", "failed", lambda s: s.phase is Phase.FAILED)
        wait_for("why", lambda: "EngineRefused" in reasons(store, Concerned.NOTEBOOK, "ada"))
    finally:
        operator.stop()
    own: list[Event] = store.list_events(Concerned.NOTEBOOK, "ada")
    (why,) = [event for event in own if event.reason == "EngineRefused"]
    assert (why.type, why.message) == (EventType.WARNING, operator.status("ada").message)
