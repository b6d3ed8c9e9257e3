"""The operator's lease: one row with a holder, times, and a fencing token that only grows.

The times are for people to read. Whether a holder has fallen silent is for those to judge who have
watched the row by a clock that nobody sets, see `acquire`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from swarmhub_crds.errors import LeaseLost
from swarmhub_crds.sqlstore.clock import to_text, utc_now
from swarmhub_crds.sqlstore.codec import readable_count, readable_text, readable_time
from swarmhub_crds.sqlstore.tables import lease as table

_LEASE = select(table)


@dataclass(frozen=True)
class Lease:
    """The right to act; `token` fences off whoever held it before."""

    holder: str
    token: int
    acquired_at: datetime
    renewed_at: datetime
    expires_at: datetime


def read(connection: Connection) -> Lease | None:
    """Return the lease, run out or not; None if nobody holds it or it cannot be read."""
    row = _row(connection)
    return None if row is None else _decoded(row)


def last_seen(connection: Connection) -> datetime | None:
    """Return when an operator last held or renewed the lease."""
    row = _row(connection)
    return None if row is None else readable_time(row.renewed_at)


def acquire(
    connection: Connection, holder: str, ttl: float, silent: Lease | None = None
) -> Lease | None:
    """Take the lease for `ttl` seconds; None while another holder has it.

    The holder's own lease is extended under its token; anybody else gets the next token.

    Args:
        connection: a write transaction.
        holder: who takes it.
        ttl: seconds after which it has run out unless it is renewed.
        silent: the lease of a holder that has lost it, as it was read; it is taken over if it has
            not been renewed since.
    """
    now = utc_now()
    row = _row(connection)
    current = None if row is None else _decoded(row)
    if current is not None and current.holder != holder and current != silent:
        return None
    if current is not None and current.holder == holder:
        taken = Lease(holder, current.token, current.acquired_at, now, now + timedelta(seconds=ttl))
    else:
        taken = Lease(holder, _next_token(row, now), now, now, now + timedelta(seconds=ttl))
    _write(connection, taken, new=row is None)
    return taken


def renew(connection: Connection, lease: Lease) -> Lease:
    """Extend the lease by its own length.

    Raises:
        LeaseLost: somebody else has taken it.
    """
    check_fence(connection, lease.token)
    now = utc_now()
    ttl = lease.expires_at - lease.renewed_at
    renewed = Lease(lease.holder, lease.token, lease.acquired_at, now, now + ttl)
    _write(connection, renewed, new=False)
    return renewed


def release(connection: Connection, lease: Lease) -> None:
    """Give the lease up, if it is still held; the token stays, so that the next one is higher."""
    mine = (table.c.token == lease.token) & (table.c.holder == lease.holder)
    now = to_text(utc_now())
    connection.execute(update(table).where(mine).values(holder=None, expires_at=now))


def check_fence(connection: Connection, token: int) -> None:
    """Make sure, within a write transaction, that `token` is the current one.

    Raises:
        LeaseLost: it is not.
    """
    row = _row(connection)
    if row is None or row.token != token or row.holder is None:
        raise _lost(token)


def check(connection: Connection, lease: Lease) -> None:
    """Make sure that `lease` is the current one; its holder too, since a backup repeats tokens.

    Raises:
        LeaseLost: it is not.
    """
    row = _row(connection)
    if row is None or (row.token, row.holder) != (lease.token, lease.holder):
        raise _lost(lease.token)


def _lost(token: int) -> LeaseLost:
    return LeaseLost(
        f"The lease with token {token} is no longer held; stop acting and acquire the lease again"
    )


def _row(connection: Connection) -> Row[Any] | None:
    return connection.execute(_LEASE).first()


def _decoded(row: Row[Any]) -> Lease | None:
    holder, token = readable_text(row.holder), readable_count(row.token)
    times = [readable_time(t) for t in (row.acquired_at, row.renewed_at, row.expires_at)]
    acquired_at, renewed_at, expires_at = times
    if not (holder and token and acquired_at and renewed_at and expires_at):
        return None
    return Lease(holder, token, acquired_at, renewed_at, expires_at)


def _next_token(row: Row[Any] | None, now: datetime) -> int:
    if row is None:
        return 1
    # Seconds since 1970 are more than any count of holders that an unreadable token may have held.
    return (readable_count(row.token) or int(now.timestamp())) + 1


def _write(connection: Connection, lease: Lease, *, new: bool) -> None:
    values = {
        "holder": lease.holder,
        "token": lease.token,
        "acquired_at": to_text(lease.acquired_at),
        "renewed_at": to_text(lease.renewed_at),
        "expires_at": to_text(lease.expires_at),
    }
    statement = insert(table).values(id=1, **values) if new else update(table).values(values)
    connection.execute(statement)
