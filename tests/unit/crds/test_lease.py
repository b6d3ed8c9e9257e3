"""The lease: one holder at a time, a token that only grows."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from swarmhub_crds.errors import LeaseLost
from swarmhub_crds.sqlstore import lease as leases
from swarmhub_crds.sqlstore.clock import utc_now
from swarmhub_crds.store import Lease, Store


def acquired(store: Store, holder: str, ttl: float = 600) -> Lease:
    """Take the lease, which must be free."""
    lease = store.acquire_lease(holder, ttl)
    assert lease is not None
    return lease


def test_a_new_store_has_no_lease(store: Store) -> None:
    """Nobody holds it and no operator has been seen."""
    assert store.read_lease() is None
    assert store.operator_seen_at() is None


def test_one_holder_at_a_time(store: Store) -> None:
    """A second one is refused for as long as the lease runs, and then gets the next token."""
    first = acquired(store, "first", ttl=0.2)
    assert store.acquire_lease("second", 1) is None
    assert store.read_lease() == first
    time.sleep(0.25)
    assert acquired(store, "second").token == first.token + 1


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
    assert store.renew_lease(late).token == late.token
    acquired(store, "second")
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
    second = acquired(store, "second")
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


def test_a_clock_set_back_does_not_lock_everybody_out(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lease that was renewed in what is now the future can be taken over."""
    acquired(store, "first", ttl=10)
    earlier = utc_now() - timedelta(hours=1)
    monkeypatch.setattr(leases, "utc_now", lambda: earlier)
    assert acquired(store, "second").token == 2
