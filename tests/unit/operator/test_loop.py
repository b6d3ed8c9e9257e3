"""The loop as a whole, on a real store and a Swarm in memory: what wakes it, what stops it."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs
from support.waiting import wait_for
from swarmhub_crds.errors import Conflict, Reason, StoreUnavailable
from swarmhub_crds.home import Home, HomePhase, HomeSpec, Reclaim
from swarmhub_crds.notebook import (
    Desired,
    Mount,
    Notebook,
    NotebookStatus,
    Phase,
    Resources,
)
from swarmhub_crds.store import Broken, Store
from swarmhub_operator.decide.build import Placement, Wanted, service_spec
from swarmhub_operator.decide.policy import Policy, SweepPolicy
from swarmhub_operator.engine.amounts import Amounts
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observed import Reservation
from swarmhub_operator.engine.observer import Observer
from swarmhub_operator.loop import controller, enginewatch, pulse
from unit.operator.fakeswarm import NODE, FakeSwarm, Operator, spec

NEVER = Policy(sweep=SweepPolicy(interval=3600))  # so that only a wake-up can be the cause


@pytest.fixture
def swarm() -> FakeSwarm:
    """Return an empty Swarm."""
    return FakeSwarm()


@pytest.fixture
def operate(store: Store, swarm: FakeSwarm) -> Iterator[Callable[..., Operator]]:
    """Yield a function that starts the operator; it ends with the test."""
    made: list[Operator] = []

    def start(policy: Policy = NEVER) -> Operator:
        made.append(Operator(store, swarm, policy))
        return made[-1]

    yield start
    for one in made:
        one.stop()


def running(status: object) -> bool:
    """Tell whether a status is of a notebook that runs."""
    return getattr(status, "phase", None) is Phase.RUNNING


def fail(kind: Kind, *calls: str) -> Callable[[str], None]:
    """Return what makes the given calls of a Swarm fail; every call if none is given."""

    def before(call: str) -> None:
        if call != "events" and (not calls or call in calls):
            raise EngineError(kind, f"The engine says {kind.value}; look at it.")

    return before


def test_idle_notebooks_cost_looks_and_nothing_else(
    operate: Callable[..., Operator], swarm: FakeSwarm, store: Store
) -> None:
    """No write to the store, no change of the Swarm, and as many lists for twenty as for one."""
    operator = operate(Policy(sweep=SweepPolicy(interval=0.5)))
    for number in range(20):
        operator.apply(f"user-{number}")
    for number in range(20):
        operator.wait(f"user-{number}", "runs", running)
    time.sleep(1.0)
    revision, before = store.revision(), swarm.calls.copy()
    time.sleep(2.0)
    called = swarm.calls - before
    assert store.revision() == revision
    assert set(called) <= {"nodes", "secrets", "tasks", "services", "events"}
    assert called["services"] < 20


def test_logs_name_the_request_that_is_acted_upon(
    operate: Callable[..., Operator], swarm: FakeSwarm, store: Store
) -> None:
    """Each action and phase tells which write of the spec it is for, also when it has to wait."""
    with capture_logs(processors=[merge_contextvars]) as logs:
        operator = operate()
        started = operator.apply("ada").metadata.request
        operator.apply("bob")
        operator.wait("ada", "runs", running)
        swarm.before = fail(Kind.UNAVAILABLE, "remove_service")
        stopped = store.set_desired("ada", Desired.STOPPED).metadata.request
        wait_for("it is tried again", lambda: any(one["event"] == "retry" for one in logs))
        swarm.before = lambda _: None
        operator.wait("ada", "stops", lambda s: s.phase is Phase.STOPPED)
        told = [one for one in logs if one.get("notebook") == "ada"]
    assert started != stopped
    assert "CreateService" in {one.get("action") for one in told if one["request"] == started}
    assert {one["event"] for one in told if one["request"] == stopped} >= {"action", "retry"}
    assert all(one["request"] in (started, stopped) for one in told)
    assert not any("request" in one for one in logs if one["event"] in ("lease", "stopped"))


def test_an_outage_of_the_engine_leaves_reasons_as_they_are(
    operate: Callable[..., Operator], swarm: FakeSwarm, store: Store
) -> None:
    """What has ended keeps its reason; what runs goes on; nothing is doubled or removed."""
    operator = operate(Policy(sweep=SweepPolicy(interval=0.3)))
    operator.apply("ada")
    operator.apply("bob", networks=("elsewhere",))
    operator.wait("ada", "runs", running)
    operator.wait("bob", "is refused", lambda s: s.phase is Phase.FAILED)
    operator.apply("cleo")
    operator.wait("cleo", "runs", running)
    store.set_desired("cleo", Desired.STOPPED)
    operator.wait("cleo", "stops", lambda s: s.phase is Phase.STOPPED)
    before = {name: operator.status(name) for name in ("ada", "bob", "cleo")}
    for kind in (Kind.UNAVAILABLE, Kind.REFUSED):
        swarm.before = fail(kind)
        time.sleep(1.5)
        assert operator.pulse.alive()
        assert "engine" in str(operator.pulse.summary()["trouble"])
        assert operator.status("bob") == before["bob"]
        assert operator.status("cleo") == before["cleo"]
        assert operator.status("ada").phase is Phase.RUNNING
        swarm.before = lambda _: None
        operator.wait("ada", "is as before", lambda s: s == before["ada"])
    assert (swarm.calls["create_service"], swarm.calls["remove_service"]) == (2, 1)
    operator.apply("dan")
    operator.wait("dan", "runs", running)


def test_a_refusal_says_nothing_of_a_spec_that_was_written_meanwhile(
    operate: Callable[..., Operator], swarm: FakeSwarm
) -> None:
    """The new one has not been tried, and is tried at once."""
    operator = operate()
    refused = threading.Event()

    def before(call: str) -> None:
        if call == "create_service" and not refused.is_set():
            operator.apply("ada", image="better")
            refused.set()
            raise EngineError(Kind.REFUSED, "The engine refused the request; correct it.")

    swarm.before = before
    operator.apply("ada", image="worse")
    assert refused.wait(5)
    operator.wait("ada", "runs", running)
    assert operator.status("ada").observed_generation == 2


def test_a_start_that_fails_again_and_again_holds_no_place(
    operate: Callable[..., Operator], swarm: FakeSwarm
) -> None:
    """With one place, the others start while it waits for its next attempt."""
    operator = operate(Policy(starts_per_core=1 / 64, sweep=SweepPolicy(interval=3600)))

    swarm.before = fail(Kind.UNAVAILABLE, "create_service")
    operator.apply("eve")
    wait_for("an attempt", lambda: swarm.calls["create_service"] > 0, timeout=5)
    create = swarm.create_service

    def all_but_eve(made: object) -> str:
        if made["Name"] == "jupyter-eve":  # type: ignore[index]
            raise EngineError(Kind.UNAVAILABLE, "The engine answered 500; see its log.")
        return create(made)  # type: ignore[arg-type]

    swarm.create_service = all_but_eve  # type: ignore[assignment,method-assign]
    swarm.before = lambda _: None
    operator.apply("fay")
    operator.wait("fay", "runs", running)


def test_seldom_sweeps_and_a_slow_engine_are_no_lack_of_life(
    operate: Callable[..., Operator], swarm: FakeSwarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweep every hour and looks that take long: the threads still say that they live."""
    monkeypatch.setattr(pulse, "STALE", 2.0)
    monkeypatch.setattr(controller, "BEAT_EVERY", 0.5)
    monkeypatch.setattr(enginewatch, "LONGEST", 1.0)

    def slow(call: str) -> None:
        if call == "services":
            time.sleep(0.3)  # a twentieth of a core would allow the next look in six seconds

    swarm.before = slow
    operator = operate()
    end = time.monotonic() + 5
    while time.monotonic() < end:
        assert operator.pulse.alive(), operator.pulse.summary()
        time.sleep(0.1)


def test_an_engine_that_hangs_is_waited_for_once_by_all(swarm: FakeSwarm) -> None:
    """Who waits for a look that fails does not begin another one of that length."""
    hanging = threading.Event()

    def hang(_: str) -> None:
        hanging.wait(1.0)
        raise EngineError(Kind.UNAVAILABLE, "The engine did not answer; trying again.")

    swarm.before = hang
    observer = Observer(swarm, "store")
    failures: list[str] = []

    def look() -> None:
        try:
            observer.look(time.monotonic())
        except EngineError as error:
            failures.append(error.sentence)

    threads = [threading.Thread(target=look) for _ in range(6)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert time.monotonic() - began < 4.5
    assert len(failures) == 6
    swarm.before = lambda _: None
    assert not observer.look(time.monotonic()).services


def test_a_task_that_has_ended_is_seen_with_its_node_as_it_is_then(swarm: FakeSwarm) -> None:
    """Why it ended may be seen from its node, which is otherwise asked for rarely."""
    name = "jupyter-ada"
    swarm.create_service({"Name": name, "Labels": {"swarmhub.store": "store"}})
    observer = Observer(swarm, "store")
    observer.look(time.monotonic())
    observer.look(time.monotonic())
    assert swarm.calls["nodes"] == 1
    swarm.end_task(name)
    observer.look(time.monotonic())
    observer.look(time.monotonic())
    assert swarm.calls["nodes"] == 2


def test_a_list_that_fails_once_loses_no_change(
    operate: Callable[..., Operator], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first result of the watch says "look at everything"; that is done once it can be."""
    store.apply_notebook(spec("ada"), homes={"jupyterhub-ada": HomeSpec(user="ada")})
    listing = store.list_notebooks
    failures = iter([1, 2])

    def sometimes() -> list[object]:
        for _ in failures:
            raise StoreUnavailable(Reason.LOCKED, "The database is locked; it is tried again.")
        return listing()  # type: ignore[return-value]

    monkeypatch.setattr(store, "list_notebooks", sometimes)
    operator = operate()
    operator.wait("ada", "runs", running)


def give_up(store: Store, user: str) -> None:
    """Delete a notebook in the hub, for good."""
    store.request_deletion(user)
    wait_for("the record to go", lambda: store.get_notebook(user) is None, timeout=10)


def with_volume(operator: Operator, user: str) -> None:
    """Run a notebook of a home that goes with its user, and let its volume be there."""
    volume = f"jupyterhub-{user}"
    operator.store.apply_notebook(
        spec(user), homes={volume: HomeSpec(user=user, reclaim=Reclaim.DELETE)}
    )
    operator.wait(user, "runs", running)
    home = operator.store.get_home(volume)
    assert isinstance(home, Home)
    operator.swarm.volumes[volume] = {"swarmhub.uid": home.metadata.uid}


SWEEPING = Policy(home_grace=0, sweep=SweepPolicy(interval=0.3))


def test_a_user_who_is_back_at_the_last_moment_keeps_the_home(
    operate: Callable[..., Operator], swarm: FakeSwarm, store: Store
) -> None:
    """Whether a home is mounted is asked right before its volume goes."""
    operator = operate(SWEEPING)
    with_volume(operator, "ada")
    back: list[Notebook] = []

    def before(call: str) -> None:
        if call == "own_node_id" and not back:
            with suppress(Conflict):  # not yet: the deletion is still under way
                back.append(operator.apply("ada"))

    swarm.before = before
    store.request_deletion("ada")
    wait_for("the user to be back", lambda: bool(back), timeout=10)
    time.sleep(1.0)
    assert swarm.calls["remove_volume"] == 0
    assert isinstance(store.get_home("jupyterhub-ada"), Home)


def released_home(operator: Operator, user: str) -> Home:
    """Give up a user whose volume is there; return the home as it was before."""
    with_volume(operator, user)
    home = operator.store.get_home(f"jupyterhub-{user}")
    assert isinstance(home, Home)
    give_up(operator.store, user)
    return home


def test_while_a_volume_is_removed_its_user_waits(
    operate: Callable[..., Operator], swarm: FakeSwarm, store: Store
) -> None:
    """From the last look at who mounts it until it is gone, nobody is let in; then he is."""
    operator = operate(SWEEPING)
    refused: list[Conflict] = []

    def before(call: str) -> None:
        if call == "remove_volume":
            try:
                operator.apply("ada")
            except Conflict as error:
                refused.append(error)

    swarm.before = before
    old = released_home(operator, "ada")
    wait_for("the home to go", lambda: store.get_home("jupyterhub-ada") is None, timeout=10)
    assert len(refused) == 1
    assert "jupyterhub-ada" not in swarm.volumes
    operator.apply("ada")
    operator.wait("ada", "runs", running)
    new = store.get_home("jupyterhub-ada")
    assert isinstance(new, Home)
    assert new.metadata.uid != old.metadata.uid


def test_who_mounts_a_volume_right_before_it_is_refused_keeps_it(
    operate: Callable[..., Operator], swarm: FakeSwarm, store: Store
) -> None:
    """A notebook may mount it that does not call it its home, and so leaves the home as it is."""
    operator = operate(SWEEPING.model_copy(update={"shared_homes": ("jupyterhub-ada",)}))
    mounting = spec("bob", mounts=(Mount(volume="jupyterhub-ada", target="/data"),))

    def before(call: str) -> None:
        if call == "find_volume" and store.get_notebook("bob") is None:
            store.apply_notebook(mounting)

    swarm.before = before
    with_volume(operator, "ada")
    give_up(store, "ada")
    wait_for("the other", lambda: store.get_notebook("bob") is not None, timeout=10)
    operator.wait("bob", "runs", running)
    time.sleep(1.0)
    assert swarm.calls["remove_volume"] == 0
    home = store.get_home("jupyterhub-ada")
    assert isinstance(home, Home)
    assert home.status.phase is not HomePhase.DELETING


@pytest.mark.parametrize("kind", [Kind.IN_USE, Kind.REFUSED, Kind.UNAVAILABLE])
def test_a_removal_that_fails_locks_its_user_out_for_no_long_time(
    operate: Callable[..., Operator], swarm: FakeSwarm, store: Store, kind: Kind
) -> None:
    """With no answer the volume may still go, so the user waits for one sweep."""
    operator = operate(SWEEPING)
    failing = fail(kind, "remove_volume")

    def before(call: str) -> None:
        if call == "own_node_id" and swarm.calls["remove_volume"] == 2:
            operator.apply("ada")
        failing(call)

    swarm.before = before
    home = released_home(operator, "ada")
    wait_for("the user to be let in", lambda: store.get_notebook("ada") is not None, timeout=10)
    operator.wait("ada", "runs", running)
    assert "jupyterhub-ada" in swarm.volumes
    back = store.get_home("jupyterhub-ada")
    assert isinstance(back, Home)
    assert back.metadata.uid == home.metadata.uid


def test_a_volume_of_another_home_is_kept_and_its_user_let_in(
    operate: Callable[..., Operator], swarm: FakeSwarm, store: Store
) -> None:
    """What it is called says nothing of what is in it."""
    operator = operate(SWEEPING)
    with_volume(operator, "ada")
    swarm.volumes["jupyterhub-ada"] = {"swarmhub.uid": "another"}
    give_up(store, "ada")

    def told() -> bool:
        home = store.get_home("jupyterhub-ada")
        return isinstance(home, Home) and "was not made for this home" in home.status.message

    wait_for("the reason", told, timeout=10)
    operator.apply("ada")
    operator.wait("ada", "runs", running)
    assert swarm.calls["remove_volume"] == 0


def test_no_home_goes_while_the_store_knows_less_than_the_swarm(
    operate: Callable[..., Operator], swarm: FakeSwarm, store: Store
) -> None:
    """An older backup may say of a home in use that it was released."""
    ours = {"swarmhub.store": store.uid, "swarmhub.notebook": "eve", "swarmhub.uid": "forgotten"}
    swarm.create_service({"Name": "jupyter-eve", "Labels": ours, "TaskTemplate": {}})
    operator = operate(SWEEPING)
    with_volume(operator, "ada")
    give_up(store, "ada")
    time.sleep(1.0)
    assert swarm.calls["remove_volume"] == 0
    store.confirm_removals([store.list_held()[0].id])
    wait_for("the home to go", lambda: store.get_home("jupyterhub-ada") is None, timeout=10)


def test_a_home_that_an_earlier_operator_left_half_deleted_is_finished(
    operate: Callable[..., Operator], swarm: FakeSwarm, store: Store
) -> None:
    """Or given back, if it may not go after all."""
    before = operate()
    for user, reclaim in (("ada", Reclaim.DELETE), ("bob", Reclaim.RETAIN)):
        with_volume(before, user)
        home = store.get_home(f"jupyterhub-{user}")
        assert isinstance(home, Home)
        give_up(store, user)
        if reclaim is Reclaim.RETAIN:
            store.apply_notebook(spec(user), homes={home.metadata.name: HomeSpec(user=user)})
        left_deleting(before, home.metadata.name)
    before.stop()
    operate(SWEEPING)
    wait_for("one to go", lambda: store.get_home("jupyterhub-ada") is None, timeout=10)

    def given_back() -> bool:
        home = store.get_home("jupyterhub-bob")
        return isinstance(home, Home) and home.status.phase is not HomePhase.DELETING

    wait_for("the other to be given back", given_back, timeout=10)
    assert set(swarm.volumes) == {"jupyterhub-bob"}


def left_deleting(operator: Operator, name: str) -> None:
    """Write the phase in which an operator that crashes may leave a home."""
    home = operator.store.get_home(name)
    assert isinstance(home, Home)
    meta, status = home.metadata, home.status.model_copy(update={"phase": HomePhase.DELETING})
    operator.store.put_home_status(
        name, meta.uid, meta.resource_version, status, fence=operator.leadership.fence
    )


def test_a_volume_that_cannot_be_removed_keeps_no_other(
    operate: Callable[..., Operator], swarm: FakeSwarm, store: Store
) -> None:
    """Each home is looked after for itself."""
    operator = operate(SWEEPING)
    for user in ("ada", "bob"):
        with_volume(operator, user)
    remove = swarm.remove_volume

    def refuse(name: str) -> None:
        if name == "jupyterhub-ada":
            raise EngineError(Kind.UNAVAILABLE, "The engine answered 500; see its log.")
        remove(name)

    swarm.remove_volume = refuse  # type: ignore[method-assign]
    for user in ("ada", "bob"):
        give_up(store, user)
    wait_for("the other to go", lambda: "jupyterhub-bob" not in swarm.volumes, timeout=10)
    assert "jupyterhub-ada" in swarm.volumes


def test_homes_that_are_kept_cost_no_call(
    operate: Callable[..., Operator], swarm: FakeSwarm, store: Store
) -> None:
    """A home with policy Retain stays released for ever."""
    operator = operate(SWEEPING)
    operator.apply("ada")
    operator.wait("ada", "runs", running)
    give_up(store, "ada")
    asked = swarm.calls["own_node_id"]
    time.sleep(1.0)
    assert swarm.calls["own_node_id"] == asked <= 1


def test_a_log_line_is_cut(operate: Callable[..., Operator], swarm: FakeSwarm) -> None:
    """What a notebook writes must not make the store grow at will."""
    operator = operate()
    operator.apply("ada")
    operator.wait("ada", "runs", running)
    swarm.end_task("jupyter-ada")
    operator.wait("ada", "has failed", lambda s: s.failures == 1)
    (line,) = operator.status("ada").last_log
    assert line.startswith("the end of")
    assert len(line) <= 1000


def test_an_unreadable_record_can_be_deleted(
    operate: Callable[..., Operator], swarm: FakeSwarm, store: Store, tmp_path: Path
) -> None:
    """Service, secret and record go; its homes, which nobody can tell, stay."""
    operator = operate(SWEEPING)
    store.apply_notebook(
        spec("ada"),
        homes={"jupyterhub-ada": HomeSpec(user="ada", reclaim=Reclaim.DELETE)},
        secrets={"TOKEN": "s3cret"},
    )
    operator.wait("ada", "runs", running)
    with closing(sqlite3.connect(tmp_path / "state.db")) as other:
        other.execute("UPDATE notebooks SET spec = '{'")
        other.commit()
    give_up(store, "ada")
    assert swarm.services(store.uid) == ()
    assert swarm.secrets(store.uid) == ()
    assert isinstance(store.get_home("jupyterhub-ada"), Home)
    assert isinstance(operator.apply("ada"), Notebook)


def test_what_is_said_of_an_unreadable_record_is_no_news(
    operate: Callable[..., Operator], store: Store, tmp_path: Path
) -> None:
    """Else each of thousands of them would be looked at twice, before the starts of people."""
    operator = operate()
    operator.apply("ada")
    operator.wait("ada", "runs", running)
    with closing(sqlite3.connect(tmp_path / "state.db")) as other:
        other.execute("UPDATE notebooks SET spec = '{', resource_version = resource_version + 1")
        other.execute("UPDATE meta SET revision = revision + 1")
        other.commit()

    def said() -> bool:
        found = store.get_notebook("ada")
        assert isinstance(found, Broken)
        return isinstance(found.status, NotebookStatus) and found.status.message == found.message

    wait_for("the reason in the record", said)
    assert operator.controller._reconciler.is_own_write("ada")


def test_what_the_operator_says_of_a_notebook_is_no_news(
    operate: Callable[..., Operator],
) -> None:
    """Its own writes wake it as any others do; each would cost one more look."""
    operator = operate()
    operator.apply("ada")
    operator.wait("ada", "runs", running)
    own = operator.controller._reconciler.is_own_write
    assert wait_for("the last write to be its own", lambda: own("ada"))


def test_an_unreadable_deletion_takes_no_later_server_along(
    operate: Callable[..., Operator], swarm: FakeSwarm, store: Store, tmp_path: Path
) -> None:
    """A backup may hold a deletion that was over before the server of now was started."""
    operator = operate()
    operator.apply("ada")
    operator.wait("ada", "runs", running)
    with closing(sqlite3.connect(tmp_path / "state.db")) as other:
        other.execute("UPDATE notebooks SET spec = '{', uid = 'another'")
        other.execute("UPDATE notebooks SET deletion_requested_at = created_at")
        other.commit()
    assert operator.controller._reconciler.reconcile("ada") is None
    assert len(swarm.services(store.uid)) == 1


TWO = (NODE, replace(NODE, id="n2", hostname="host-n2"))


def pin(swarm: FakeSwarm, name: str) -> str | None:
    """Return the node that a notebook's service is tied to."""
    service = swarm.find_service(f"jupyter-{name}")
    return service.pin if service else None


def test_first_starts_spread_over_the_nodes_and_ask_for_that_alone(
    operate: Callable[..., Operator], swarm: FakeSwarm
) -> None:
    """All at once; and what the Swarm's tasks hold is not asked when nothing is started."""
    swarm.nodes_seen = TWO
    operator = operate()
    users = [f"user-{number}" for number in range(8)]
    for user in users:
        operator.apply(user)
    for user in users:
        operator.wait(user, "runs", running)
    assert [pin(swarm, user) for user in users].count("n1") == 4
    assert swarm.calls["reservations"] >= 1
    time.sleep(0.3)
    before = swarm.calls["reservations"]
    operator.controller._queue_all()
    time.sleep(1.5)
    assert swarm.calls["reservations"] == before


def test_servers_that_share_a_home_start_on_one_node(
    operate: Callable[..., Operator], swarm: FakeSwarm, store: Store
) -> None:
    """At once, before any has made it: else one of them would find it empty."""
    swarm.nodes_seen = TWO
    swarm.before = lambda call: time.sleep(0.5 if call == "create_service" else 0)
    operator = operate()
    homes = {"jupyterhub-ada": HomeSpec(user="ada")}
    for server in ("", "a", "b", "c", "d"):
        store.apply_notebook(spec("ada", server=server), homes=homes)
    names = ("ada", *(f"ada--{server}" for server in "abcd"))
    for name in names:
        operator.wait(name, "runs", running)
    assert len({pin(swarm, name) for name in names}) == 1
    assert swarm.calls["update_service"] == 0  # none began elsewhere and was moved


def test_one_that_no_node_takes_waits_for_room_and_then_starts(
    operate: Callable[..., Operator], swarm: FakeSwarm
) -> None:
    """What others hold counts, and nothing is made meanwhile."""
    swarm.held = (Reservation("other", "n1", Amounts(memory=2**36)),)
    operator = operate()
    operator.apply("ada", resources=Resources(mem_guarantee=2**30))
    operator.wait("ada", "says why", lambda s: "0 GiB free of 1 asked" in s.message)
    assert swarm.find_service("jupyter-ada") is None
    swarm.held = ()
    operator.wait("ada", "runs", running)
    assert pin(swarm, "ada") == "n1"


def test_a_home_is_bound_before_the_service_goes_that_alone_tells_where_it_is(
    operate: Callable[..., Operator], swarm: FakeSwarm, store: Store
) -> None:
    """An operator started it and saw no more of it; it is stopped before the next one comes."""
    home = {"jupyterhub-ada": HomeSpec(user="ada")}
    record = store.apply_notebook(spec("ada"), homes=home)
    placement = Placement("lab", pin="n1")
    swarm.create_service(service_spec(Wanted(record, store.uid), placement, None))
    swarm.volumes["jupyterhub-ada"] = {}
    store.set_desired("ada", Desired.STOPPED)
    operate().wait("ada", "is stopped", lambda s: s.phase is Phase.STOPPED)
    found = store.get_home("jupyterhub-ada")
    assert isinstance(found, Home)
    assert (found.status.phase, found.status.node_id) == (HomePhase.BOUND, "n1")


def test_a_home_is_not_bound_by_a_service_that_does_not_mount_it(
    operate: Callable[..., Operator], swarm: FakeSwarm, store: Store
) -> None:
    """An earlier start had another home; where this one lies, that service cannot tell."""
    old = (Mount(volume="jupyterhub-old", target="/home/jovyan", home=True),)
    record = store.apply_notebook(
        spec("ada", mounts=old), homes={"jupyterhub-old": HomeSpec(user="ada")}
    )
    placement = Placement("lab", pin="n1")
    swarm.create_service(service_spec(Wanted(record, store.uid), placement, None))
    homes = {"jupyterhub-ada": HomeSpec(user="ada")}
    store.apply_notebook(spec("ada", desired=Desired.STOPPED), homes=homes)
    operate().wait("ada", "is stopped", lambda s: s.phase is Phase.STOPPED)
    found = store.get_home("jupyterhub-ada")
    assert isinstance(found, Home)
    assert (found.status.phase, found.status.node_id) == (HomePhase.PENDING, None)


def test_the_nodes_are_told_in_the_store(
    operate: Callable[..., Operator], swarm: FakeSwarm, store: Store
) -> None:
    """As soon as a look sees them, and anew when one goes down; a store that is away comes back."""
    operate()
    wait_for("the nodes", lambda: [n.state for n in store.list_nodes()] == ["ready"], timeout=20)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        swarm.nodes_seen = (replace(NODE, state="down"),)
        time.sleep(1.5)
        other.execute("ROLLBACK")
    wait_for("the change", lambda: [n.state for n in store.list_nodes()] == ["down"], timeout=30)
