"""The lease of an operator: who may act when, whatever clocks, pauses and machines do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from swarmhub_crds.errors import LeaseLost
from swarmhub_crds.sqlstore import lease as leases
from swarmhub_crds.sqlstore.clock import utc_now
from swarmhub_crds.store import Lease, Store
from swarmhub_operator.loop import leadership as module
from swarmhub_operator.loop.alive import SignOfLife
from swarmhub_operator.loop.leadership import Leadership

TTL = 600.0  # seconds by a clock that only the tests move: nothing is renewed meanwhile


class Clock:
    """The time since boot."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return it."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock of every operator."""
    made = Clock()
    monkeypatch.setattr(module, "boot_time", made)
    return made


@pytest.fixture
def operator(store: Store, lives: dict[str, SignOfLife]) -> Iterator[Callable[..., Leadership]]:
    """Yield what makes operators; they end with the test."""
    made: list[Leadership] = []

    def make(name: str, boot: str = "boot-1") -> Leadership:
        lives[name] = SignOfLife(store.path)
        made.append(Leadership(store, name, lives[name], TTL, boot))
        return made[-1]

    yield make
    for one in made:
        one.let_run_out()


@pytest.fixture
def lives() -> Iterator[dict[str, SignOfLife]]:
    """Yield what shows that the operators' processes live, by their names."""
    made: dict[str, SignOfLife] = {}
    yield made
    for life in made.values():
        life.close()


def held(store: Store) -> Lease:
    """Return the lease, which somebody holds."""
    lease = store.read_lease()
    assert lease is not None
    return lease


def set_clock(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    """Set the wall clock."""

    def moved() -> datetime:
        return utc_now() + timedelta(hours=hours)

    monkeypatch.setattr(leases, "utc_now", moved)


def test_a_standby_waits_until_it_has_seen_a_silence_of_a_whole_lease(
    operator: Callable[..., Leadership], clock: Clock
) -> None:
    """By its own watch, however long the silence has lasted when it comes."""
    first, second = operator("first"), operator("second")
    assert first.acquire()
    clock.now += 10 * TTL
    assert not second.acquire()
    clock.now += TTL - 1
    assert not second.acquire()
    clock.now += 1
    assert second.acquire()
    with pytest.raises(LeaseLost):
        first.guard()
    assert first.lost.is_set()
    second.guard()


def test_a_holder_that_has_ended_is_not_waited_for(
    operator: Callable[..., Leadership], lives: dict[str, SignOfLife], store: Store
) -> None:
    """The kernel tells at once, and what the ended process left beside the store goes."""
    first, second = operator("first"), operator("second")
    assert first.acquire()
    assert not second.acquire()
    lives["first"].close()
    assert second.acquire()
    assert len(list(store.path.parent.glob("*.alive-*"))) == 1
    with pytest.raises(LeaseLost):
        first.guard()


def test_a_holder_without_a_sign_of_life_is_waited_for(
    operator: Callable[..., Leadership], store: Store, clock: Clock
) -> None:
    """A file that somebody removed says nothing."""
    first, second = operator("first"), operator("second")
    assert first.acquire()
    for sign in store.path.parent.glob("*.alive-*"):
        sign.unlink()
    assert not second.acquire()
    clock.now += TTL
    assert second.acquire()


def test_who_comes_back_under_its_old_name_shows_that_it_lives(store: Store) -> None:
    """A name may be given again: the file is there, and its lock is what counts."""
    life, again, other = (SignOfLife(store.path) for _ in range(3))
    life.show("name")
    life.show("name")
    assert not other.is_gone("name")
    life.close()
    assert other.is_gone("name")
    again.show("name")
    assert not other.is_gone("name")
    other.tidy()
    assert not other.is_gone("name")
    again.close()


def test_each_renewal_begins_the_wait_anew(
    operator: Callable[..., Leadership], store: Store, clock: Clock
) -> None:
    """A holder that is slow, but alive, keeps the lease."""
    first, second = operator("first"), operator("second")
    assert first.acquire()
    for _ in range(5):
        assert not second.acquire()
        clock.now += TTL - 1
        store.renew_lease(held(store))
    assert not second.acquire()


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_wall_clock_that_jumps_is_nobodys_business(
    operator: Callable[..., Leadership],
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    hours: int,
) -> None:
    """The holder goes on; a standby takes over no earlier, and no later once there is silence."""
    first, second = operator("first"), operator("second")
    assert first.acquire()
    assert not second.acquire()
    set_clock(monkeypatch, hours)
    clock.now += TTL / 2
    assert not second.acquire()
    assert not operator("third").acquire()
    first.guard()
    clock.now += TTL / 2
    assert second.acquire()


def test_a_lease_of_an_earlier_boot_is_free_at_once(
    operator: Callable[..., Leadership], store: Store
) -> None:
    """Its holder ended with the machine; a cold start does not wait for it."""
    assert operator("first", boot="boot-1").acquire()
    token = held(store).token
    second = operator("first", boot="boot-2")
    assert second.acquire()
    assert second.fence == token + 1


def test_a_holder_of_no_known_boot_is_waited_for(
    operator: Callable[..., Leadership], store: Store, clock: Clock
) -> None:
    """As an operator of an earlier version, during the update."""
    assert store.acquire_lease("machine/7", 15) is not None
    second = operator("second")
    assert not second.acquire()
    clock.now += TTL
    assert second.acquire()


def test_a_released_lease_is_free_at_once(operator: Callable[..., Leadership]) -> None:
    """The next operator need not wait."""
    first, second = operator("first"), operator("second")
    assert first.acquire()
    assert not second.acquire()
    first.release()
    assert second.acquire()
    with pytest.raises(LeaseLost):
        first.guard()


def test_the_guard_asks_the_store(operator: Callable[..., Leadership], store: Store) -> None:
    """Whoever took the lease fences the former holder off, even if its clock says nothing."""
    first = operator("first")
    assert first.acquire()
    first.guard()
    assert store.acquire_lease("second", 600, held(store)) is not None
    first.check()  # as far as it knows
    with pytest.raises(LeaseLost):
        first.guard()
    assert first.lost.is_set()


def test_the_guard_looks_at_the_clock_after_it_has_asked(
    operator: Callable[..., Leadership],
    store: Store,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process that is paused while it waits for the answer must not believe it."""
    first = operator("first")
    assert first.acquire()
    ask = store.check_lease

    def paused(lease: Lease) -> None:
        ask(lease)
        clock.now += TTL

    monkeypatch.setattr(store, "check_lease", paused)
    with pytest.raises(LeaseLost):
        first.guard()


def test_an_end_that_is_near_lets_what_is_under_way_finish(
    operator: Callable[..., Leadership], clock: Clock
) -> None:
    """But nothing is renewed any more, so that nobody waits longer than one lease."""
    first = operator("first")
    assert first.acquire()
    first.end_soon()
    first.guard()
    clock.now += TTL
    with pytest.raises(LeaseLost):
        first.guard()
