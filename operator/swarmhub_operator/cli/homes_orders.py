"""`swarmhub homes move`, `forget` and `prune`: what an administrator orders the operator to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Final

import typer
from swarmhub_crds.base import find_condition
from swarmhub_crds.errors import Conflict
from swarmhub_crds.home import Home, HomePhase
from swarmhub_crds.notebook import Desired
from swarmhub_crds.readable import age, span
from swarmhub_crds.store import Store

from swarmhub_operator.cli import output
from swarmhub_operator.cli.duration import duration
from swarmhub_operator.cli.errors import TROUBLE
from swarmhub_operator.cli.health import operator_report
from swarmhub_operator.cli.holding import users
from swarmhub_operator.cli.machines import find_node
from swarmhub_operator.cli.options import (
    DockerHost,
    DryRun,
    StateUrl,
    Yes,
    clock,
    engine_at,
    opened,
)
from swarmhub_operator.cli.records import find_home
from swarmhub_operator.cli.report import OperatorState
from swarmhub_operator.cli.text import safe
from swarmhub_operator.decide.homes import RELEASED
from swarmhub_operator.decide.moving import is_ordered
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.settings import DEFAULT_DOCKER_HOST, DEFAULT_STATE_URL

_LOOK_EVERY: Final = 0.5  # seconds

Whose = Annotated[
    str,
    typer.Argument(
        metavar="HOME", help="USER, USER/SERVER, or the name of a home.", show_default=False
    ),
]
Target = Annotated[
    str,
    typer.Argument(metavar="NODE", help="The node's hostname or id.", show_default=False),
]
Wait = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Wait until it is done, and tell how it went.")
]
Timeout = Annotated[
    str, typer.Option("--timeout", metavar="TIME", help="How long to wait until it is done.")
]
Released = Annotated[
    bool, typer.Option("--released", help="Those whose user or server was deleted in the hub.")
]
OlderThan = Annotated[
    str,
    typer.Option(
        "--older-than", metavar="TIME", help="Only those that lost their user so long ago."
    ),
]


def move(
    whose: Whose,
    node: Target,
    yes: Yes = False,
    wait: Wait = True,
    timeout: Timeout = "1h",
    docker_host: DockerHost = DEFAULT_DOCKER_HOST,
    state_url: StateUrl = DEFAULT_STATE_URL,
) -> None:
    """Move a home to another node: copied, verified by checksum, then removed where it was.

    The operator does it, once the server that uses it is stopped. Who starts it meanwhile waits.
    """
    seconds = duration(timeout).total_seconds()
    chosen = find_node(engine_at(docker_host).nodes(), node)
    with opened(state_url) as store:
        home = find_home(store, whose)
        name = home.metadata.name
        back = home.status.node_id == chosen.id
        if back and not is_ordered(home):
            output.write(f"home/{safe(name)} is on {safe(chosen.hostname)} already")
            return
        _announce(store, home, back=back)
        if not yes and not typer.confirm(_question(home, chosen, back=back)):
            raise typer.Exit(1)
        moves = max(home.spec.orders.moves, home.status.moves) + 1
        store.order_home(name, move_to=chosen.id, moves=moves)
        what = "stays on" if back else "is to be moved to"
        output.write(f"home/{safe(name)} {what} {safe(chosen.hostname)}")
        if wait:
            _await_move(store, name, moves, seconds)
            if find_home(store, name).status.node_id != chosen.id:
                raise typer.Exit(TROUBLE)


def _announce(store: Store, home: Home, *, back: bool) -> None:
    """Say what the move of a home has to wait for.

    Raises:
        Conflict: it cannot be moved.
    """
    name, phase = home.metadata.name, home.status.phase
    if phase not in (HomePhase.BOUND, HomePhase.PENDING, HomePhase.MOVING):
        raise Conflict(
            f"The home {name} is {phase.lower()} and cannot be moved; "
            f"`swarmhub describe home {name}` tells more."
        )
    using = users(store, name)
    if using and not back:
        output.warn(f"{safe(', '.join(using))} uses it; it is moved once that server is stopped.")
    operator = operator_report(store.read_lease(), store.operator_seen_at(), clock())
    if operator.state is not OperatorState.LEADING:
        output.warn("No operator leads, so nothing is done until one does; see `swarmhub status`.")


def _question(home: Home, node: Node, *, back: bool) -> str:
    name, there = safe(home.metadata.name), safe(node.hostname)
    if back:
        return f"Call off the move of {name}, so that it stays on {there}?"
    return f"Move {name} from {safe(home.status.node or 'no node')} to {there}?"


def _await_move(store: Store, name: str, moves: int, seconds: float) -> None:
    """Tell each step of a move until it has ended, and in any case how it did."""
    end, said = time.monotonic() + seconds, find_home(store, name).status.message
    told = False
    while True:
        home = find_home(store, name)
        ended = home.status.moves >= moves or not is_ordered(home)
        if home.status.message and (home.status.message != said or (ended and not told)):
            said, told = home.status.message, True
            output.write(safe(said))
        if ended:
            return
        if time.monotonic() > end:
            raise Conflict(
                f"The home {name} was not moved within {span(seconds)}; the operator goes on, and "
                f"`swarmhub describe home {name}` tells how it stands."
            )
        time.sleep(_LOOK_EVERY)


def forget(whose: Whose, yes: Yes = False, state_url: StateUrl = DEFAULT_STATE_URL) -> None:
    """Give up a home that is lost, or on a node that does not come back.

    The user's next start begins with an empty home on any node. The volume itself is not touched:
    if its node comes back, `swarmhub homes` lists it as Unknown.
    """
    with opened(state_url) as store:
        home = find_home(store, whose)
        name, status = home.metadata.name, home.status
        if status.node_id is None:
            raise Conflict(f"The home {name} is on no node, so there is nothing to give up.")
        using = users(store, name)
        used = age(status.last_used_at, clock())
        output.write(
            f"User {safe(home.spec.user)} loses what is in {safe(name)} on "
            f"{safe(status.node or status.node_id)} (last used {used} ago): the next start begins "
            "with an empty home."
        )
        if using:
            output.write(f"Stopped for it: {safe(', '.join(using))}.")
        if not yes and not typer.confirm(f"Give up {safe(name)}?"):
            raise typer.Exit(1)
        for notebook in using:
            store.set_desired(notebook, Desired.STOPPED)
        given_up = (*home.spec.orders.forgotten, status.node_id)
        store.order_home(name, forgotten=given_up)
    output.write(f"home/{safe(name)} is given up; the operator lets it go at its next look")


def prune(
    released: Released = False,
    older_than: OlderThan = "30d",
    dry_run: DryRun = False,
    yes: Yes = False,
    state_url: StateUrl = DEFAULT_STATE_URL,
) -> None:
    """Remove homes that have lost their user, with all that is in them, on whichever node.

    A node that is down is waited for. A volume that was not made for its home is kept.
    """
    if not released:
        raise typer.BadParameter("say which: --released is all that can be pruned")
    least, now = duration(older_than), clock()
    with opened(state_url) as store:
        homes = [h for h in store.list_homes() if isinstance(h, Home)]
        chosen = [h for h in homes if _is_old(h, now, least)]
        for home in chosen:
            output.write(_line(home, now))
        if dry_run or not chosen:
            output.write(f"{len(chosen)} would be removed." if dry_run else "There is none.")
            return
        if not yes and not typer.confirm(f"Remove {len(chosen)} for good?"):
            raise typer.Exit(1)
        _each(chosen, lambda home: store.request_home_deletion(home.metadata.name))
    output.write("The operator removes them; `swarmhub homes` tells of those that wait.")


def _each(homes: list[Home], ask: Callable[[Home], object]) -> None:
    for home in homes:
        try:
            ask(home)
        except Conflict as error:  # its user has come back just now
            output.warn(safe(str(error)))


def _is_old(home: Home, now: datetime, least: timedelta) -> bool:
    since = _released_at(home)
    return home.status.phase is HomePhase.RELEASED and since is not None and now - since >= least


def _released_at(home: Home) -> datetime | None:
    found = find_condition(home.status.conditions, RELEASED)
    return found.last_transition_time if found else None


def _line(home: Home, now: datetime) -> str:
    where, since = home.status.node or "no node", age(_released_at(home), now)
    return safe(
        f"home/{home.metadata.name} of {home.spec.user} on {where}, without its user for {since}"
    )
