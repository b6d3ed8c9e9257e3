"""The loop as a whole, on a real store and a Swarm in memory: what wakes it, what stops it."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.waiting import wait_for
from swarmhub_crds.errors import Reason, StoreUnavailable
from swarmhub_crds.home import Home, HomeSpec, Reclaim
from swarmhub_crds.notebook import Desired, Notebook, Phase
from swarmhub_crds.store import Store
from swarmhub_operator.decide.policy import Policy, SweepPolicy
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observer import Observer
from swarmhub_operator.loop import controller, pulse
from unit.operator.fakeswarm import FakeSwarm, Operator, spec

NEVER = Policy(sweep=SweepPolicy(interval=3600))  # so that only a wake-up can be the cause


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Yield a store of this test's own."""
    made = Store.open(f"sqlite:///{tmp_path}/state.db")
    yield made
    made.close()


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
    monkeypatch.setattr(controller, "LONGEST", 1.0)

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
    assert observer.look(time.monotonic()).services == {}


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
            back.append(operator.apply("ada"))

    swarm.before = before
    give_up(store, "ada")
    wait_for("the user to be back", lambda: bool(back), timeout=10)
    time.sleep(1.0)
    assert swarm.calls["remove_volume"] == 0
    assert isinstance(store.get_home("jupyterhub-ada"), Home)


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
    time.sleep(1.0)
    assert swarm.calls["own_node_id"] == 0


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
