"""What is written about homes beside a start: orders of an administrator, and a user's end."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from swarmhub_crds.errors import Conflict, NotFound
from swarmhub_crds.home import Home, HomeOrders, HomePhase
from swarmhub_crds.sqlstore.clock import to_text, utc_now
from swarmhub_crds.sqlstore.codec import HOME, Broken, decode, encode, with_blank_status
from swarmhub_crds.sqlstore.read import get_row, list_rows
from swarmhub_crds.sqlstore.revisions import take_revision
from swarmhub_crds.sqlstore.specwriting import put_spec, seen, stamps, update_record


def order_home(connection: Connection, name: str, **orders: Any) -> Home:
    """Write an administrator's orders for a home; those that are not named stay as they are.

    Raises:
        NotFound: there is no such home.
        StoreError: its stored spec cannot be read.
    """
    home = _stored_home(connection, name)
    wanted = HomeOrders(**{**dict(home.spec.orders), **orders})
    if wanted == home.spec.orders:
        return home
    return put_spec(connection, HOME, name, home.spec.model_copy(update={"orders": wanted}))


def request_home_deletion(connection: Connection, name: str) -> Home:
    """Mark a home that has lost its user for removal, whatever its reclaim policy.

    Raises:
        NotFound: there is no such home.
        Conflict: it still has its user.
        StoreError: it cannot be read.
    """
    home = _stored_home(connection, name)
    if home.status.phase not in (HomePhase.RELEASED, HomePhase.DELETING):
        raise Conflict(
            f"The home {name!r} is {home.status.phase} and not Released; "
            f"delete its user {home.spec.user!r} in the hub first"
        )
    if home.metadata.deletion_requested_at is None:
        values = {**stamps(take_revision(connection)), "deletion_requested_at": to_text(utc_now())}
        del values["spec_written_at"]
        update_record(connection, HOME, name, values)
    return _stored_home(connection, name)


def disown(connection: Connection, user: str) -> None:
    """Note that a user is gone, on each home that the user's servers share."""
    for row in list_rows(connection, HOME):
        home = decode(HOME, with_blank_status(row))
        if isinstance(home, Broken) or (home.spec.user, home.spec.server) != (user, ""):
            continue
        if not home.spec.ownerless:
            spec = home.spec.model_copy(update={"ownerless": True})
            values = stamps(take_revision(connection))
            update_record(connection, HOME, home.metadata.name, {"spec": encode(spec), **values})


def _stored_home(connection: Connection, name: str) -> Home:
    row = get_row(connection, HOME, name)
    if row is None:
        raise NotFound(f"There is no home {name!r}; `swarmhub homes` lists them")
    return seen(HOME, row)
