"""`swarmhub state`: backups, and records made again from what runs."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from swarmhub_crds.errors import Conflict, NotFound, Reason, StoreError, StoreUnavailable
from swarmhub_crds.notebook import Notebook
from swarmhub_crds.sqlstore.codec import Broken
from swarmhub_crds.sqlstore.recovery import PutBack
from swarmhub_crds.store import Store

from swarmhub_operator.cli import output
from swarmhub_operator.cli.errors import discard_output
from swarmhub_operator.cli.options import DockerHost, StateUrl, engine_at, opened
from swarmhub_operator.cli.records import Record, name_of
from swarmhub_operator.cli.text import safe
from swarmhub_operator.decide.rebuild import Rebuilt, Stored
from swarmhub_operator.decide.rebuild import rebuild as decide
from swarmhub_operator.decide.sweep import strangers
from swarmhub_operator.engine import decode, labels
from swarmhub_operator.engine.observed import Volume
from swarmhub_operator.engine.observer import Observer
from swarmhub_operator.engine.port import Engine
from swarmhub_operator.engine.snapshot import Snapshot
from swarmhub_operator.settings import DEFAULT_DOCKER_HOST, DEFAULT_STATE_URL

app = typer.Typer(
    name="state",
    help="The store itself: backups, and what to do when it was lost.",
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

FromStore = Annotated[
    str | None,
    typer.Option(
        "--from-store",
        metavar="UID",
        help="Take over what a store that was lost has left running.",
        show_default=False,
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be written.")]
File = Annotated[
    str,
    typer.Argument(
        metavar="FILE", help="A new file, or - for standard output.", show_default=False
    ),
]
VolumesOf = Annotated[
    str | None,
    typer.Option(
        "--volumes-of",
        metavar="NODE",
        help="Find homes in what `docker volume inspect` printed on that node, read from "
        "standard input, instead of on this engine's own.",
        show_default=False,
    ),
]


@app.command(epilog="\b\nExamples:\n  swarmhub state backup - > state-monday.db")
def backup(file: File, state_url: StateUrl = DEFAULT_STATE_URL) -> None:
    """Copy the store while it is in use. The copy holds the API tokens of running notebooks."""
    with opened(state_url) as store:
        if file != "-":
            store.backup(Path(file))
            return
        if output.is_terminal():
            raise typer.BadParameter("standard output is a terminal; send it to a file")
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder, "state.db")
            store.backup(copy)
            with copy.open("rb") as content:
                _send(content)


def _send(content: BinaryIO) -> None:
    """Copy a store to standard output.

    Raises:
        StoreError: it did not get there as a whole.
    """
    try:
        shutil.copyfileobj(content, sys.stdout.buffer)
        sys.stdout.flush()
    except OSError as error:
        discard_output()
        raise StoreError(
            f"The copy cannot be written ({error.strerror}); what there is of it is of no use."
        ) from error


@app.command(
    short_help="Write lost records anew from what runs.",
    epilog="\b\nExamples:\n  swarmhub state rebuild --dry-run\n"
    "  swarmhub state rebuild --from-store 3c0e…",
)
def rebuild(
    from_store: FromStore = None,
    volumes_of: VolumesOf = None,
    dry_run: DryRun = False,
    docker_host: DockerHost = DEFAULT_DOCKER_HOST,
    state_url: StateUrl = DEFAULT_STATE_URL,
) -> None:
    """Write records anew for notebooks and homes that the store has lost or knows too little of.

    Nothing that runs is restarted, and no record that is newer than what runs is touched.
    """
    engine = engine_at(docker_host)
    store = _open(state_url)
    try:
        uid = _identity(engine, store, from_store)
        snapshot = Observer(engine, uid).look(float("-inf"))
        found = _decide(engine, snapshot, store, uid, volumes_of)
        if not dry_run:
            store = store or Store.open(state_url, uid=uid)
            adopt = uid if uid != store.uid else None
            store.put_back(found.notebooks, found.homes, adopt=adopt)
    finally:
        if store is not None:
            store.close()
    _tell(found, uid, dry_run=dry_run)
    others = sorted(n.hostname for n in snapshot.nodes.values() if n.id != engine.own_node_id())
    if others and volumes_of is None:
        output.warn(
            f"The volumes of {', '.join(map(safe, others))} were not looked at; on each, run "
            "`docker volume inspect "
            f"$(docker volume ls -q --filter label={labels.STORE}={uid})` "
            "and pipe what it prints into `swarmhub state rebuild --volumes-of NODE`."
        )


def _open(url: str) -> Store | None:
    """Open the store; None if there is none, which is then made with the old identity."""
    try:
        return Store.open(url, create=False)
    except StoreUnavailable as error:
        if error.reason is Reason.MISSING:
            return None
        raise


def _identity(engine: Engine, store: Store | None, asked: str | None) -> str:
    """Return the uid of the store whose notebooks are meant.

    Raises:
        StoreError: that is not clear, or this store has notebooks of its own.
    """
    running = engine.services("")
    uids = {s.labels.get(labels.STORE, "") for s in running} - {""}
    own = store.uid if store else None
    if asked is None and (own in uids or not uids) and own is not None:
        return own
    if asked is None and own is None and len(uids) == 1:
        return uids.pop()
    if asked is None:
        others = " ".join(one.message for one in strangers(running, own or ""))
        raise StoreError(f"Nothing of this store runs here. {others}".strip())
    if asked not in uids:
        raise StoreError(
            f"Nothing runs here of a store with the uid {asked!r}; `swarmhub gc` lists the others."
        )
    if own in uids and own != asked:
        names = ", ".join(sorted(s.name for s in running if s.labels.get(labels.STORE) == own))
        raise Conflict(
            f"This store has notebooks of its own ({names}), which would be forgotten; stop them "
            "in the hub, then run the command again."
        )
    return asked


def _decide(
    engine: Engine, snapshot: Snapshot, store: Store | None, uid: str, node: str | None
) -> Rebuilt:
    stored = _stored(store) if store else Stored()
    if node is None:
        return decide(snapshot, engine.own_volumes(), stored, engine.own_node_id(), uid)
    idents = [n.id for n in snapshot.nodes.values() if node in (n.id, n.hostname)]
    if len(idents) != 1:
        raise NotFound(
            f"{len(idents)} nodes are called {node!r}; `docker node ls` lists their ids."
        )
    return decide(snapshot, _told_volumes(sys.stdin.read()), stored, idents[0], uid)


def _told_volumes(text: str) -> tuple[Volume, ...]:
    """Read what `docker volume inspect` printed on another node."""
    try:
        return tuple(decode.volume(raw) for raw in json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            "Standard input is not what `docker volume inspect` prints; pipe that into the command"
        ) from error


def _stored(store: Store) -> Stored:
    notebooks, homes = store.list_notebooks(), store.list_homes()
    removed = store.removed_uids("Notebook") | store.removed_uids("Home")
    return Stored(
        {name_of(record): record for record in notebooks},
        {name_of(record): record for record in homes},
        removed,
    )


def _tell(found: Rebuilt, uid: str, *, dry_run: bool) -> None:
    done = "would be written" if dry_run else "written"
    records: Sequence[PutBack[Notebook]] = found.notebooks
    for one in records:
        generation = one.record.metadata.generation
        output.write(f"{_reference(one.record)} {done} (generation {generation})")
    for home in found.homes:
        where = home.record.status.node or home.record.status.node_id
        output.write(
            f"{_reference(home.record)} {done}" + (f" (on {safe(where)})" if where else "")
        )
    for left in found.left:
        output.write(f"{safe(left.what)} left as it is: {safe(left.why)}")
    total = len(found.notebooks) + len(found.homes)
    output.write(f"{total} records {done}; the store is {safe(uid)}.")


def _reference(record: Record) -> str:
    kind = record.kind.lower() if not isinstance(record, Broken) else "record"
    return safe(f"{kind}/{name_of(record)}")
