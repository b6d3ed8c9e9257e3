"""`swarmhub homes backup` and `restore`: the content of a home out of and into its volume."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from swarmhub_crds.errors import Conflict, StoreError
from swarmhub_crds.home import Home
from swarmhub_crds.store import Store

from swarmhub_operator import settings
from swarmhub_operator.cli import output
from swarmhub_operator.cli.asking import ask_node
from swarmhub_operator.cli.holding import Hold, held, users
from swarmhub_operator.cli.meter import metered, through
from swarmhub_operator.cli.options import StateUrl, opened
from swarmhub_operator.cli.records import find_home
from swarmhub_operator.cli.text import safe
from swarmhub_operator.cli.visit import ASKER, Site, connect, node_of, stoppable, taken_back, visit
from swarmhub_operator.decide import copying, mounting
from swarmhub_operator.decide.copying import Outcome
from swarmhub_operator.decide.errands import Order
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.loop.content import CHUNK, ContentError, Peer
from swarmhub_operator.settings import DEFAULT_STATE_URL

Whose = Annotated[
    str,
    typer.Argument(
        metavar="HOME", help="USER, USER/SERVER, or the name of a home.", show_default=False
    ),
]
Target = Annotated[
    str, typer.Argument(metavar="FILE", help="A new file, or - for standard output.")
]
Source = Annotated[
    str, typer.Argument(metavar="FILE", help="The archive, or - for standard input.")
]
Replace = Annotated[
    bool,
    typer.Option("--replace", help="Remove what is in the home, instead of setting it aside."),
]
Trusted = Annotated[
    bool,
    typer.Option(
        "--trusted",
        help="Take devices and programs with their owner's rights from the archive, too.",
    ),
]
Yes = Annotated[bool, typer.Option("-y", "--yes", help="Do not ask.")]


def backup(whose: Whose, file: Target = "-", state_url: StateUrl = DEFAULT_STATE_URL) -> None:
    """Copy the content of a home, from whichever node, into a tar archive.

    Its server may run, which changes files while they are copied.
    """
    if file == "-" and output.is_terminal():
        raise typer.BadParameter("standard output is a terminal; send it to a file")
    with stoppable(), opened(state_url) as store:
        home = find_home(store, whose)
        site = _site(store, home)
        using = users(store, home.metadata.name)
        if using:
            output.warn(
                f"{safe(', '.join(using))} may be changing the home meanwhile; for a copy of one "
                "moment stop the server first."
            )
        node = node_of(site, home)

        def order(secret: tuple[str, str]) -> Order:
            return copying.send_order(
                home, node, network=site.network, secret=secret, why="backup", by=ASKER
            )

        _make_sure_it_is_there(site, home, node)
        with visit(site, node, order) as peer, _new(file) as out:
            entries, size, digest = _save(peer, home, out)
            outcome = peer.outcome() or Outcome()
    if outcome.changed:
        output.warn(f"{outcome.changed} files changed or went while they were copied.")
    output.warn(
        f"{home.metadata.name} on {node.hostname}: {entries} entries, {size} bytes of files; "
        f"sha256 of the archive {digest}"
    )


def _make_sure_it_is_there(site: Site, home: Home, node: Node) -> None:
    """Ask the node for the volume: were it gone, the engine would make one for who mounts it.

    Raises:
        ContentError: it is not there, or the node does not tell.
    """
    if not home.node_local:
        return
    name, answers = home.metadata.name, ask_node(site.engine, site.means, node)
    found = answers.inventories.get(node.id)
    if found is None:
        raise ContentError(f"{node.hostname}: {answers.silent.get(node.id, 'it does not answer.')}")
    if name not in {volume.name for volume in found.volumes}:
        raise ContentError(
            f"The home {name} is not on {node.hostname}: there is no volume of that name; "
            "`swarmhub homes` lists what is on which node."
        )


def _save(peer: Peer, home: Home, out: BinaryIO) -> tuple[int, int, str]:
    """Write the archive; return entries, bytes of all files, and the SHA-256 of the archive."""
    size = peer.size()
    if not size["entries"]:
        raise ContentError(f"The home {home.metadata.name} is empty; there is nothing to copy.")
    digest = sha256()
    with metered(home.metadata.name, size["archive"]) as meter:
        for chunk in through(peer.content(), meter):
            digest.update(chunk)
            _write(out, chunk)
    return size["entries"], size["bytes"], digest.hexdigest()


def _write(out: BinaryIO, chunk: bytes) -> None:
    try:
        out.write(chunk)
        out.flush()
    except OSError as error:
        raise ContentError(
            f"The archive cannot be written ({error.strerror}); what there is of it is of no use."
        ) from error


@contextmanager
def _new(file: str) -> Iterator[BinaryIO]:
    """Open a new file, which is removed again if it does not become whole."""
    if file == "-":
        yield sys.stdout.buffer
        return
    path = Path(file)
    try:
        out = path.open("xb")
    except OSError as error:
        raise ContentError(f"{file} cannot be made ({error.strerror}).") from error
    try:
        with out:
            yield out
    except BaseException:
        path.unlink()
        raise


def restore(
    whose: Whose,
    file: Source = "-",
    replace: Replace = False,
    trusted: Trusted = False,
    yes: Yes = False,
    state_url: StateUrl = DEFAULT_STATE_URL,
) -> None:
    """Fill a home from an archive: all of it or, if anything is wrong with it, nothing.

    Its server must be stopped, and does not start meanwhile. What is in the home is moved into a
    folder .swarmhub-before-restore-TIME there.
    """
    if file == "-" and sys.stdin.isatty():
        raise typer.BadParameter("standard input is a terminal; give a file or send one in")
    if file == "-" and not yes:
        raise typer.BadParameter("standard input is the archive, so nobody can be asked; add --yes")
    with stoppable(), opened(state_url) as store, _existing(file) as source:
        home = find_home(store, whose)
        site = _site(store, home)
        with held(store, home, "restored") as hold:
            _refuse_if_used(store, home)
            node = node_of(site, home)

            def order(secret: tuple[str, str]) -> Order:
                return copying.receive_order(
                    home,
                    node,
                    store.uid,
                    network=site.network,
                    secret=secret,
                    why="restore",
                    replace=replace,
                    trusted=trusted,
                    by=ASKER,
                )

            with visit(site, node, order) as peer:
                _agree(peer, home, node.hostname, replace=replace, yes=yes)
                _refuse_if_used(store, home)
                outcome = _bring(peer, home, source, hold)
    if not outcome.sealed:
        output.warn("The archive was not made by swarmhub: it has no checksum to verify it by.")
    output.warn(
        f"{home.metadata.name} on {node.hostname}: {outcome.entries} entries, {outcome.size} bytes "
        "of files restored"
        + (f"; what was there before is in {outcome.kept}." if outcome.kept else ".")
    )


def _refuse_if_used(store: Store, home: Home) -> None:
    using = users(store, home.metadata.name)
    if using:
        raise Conflict(
            f"The home {home.metadata.name} is in use by {', '.join(using)}; stop the server in "
            "the hub first."
        )


def _agree(peer: Peer, home: Home, node: str, *, replace: bool, yes: bool) -> None:
    """Say what becomes of the home's content, and ask."""
    size = peer.size()
    if not size["entries"]:
        return
    what = "removed" if replace else "set aside in a folder of the home"
    output.warn(
        f"{home.metadata.name} on {node} holds {size['entries']} entries with {size['bytes']} "
        f"bytes, which will be {what}."
    )
    if not yes and not typer.confirm("Go on?", err=True):
        raise typer.Exit(1)


def _bring(peer: Peer, home: Home, source: BinaryIO, hold: Hold) -> Outcome:
    with metered(home.metadata.name, _length(source)) as meter, taken_back(peer):
        return peer.put(through(_read(source, hold), meter), hold.check)


def _read(source: BinaryIO, hold: Hold) -> Iterable[bytes]:
    while True:
        hold.check()
        try:
            chunk = source.read(CHUNK)
        except OSError as error:
            raise ContentError(f"The archive cannot be read ({error.strerror}).") from error
        if not chunk:
            return
        yield chunk


def _length(source: BinaryIO) -> int | None:
    """Return how many bytes there are to read, if that is known."""
    try:
        info = os.fstat(source.fileno())
    except OSError:
        return None  # it is no file at all
    return info.st_size if stat.S_ISREG(info.st_mode) else None


@contextmanager
def _existing(file: str) -> Iterator[BinaryIO]:
    if file == "-":
        yield sys.stdin.buffer
        return
    try:
        source = Path(file).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise ContentError(f"{file} cannot be read ({error.strerror}).") from error
    with source:
        yield source


def _site(store: Store, home: Home) -> Site:
    """Return the site, if its policy lets an errand mount the home.

    Raises:
        ContentError: it does not.
        StoreError: a setting is wrong.
    """
    try:
        given = settings.read()
        # Its name is what an administrator has given; driver and options are the record's words.
        named = given.policy.model_copy(update={"allowed_volumes": (home.metadata.name,)})
        if fault := mounting.home_fault(home, named):
            raise ContentError(fault)
        return connect(given, store.uid)
    except settings.SettingsError as error:
        raise StoreError(str(error)) from error
