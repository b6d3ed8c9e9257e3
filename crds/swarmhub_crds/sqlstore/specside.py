"""The spec side: what the spawner and the admin verbs write. It never names a status column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Row, delete, insert

from swarmhub_crds import secretenv
from swarmhub_crds.errors import Conflict, HomeTaken, NotFound, StoreError
from swarmhub_crds.home import Home, HomeOrders, HomePhase, HomeSpec, HomeStatus
from swarmhub_crds.notebook import Desired, Notebook, NotebookSpec
from swarmhub_crds.sqlstore.clock import to_text, utc_now
from swarmhub_crds.sqlstore.codec import (
    HOME,
    NAME,
    NOTEBOOK,
    Broken,
    Kind,
    RecordT,
    decode,
    encode,
    readable_count,
    readable_observed_generation,
    readable_time,
    readable_uid,
    with_blank_status,
)
from swarmhub_crds.sqlstore.read import get_row, secret_environment
from swarmhub_crds.sqlstore.revisions import take_revision
from swarmhub_crds.sqlstore.tables import secret_environments


def apply_notebook(
    connection: Connection,
    name: str,
    spec: NotebookSpec,
    homes: Mapping[str, HomeSpec],
    secrets: Mapping[str, str],
) -> Notebook:
    """Write the spec of the notebook `name`, its secrets and its homes.

    Raises:
        Conflict: the notebook or a volume that it mounts is being deleted.
        HomeTaken: a home belongs to somebody else.
        ValueError: a name is none that swarmhub gives.
    """
    for home, home_spec in homes.items():
        _apply_home(connection, home, home_spec, spec.user)
    for volume in sorted({*homes, *(mount.volume for mount in spec.mounts)}):
        _refuse_if_going(connection, volume)
    full = spec.model_copy(update={"secret_digest": secretenv.digest(secrets)})
    notebook = _put_spec(connection, NOTEBOOK, name, full)
    _put_secrets(connection, notebook.metadata.uid, secrets)
    return notebook


def set_desired(connection: Connection, name: str, desired: Desired) -> Notebook:
    """Say whether the notebook should run; nothing is written if that is what it says already.

    It is written anew where the operator has seen a later start, which the record does not know.

    Raises:
        NotFound: there is no such notebook.
        Conflict: it is being deleted.
        StoreError: its stored content cannot be read.
    """
    row, notebook = _stored_notebook(connection, name)
    known = readable_observed_generation(row.status) <= notebook.metadata.generation
    if notebook.spec.desired == desired and known:
        return _seen(NOTEBOOK, row)
    return _put_spec(
        connection, NOTEBOOK, name, notebook.spec.model_copy(update={"desired": desired})
    )


def restart_notebook(connection: Connection, name: str) -> Notebook:
    """Write the spec of a notebook that should run once more: its next generation is a new server.

    Raises:
        NotFound, Conflict, StoreError: as `set_desired`; it must be one that should run, and its
            secrets must be at hand.
    """
    _, notebook = _stored_notebook(connection, name)
    if notebook.spec.desired is not Desired.RUNNING:
        raise Conflict(f"The notebook {name!r} was stopped; start it from the hub")
    if notebook.spec.secret_digest and not secret_environment(connection, notebook.metadata.uid):
        raise Conflict(
            f"The API token of the notebook {name!r} is no longer stored, and a new server would "
            "have none; stop it and start it from the hub"
        )
    return _put_spec(connection, NOTEBOOK, name, notebook.spec)


def _stored_notebook(connection: Connection, name: str) -> tuple[Row[Any], Notebook]:
    row = get_row(connection, NOTEBOOK, name)
    if row is None:
        raise NotFound(f"There is no notebook {name!r}; `swarmhub get notebooks` lists them")
    _refuse_if_marked(NOTEBOOK, name, row)
    notebook = decode(NOTEBOOK, with_blank_status(row))
    if isinstance(notebook, Broken):
        raise StoreError(notebook.message)
    return row, notebook


def request_deletion(connection: Connection, name: str) -> Notebook | Broken | None:
    """Mark the notebook for deletion and for stopping, if it is not marked already."""
    row = get_row(connection, NOTEBOOK, name)
    if row is None:
        return None
    notebook = decode(NOTEBOOK, with_blank_status(row))
    if readable_time(row.deletion_requested_at) is None:
        revision = take_revision(connection)
        values = {
            "generation": _next_generation(row, revision),
            "deletion_requested_at": to_text(utc_now()),
            **_stamps(revision),
        }
        if isinstance(notebook, Notebook):  # an unreadable spec cannot be told to stop
            stopped = notebook.spec.model_copy(update={"desired": Desired.STOPPED})
            values["spec"] = encode(stopped)
        _update(connection, NOTEBOOK, name, values)
    return decode(NOTEBOOK, _existing(connection, NOTEBOOK, name))


def _refuse_if_going(connection: Connection, volume: str) -> None:
    """Let nobody mount a volume that the operator is removing.

    Raises:
        Conflict: it is.
    """
    row = get_row(connection, HOME, volume)
    home = decode(HOME, row) if row is not None else None
    if isinstance(home, Home) and home.status.phase is HomePhase.DELETING:
        raise Conflict(
            f"The home {volume!r}, which was given up, is being deleted; try again in a moment"
        )


def _apply_home(connection: Connection, name: str, spec: HomeSpec, user: str) -> None:
    """Write a home's spec; a home that was given up comes back by its raised generation."""
    row = get_row(connection, HOME, name)
    if row is not None:
        old = decode(HOME, with_blank_status(row))
        if isinstance(old, Broken):
            raise HomeTaken(
                f"Volume {name!r} is not mounted for user {user!r}, because whose it is "
                f"cannot be told. {old.message}"
            )
        if old.spec.user != spec.user:
            raise HomeTaken(
                f"Volume {name!r} is the home of user {old.spec.user!r}; "
                f"choose another volume name for user {spec.user!r}"
            )
        spec = spec.model_copy(update={"orders": old.spec.orders})
        if old.spec == spec and not _given_up(decode(HOME, row)):
            return
    _put_spec(connection, HOME, name, spec)


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
    return _put_spec(connection, HOME, name, home.spec.model_copy(update={"orders": wanted}))


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
        stamps = _stamps(take_revision(connection))
        del stamps["spec_written_at"]
        _update(connection, HOME, name, {"deletion_requested_at": to_text(utc_now()), **stamps})
    return _stored_home(connection, name)


def _stored_home(connection: Connection, name: str) -> Home:
    row = get_row(connection, HOME, name)
    if row is None:
        raise NotFound(f"There is no home {name!r}; `swarmhub homes` lists them")
    return _seen(HOME, row)


def _given_up(home: Home | Broken) -> bool:
    marked = home.deletion_requested_at if isinstance(home, Broken) else None
    if isinstance(home, Home):
        marked = home.metadata.deletion_requested_at
    return marked is not None or (
        isinstance(home.status, HomeStatus) and home.status.phase is HomePhase.RELEASED
    )


def _put_spec(
    connection: Connection, kind: Kind[RecordT], name: str, spec: NotebookSpec | HomeSpec
) -> RecordT:
    """Create the record or replace its spec, repairing metadata that cannot be read."""
    row = get_row(connection, kind, name)
    revision = take_revision(connection)
    values: dict[str, Any] = {"spec": encode(spec), **_stamps(revision)}
    if row is None:
        _create(connection, kind, name, values)
    else:
        if kind is NOTEBOOK:
            _refuse_if_marked(kind, name, row)
        values |= {
            "generation": _next_generation(row, revision),
            "deletion_requested_at": None,
        } | _repairs(row)
        _update(connection, kind, name, values)
    return _seen(kind, _existing(connection, kind, name))


def _create(connection: Connection, kind: Kind[Any], name: str, values: dict[str, Any]) -> None:
    if not kind.legal_name(name):
        raise ValueError(
            f"{name!r} is no name for a {kind.name.lower()}; "
            "let swarmhub_crds.names make one from the user and the server"
        )
    first = {
        "name": name,
        "uid": str(uuid4()),
        "generation": 1,
        "created_at": values["updated_at"],
    }
    connection.execute(insert(kind.table).values(first | values))


def _repairs(row: Row[Any]) -> dict[str, Any]:
    repairs = {}
    if readable_uid(row.uid) is None:
        repairs["uid"] = str(uuid4())
    if readable_time(row.created_at) is None:
        repairs["created_at"] = to_text(utc_now())
    return repairs


def _next_generation(row: Row[Any], revision: int) -> int:
    """Return a generation above every earlier one; the revision is, where the old one is lost.

    In a store that was put back from a backup, the operator may have seen later ones than it holds.
    """
    old = readable_count(row.generation)
    return revision if old is None else max(old, readable_observed_generation(row.status)) + 1


def _refuse_if_marked(kind: Kind[Any], name: str, row: Row[Any]) -> None:
    if readable_time(row.deletion_requested_at) is not None:
        raise Conflict(f"{kind.name} {name!r} is being deleted; try again in a moment")


def _put_secrets(connection: Connection, uid: str, secrets: Mapping[str, str]) -> None:
    connection.execute(delete(secret_environments).where(secret_environments.c.uid == uid))
    if secrets:
        row = {"uid": uid, "environment": secretenv.canonical(secrets)}
        connection.execute(insert(secret_environments).values(row))


def _stamps(revision: int) -> dict[str, Any]:
    now = to_text(utc_now())
    return {"resource_version": revision, "updated_at": now, "spec_written_at": now}


def _update(connection: Connection, kind: Kind[Any], name: str, values: dict[str, Any]) -> None:
    connection.execute(kind.change, {NAME: name, **values})


def _existing(connection: Connection, kind: Kind[Any], name: str) -> Row[Any]:
    row = get_row(connection, kind, name)
    if row is None:  # written or read in this very transaction
        raise NotFound(f"{kind.name} {name!r} is gone; try again")
    return row


def _seen(kind: Kind[RecordT], row: Row[Any]) -> RecordT:
    """Return the record; with no status yet if the operator's is unreadable, which is its to mend.

    Raises:
        StoreError: even so it cannot be read.
    """
    record = decode(kind, row)
    if isinstance(record, Broken):
        record = decode(kind, with_blank_status(row))
    if isinstance(record, Broken):
        raise StoreError(record.message)
    return record
