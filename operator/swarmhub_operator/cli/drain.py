"""`swarmhub drain`: empty a node, as far as that costs nobody what is in use."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import typer
from swarmhub_crds.draining import LOSS, Fate, Guest, Wish, guests, homes_on, to_stop
from swarmhub_crds.errors import Conflict, NotFound
from swarmhub_crds.home import Home
from swarmhub_crds.notebook import Desired, Notebook, Phase
from swarmhub_crds.readable import NONE, span
from swarmhub_crds.store import Broken, Store

from swarmhub_operator.cli import output
from swarmhub_operator.cli.cordon import NodeName
from swarmhub_operator.cli.duration import duration
from swarmhub_operator.cli.errors import TROUBLE
from swarmhub_operator.cli.machines import find_node
from swarmhub_operator.cli.options import (
    DockerHost,
    DryRun,
    StateUrl,
    Timeout,
    Yes,
    clock,
    engine_at,
    opened,
)
from swarmhub_operator.cli.records import has_ended, is_acted_on, name_of
from swarmhub_operator.cli.table import Table, cut
from swarmhub_operator.cli.text import safe
from swarmhub_operator.decide.cordoning import drained
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.loop.nodechange import change
from swarmhub_operator.settings import DEFAULT_DOCKER_HOST, DEFAULT_STATE_URL

_TITLES: Final = ("NOTEBOOK", "USER", "SERVER", "IDLE", "WHAT", "WHY")
_LOOK_EVERY: Final = 0.5  # seconds

IdleAfter = Annotated[
    str,
    typer.Option(
        "--idle-after",
        metavar="TIME",
        help="What was not in use for so long is idle and stopped.",
        show_default=True,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Stop what is in use, too.")]


def drain(
    node: NodeName,
    dry_run: DryRun = False,
    yes: Yes = False,
    idle_after: IdleAfter = "15m",
    force: Force = False,
    timeout: Timeout = "2m",
    docker_host: DockerHost = DEFAULT_DOCKER_HOST,
    state_url: StateUrl = DEFAULT_STATE_URL,
) -> None:
    """Empty a node: it takes no new servers, idle ones stop, and what floats moves elsewhere.

    A notebook with its home on the node stays while it is in use, and starts nowhere else. The
    exit code is 1 while anything is left on the node. `uncordon` ends it.
    """
    idle, seconds = duration(idle_after), duration(timeout).total_seconds()
    engine = engine_at(docker_host)
    nodes = engine.nodes()
    chosen = find_node(nodes, node)
    others = any(n.usable for n in nodes if n.id != chosen.id)
    with opened(state_url) as store:
        view = _View(store, chosen, Wish(idle, force=force, elsewhere=others))
        found = view.guests()
        _announce(view, found)
        if dry_run:
            output.write("Nothing was done.")
            return
        if not yes and not typer.confirm(f"Drain {safe(chosen.hostname)}?"):
            raise typer.Exit(1)
        change(engine, chosen.id, drained)
        output.write(f"node/{safe(chosen.hostname)} cordoned; the operator empties it")
        _stop(view, found)
        left = _await(view, found, seconds)
    if left:
        raise typer.Exit(TROUBLE)


@dataclass(frozen=True, slots=True)
class _View:
    """The store, seen from one node that is to be emptied."""

    store: Store
    node: Node
    wish: Wish

    @property
    def hostname(self) -> str:
        """The node's name, safe to print."""
        return safe(self.node.hostname)

    def homes(self) -> Mapping[str, Home]:
        """Return all homes that can be read, by name."""
        return {name_of(h): h for h in self.store.list_homes() if isinstance(h, Home)}

    def guests(self) -> tuple[Guest, ...]:
        """Return what is on the node now, and what becomes of it."""
        records = [r for r in self.store.list_notebooks() if isinstance(r, Notebook)]
        activity = self.store.last_activity()
        return guests(self.node.id, records, self.homes(), activity, self.wish, clock())

    def unread(self) -> list[str]:
        """Return the names of those on the node whose record cannot be read."""
        records = [r for r in self.store.list_notebooks() if isinstance(r, Broken)]
        return [r.name for r in records if getattr(r.status, "node_id", None) == self.node.id]


def _announce(view: _View, found: Sequence[Guest]) -> None:
    """Say what will happen, and what is lost by it."""
    if found:
        table = Table(_TITLES, output.paint)
        rows = [_row(guest) for guest in found]
        table.fit(rows)
        for line in (table.header(), *map(table.line, rows)):
            output.write(line)
    else:
        output.write(f"No notebook is on {view.hostname}.")
    staying = homes_on(view.node.id, view.homes().values())
    if staying:
        names = ", ".join(map(safe, staying))
        output.write(
            f"Homes that stay on {view.hostname}, where alone their notebooks can start "
            f"({len(staying)}): {names}."
        )
    lost = [g for g in found if g.fate is not Fate.STAYS]
    if lost:
        output.write(f"Lost in what stops or moves ({len(lost)}): {LOSS}")


def _row(guest: Guest) -> list[str]:
    idle = NONE if guest.idle is None else span(guest.idle.total_seconds())
    name, *rest = (guest.name, guest.user, guest.server, idle, guest.fate, guest.why)
    return [safe(cell) or NONE for cell in (name, *map(cut, rest))]


def _stop(view: _View, told: Sequence[Guest]) -> None:
    """Stop what was told to be stopped, unless it has come into use since."""
    named = {guest.name for guest in told if guest.fate is Fate.STOPS}
    for name in to_stop(named, view.guests()):
        try:
            view.store.set_desired(name, Desired.STOPPED)
        except (Conflict, NotFound) as error:
            output.warn(safe(f"{name}: {error}"))


def _await(view: _View, told: Sequence[Guest], seconds: float) -> bool:
    """Wait until all has left that is to leave, and tell; True if something is left."""
    end = time.monotonic() + seconds
    leaving = {guest.name for guest in told if guest.fate is not Fate.STAYS}
    going = set(leaving)
    while True:
        # What was told to stay, or has come since, is not stopped, even if it is idle by now.
        there = view.guests()
        staying = {g.name: g for g in there if g.fate is Fate.STAYS or g.name not in leaving}
        going -= staying.keys()
        left = {name: how for name in sorted(going) if (how := _gone(view, name))}
        for name, how in left.items():
            output.write(f"notebook/{safe(name)} {how}")
        going -= left.keys()
        if not going or time.monotonic() > end:
            break
        time.sleep(_LOOK_EVERY)
    unread = view.unread()
    _tell_left(view, staying.values(), going, seconds)
    for name in unread:
        output.warn(
            f"notebook {safe(name)} is left alone, as its record cannot be read; "
            f"`swarmhub describe notebook {safe(name)}` says why."
        )
    return bool(staying or going or unread)


def _tell_left(view: _View, staying: Iterable[Guest], going: Iterable[str], seconds: float) -> None:
    for guest in staying:
        output.write(
            f"notebook/{safe(guest.name)} stays ({guest.why}); drain again once it is idle, or "
            "with --force"
        )
    for name in sorted(going):
        output.warn(
            f"notebook {safe(name)} had not left {view.hostname} after {span(seconds)}; "
            f"`swarmhub describe notebook {safe(name)}` says why."
        )


def _gone(view: _View, name: str) -> str:
    """Return how a notebook has left the node, or "" while it has not."""
    record = view.store.get_notebook(name)
    if record is None:
        return "removed"
    if not isinstance(record, Notebook) or not is_acted_on(record):
        return ""
    status = record.status
    if has_ended(record):
        return str(status.phase).lower()
    moved = status.phase is Phase.RUNNING and status.node_id != view.node.id
    return f"moved to {safe(status.node or 'another node')}" if moved else ""
