"""The lease: one holder at a time, a token that only grows."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from swarmhub_crds.errors import LeaseLost
from swarmhub_crds.sqlstore import lease as leases
from swarmhub_crds.sqlstore.clock import utc_now
from swarmhub_crds.store import Lease, Store


def acquired(store: Store, holder: str, ttl: float = 600, silent: Lease | None = None) -> Lease:
    """Take the lease, which must be free or `silent`."""
    lease = store.acquire_lease(holder, ttl, silent)
    assert lease is not None
    return lease


def test_a_new_store_has_no_lease(store: Store) -> None:
    """Nobody holds it and no operator has been seen."""
    assert store.read_lease() is None
    assert store.operator_seen_at() is None


def test_one_holder_at_a_time(store: Store) -> None:
    """A second one is refused, however late it is by the clock, and gets the next token."""
    first = acquired(store, "first", ttl=0)
    assert store.acquire_lease("second", 1) is None
    assert store.read_lease() == first
    assert acquired(store, "second", silent=first).token == first.token + 1


def test_a_lease_renewed_since_it_was_read_is_not_taken_over(store: Store) -> None:
    """Whoever judged it to be lost was wrong."""
    first = acquired(store, "first", ttl=0)
    renewed = store.renew_lease(first)
    assert store.acquire_lease("second", 600, first) is None
    assert store.read_lease() == renewed


def test_the_holder_is_checked_and_not_its_token_alone(store: Store) -> None:
    """A backup that is put back repeats tokens under other holders."""
    first = acquired(store, "first")
    store.check_lease(store.renew_lease(first))
    with pytest.raises(LeaseLost):
        store.check_lease(replace(first, holder="second"))
    second = acquired(store, "second", silent=store.read_lease())
    store.check_lease(second)
    with pytest.raises(LeaseLost):
        store.check_lease(first)
    store.release_lease(second)
    with pytest.raises(LeaseLost):
        store.check_lease(second)


def test_renewing_extends_by_the_same_length(store: Store) -> None:
    """Holder, token and start stay; the expiry moves on; the renewal is what is seen last."""
    first = acquired(store, "first", ttl=5)
    renewed = store.renew_lease(first)
    assert (renewed.holder, renewed.token, renewed.acquired_at) == ("first", 1, first.acquired_at)
    assert renewed.expires_at - renewed.renewed_at == timedelta(seconds=5)
    assert renewed.renewed_at > first.renewed_at
    assert store.operator_seen_at() == renewed.renewed_at


def test_an_expired_lease_can_be_renewed_while_nobody_took_it(store: Store) -> None:
    """The fence, not the clock, decides: nobody else has acted meanwhile."""
    late = acquired(store, "first", ttl=0)
    renewed = store.renew_lease(late)
    assert renewed.token == late.token
    acquired(store, "second", silent=renewed)
    with pytest.raises(LeaseLost):
        store.renew_lease(late)


def test_own_lease_is_extended_under_its_token(store: Store) -> None:
    """Asking again, as after an answer that got lost, fences nobody off."""
    assert acquired(store, "first").token == acquired(store, "first").token == 1


def test_released_lease_is_free_at_once(store: Store) -> None:
    """The next holder need not wait; whoever released it can no longer write."""
    first = acquired(store, "first")
    store.release_lease(first)
    assert store.read_lease() is None
    assert store.operator_seen_at() == first.renewed_at
    with pytest.raises(LeaseLost):
        store.renew_lease(first)
    assert acquired(store, "first").token == 2


def test_releasing_what_another_took_does_nothing(store: Store) -> None:
    """A late release must not free the successor's lease."""
    first = acquired(store, "first", ttl=0)
    second = acquired(store, "second", silent=first)
    store.release_lease(first)
    assert store.read_lease() == second


def test_unreadable_lease_is_taken_over_with_a_higher_token(store: Store, path: Path) -> None:
    """Nonsense in the row neither stops the operator nor lets the token fall."""
    for nonsense in ("expires_at = 'soon'", "token = x'ff'", "holder = x'ff'"):
        before = acquired(store, "first")
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(f"UPDATE lease SET {nonsense}")
        assert acquired(store, "second").token > before.token
        store.release_lease(acquired(store, "second"))


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_jumps_changes_no_holder(
    store: Store, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """Neither does it free the lease nor hold it longer; its holder goes on renewing it."""
    first = acquired(store, "first", ttl=10)
    then = utc_now() + timedelta(hours=hours)
    monkeypatch.setattr(leases, "utc_now", lambda: then)
    assert store.acquire_lease("second", 10) is None
    renewed = store.renew_lease(first)
    store.check_lease(renewed)
    assert acquired(store, "second", silent=renewed).token == 2
