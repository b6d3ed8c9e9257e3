"""The spec side: what the spawner and the admin verbs write. It never names a status column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Row, delete, insert

from swarmhub_crds import secretenv
from swarmhub_crds.errors import Conflict, HomeTaken, NotFound, StoreError
from swarmhub_crds.home import Home, HomePhase, HomeSpec, HomeStatus
from swarmhub_crds.notebook import Desired, Notebook, NotebookSpec
from swarmhub_crds.sqlstore.clock import to_text, utc_now
from swarmhub_crds.sqlstore.codec import (
    HOME,
    NOTEBOOK,
    Broken,
    decode,
    encode,
    readable_observed_generation,
    readable_time,
    with_blank_status,
)
from swarmhub_crds.sqlstore.homeside import disown
from swarmhub_crds.sqlstore.read import get_row
from swarmhub_crds.sqlstore.revisions import take_revision
from swarmhub_crds.sqlstore.specwriting import (
    existing,
    next_generation,
    put_spec,
    refuse_if_marked,
    seen,
    stamps,
    update_record,
)
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
    notebook = put_spec(connection, NOTEBOOK, name, full)
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
        return seen(NOTEBOOK, row)
    return put_spec(
        connection, NOTEBOOK, name, notebook.spec.model_copy(update={"desired": desired})
    )


def restart_notebook(connection: Connection, name: str) -> Notebook:
    """Note that the task of a notebook that should run is to be replaced, once.

    Raises:
        NotFound, Conflict, StoreError: as `set_desired`; it must be one that should run, and have
            a task.
    """
    row, notebook = _stored_notebook(connection, name)
    seen_now = decode(NOTEBOOK, row)
    task = seen_now.status.task_id if isinstance(seen_now, Notebook) else None
    if notebook.spec.desired is not Desired.RUNNING or task is None:
        raise Conflict(f"The notebook {name!r} does not run; start it from the hub")
    values = {**stamps(take_revision(connection)), "restart_of": task}
    del values["spec_written_at"]
    update_record(connection, NOTEBOOK, name, values)
    return seen(NOTEBOOK, existing(connection, NOTEBOOK, name))


def _stored_notebook(connection: Connection, name: str) -> tuple[Row[Any], Notebook]:
    row = get_row(connection, NOTEBOOK, name)
    if row is None:
        raise NotFound(f"There is no notebook {name!r}; `swarmhub get notebooks` lists them")
    refuse_if_marked(NOTEBOOK, name, row)
    notebook = decode(NOTEBOOK, with_blank_status(row))
    if isinstance(notebook, Broken):
        raise StoreError(notebook.message)
    return row, notebook


def request_deletion(
    connection: Connection, name: str, last_of: str | None
) -> Notebook | Broken | None:
    """Mark the notebook for deletion and for stopping, if it is not marked already.

    The homes that all servers of the user `last_of` share lose their user with it, also if there
    was no such notebook.
    """
    if last_of is not None:
        disown(connection, last_of)
    row = get_row(connection, NOTEBOOK, name)
    if row is None:
        return None
    notebook = decode(NOTEBOOK, with_blank_status(row))
    if readable_time(row.deletion_requested_at) is None:
        revision = take_revision(connection)
        values = {
            "generation": next_generation(row, revision),
            "deletion_requested_at": to_text(utc_now()),
            **stamps(revision),
        }
        if isinstance(notebook, Notebook):  # an unreadable spec cannot be told to stop
            stopped = notebook.spec.model_copy(update={"desired": Desired.STOPPED})
            values["spec"] = encode(stopped)
        update_record(connection, NOTEBOOK, name, values)
    return decode(NOTEBOOK, existing(connection, NOTEBOOK, name))


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
    put_spec(connection, HOME, name, spec)


def _given_up(home: Home | Broken) -> bool:
    marked = home.deletion_requested_at if isinstance(home, Broken) else None
    if isinstance(home, Home):
        marked = home.metadata.deletion_requested_at
    return marked is not None or (
        isinstance(home.status, HomeStatus) and home.status.phase is HomePhase.RELEASED
    )


def _put_secrets(connection: Connection, uid: str, secrets: Mapping[str, str]) -> None:
    connection.execute(delete(secret_environments).where(secret_environments.c.uid == uid))
    if secrets:
        row = {"uid": uid, "environment": secretenv.canonical(secrets)}
        connection.execute(insert(secret_environments).values(row))
