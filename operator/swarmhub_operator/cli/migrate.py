"""`swarmhub migrate`: takes over the homes that an earlier spawner has made."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated, Final
from uuid import uuid4

import typer
from swarmhub_crds.errors import Conflict
from swarmhub_crds.escaping import Escape
from swarmhub_crds.home import Home
from swarmhub_crds.sqlstore.recovery import PutBack
from swarmhub_crds.store import Store

from swarmhub_operator import settings
from swarmhub_operator.cli import output
from swarmhub_operator.cli.asking import ask_nodes
from swarmhub_operator.cli.migrate_table import options_line, show
from swarmhub_operator.cli.options import StateUrl, Yes, clock, engine_at, opened
from swarmhub_operator.cli.output import Document
from swarmhub_operator.cli.records import name_of
from swarmhub_operator.cli.text import safe
from swarmhub_operator.decide.migration import plan, record
from swarmhub_operator.decide.oldspawner import Migration, Origin, Site, Wish
from swarmhub_operator.decide.volumenames import DEFAULT, Template, TemplateError
from swarmhub_operator.engine.port import Neighbours
from swarmhub_operator.engine.workloads import Workload
from swarmhub_operator.settings import DEFAULT_STATE_URL, Settings

ENDED_WITHIN: Final = 60.0  # seconds that containers of removed services may take
_POLL: Final = 0.5  # seconds

From = Annotated[
    Origin, typer.Option("--from", help="The spawner that made them.", show_default=False)
]
Names = Annotated[
    list[str] | None,
    typer.Option(
        "--volume-template",
        metavar="NAME",
        help=f"A key of the old spawner's volumes; may be repeated. [default: {DEFAULT}]",
        show_default=False,
    ),
]
Written = Annotated[
    Escape | None,
    typer.Option(
        "--escape",
        help="How names of users are written in them: by DockerSpawner from 12 on (escape), or "
        "before and with escape = 'legacy'. Without it, what could be either is left.",
        show_default=False,
    ),
]
Users = Annotated[
    str | None,
    typer.Option(
        "--users",
        metavar="FILE",
        help="The names of all users, one a line (-: standard input); volumes of nobody else are "
        "adopted, unless a server had them mounted.",
        show_default=False,
    ),
]
StopServices = Annotated[
    bool,
    typer.Option(
        "--stop-services", help="Remove the services of SwarmSpawner first; their volumes stay."
    ),
]
Confirm = Annotated[
    bool, typer.Option("--confirm", help="Write the records; without it nothing is changed.")
]
Form = Annotated[
    Document | None,
    typer.Option("-o", "--output", help="Another form than the table.", show_default=False),
]


def migrate(
    origin: From,
    volume_template: Names = None,
    escape: Written = None,
    users: Users = None,
    stop_services: StopServices = False,
    confirm: Confirm = False,
    yes: Yes = False,
    form: Form = None,
    state_url: StateUrl = DEFAULT_STATE_URL,
) -> None:
    """Show which volumes of DockerSpawner or SwarmSpawner become homes; --confirm writes them down.

    Volumes keep their names, content and labels, and nothing is copied. What is in use, or whose it
    is not known for sure, is left, and the reason told.
    """
    given = settings.read()
    wish = _wish(origin, volume_template or [DEFAULT], escape, users, given, stop_services)
    with opened(state_url) as store:
        engine = engine_at(given.docker_host)
        found = _look(engine, store, wish)
        writes = confirm or yes
        if form is None or not writes:
            show(found, form, done=False)
        if not writes:
            if form is None:
                _conclude(_would(found), found, wish)
            return
        if found.adopts or found.stops:
            if not yes and not typer.confirm(_question(found), err=True):
                raise typer.Exit(1)
            _stop(engine, found.stops)
            _write(store, found)
    if form is not None:
        show(found, form, done=True)
        return
    done = f"{len(found.adopts)} homes adopted, {len(found.stops)} services removed."
    _conclude(done, found, wish)


def _conclude(sentence: str, found: Migration, wish: Wish) -> None:
    output.write(sentence)
    if found.adopts:
        output.write(options_line(wish))


def _wish(
    origin: Origin,
    names: list[str],
    escape: Escape | None,
    users: str | None,
    given: Settings,
    stop_services: bool,
) -> Wish:
    first = escape or Escape.ESCAPE
    other = Escape.LEGACY if first is Escape.ESCAPE else Escape.ESCAPE
    if stop_services and origin is not Origin.SWARMSPAWNER:
        raise typer.BadParameter("--stop-services is for --from swarmspawner alone")
    try:
        return Wish(
            origin=origin,
            templates=tuple(Template.parse(name, first) for name in names),
            doubts=() if escape else tuple(Template.parse(name, other) for name in names),
            allowed=given.policy.allowed_volumes,
            users=_users(users),
            stop_services=stop_services,
        )
    except TemplateError as error:
        raise typer.BadParameter(f"--volume-template: {error}") from error


def _users(file: str | None) -> frozenset[str] | None:
    if file is None:
        return None
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"--users: {file} cannot be read ({error})") from error
    return frozenset(line.strip() for line in text.splitlines()) - {""}


def _look(engine: Neighbours, store: Store, wish: Wish) -> Migration:
    answers = ask_nodes(store)
    hosts = {node.id: node.hostname for node in engine.nodes()}
    for ident, why in sorted(answers.silent.items()):
        output.warn(safe(f"{hosts.get(ident, ident)}: {why} What lies there is not adopted."))
    homes = {name_of(home): home for home in store.list_homes()}
    return plan(Site(engine.foreign(), tuple(answers.inventories.values()), homes), wish)


def _would(found: Migration) -> str:
    removed = f", {len(found.stops)} services would be removed" if found.stops else ""
    return f"{len(found.adopts)} homes would be adopted{removed}; --confirm does it."


def _question(found: Migration) -> str:
    removed = f"Remove {len(found.stops)} services of the old spawner, and adopt"
    return f"{removed if found.stops else 'Adopt'} {len(found.adopts)} homes?"


def _stop(engine: Neighbours, services: tuple[Workload, ...]) -> None:
    """Remove services, and wait until nothing of them writes any more.

    Raises:
        Conflict: something of them does not end.
    """
    for service in services:
        engine.remove_service(service.id)
    removed = {service.id for service in services}
    end = time.monotonic() + ENDED_WITHIN
    while removed and (left := removed & {held.service_id for held in engine.reservations()}):
        if time.monotonic() > end:
            names = ", ".join(sorted(s.name for s in services if s.id in left))
            raise Conflict(
                f"The services {names} are removed, but their containers have not ended within "
                f"{ENDED_WITHIN:g} s, so no home was adopted; run the command again once they have."
            )
        time.sleep(_POLL)


def _write(store: Store, found: Migration) -> None:
    now = clock()
    homes: list[PutBack[Home]] = [
        PutBack(record(finding, str(uuid4()), now)) for finding in found.adopts
    ]
    store.put_back((), homes)
