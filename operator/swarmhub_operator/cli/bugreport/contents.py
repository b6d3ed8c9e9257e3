"""Which parts a report has, and where each comes from."""

from __future__ import annotations

import http.client
import os
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from swarmhub_crds.sqlstore.tables import SCHEMA_VERSION
from swarmhub_crds.store import Store

from swarmhub_operator import settings
from swarmhub_operator.cli import events, nodes
from swarmhub_operator.cli.bugreport import anonymity, ours
from swarmhub_operator.cli.bugreport.gathering import Gathered, Missing, Source
from swarmhub_operator.cli.bugreport.redaction import named_secrets, of_environment
from swarmhub_operator.cli.health import examine
from swarmhub_operator.cli.plan import planned
from swarmhub_operator.cli.records import Kind, list_records, wire_list
from swarmhub_operator.engine.errors import EngineError
from swarmhub_operator.engine.inspecting import Listed
from swarmhub_operator.engine.port import Reporting
from swarmhub_operator.loop.health import METRICS

LINES: Final = 500  # of each task's log
_TASKS: Final = 2  # of each service: the newest, and the one before
_LOGS: Final = ("operator", "hub", "proxy")
_ASK_METRICS: Final = 5.0  # seconds
_PACKAGES: Final = (
    "swarmhub-crds",
    "swarmhub-operator",
    "docker",
    "sqlalchemy",
    "pydantic",
    "typer",
    "prometheus-client",
    "requests",
    "urllib3",
)


@dataclass
class Contents:
    """All parts, and what has to be known to redact them.

    Attributes:
        gathered: the parts.
        secrets: texts that may stand in no part.
        users: names of users that were found.
        notes: sentences for who reads the report.
    """

    gathered: Gathered = field(default_factory=Gathered)
    secrets: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def gather(source: Source, now: datetime) -> Contents:
    """Ask for all parts; nothing is raised, what is not to be had is told in its place."""
    found = Contents()
    take = found.gathered.take
    take("versions.json", "versions of swarmhub, Python and its libraries", _versions)
    take("engine/about.json", "the engine: version and essentials", source.greet)
    _from_store(source, found, now)
    take("plan.json", "`swarmhub plan -o json`", lambda: _plan(source))
    take("settings.json", "settings and policy of this process", _settings)
    take("metrics.txt", "the operator's metrics", _metrics)
    _from_engine(source, found)
    _learn(source, found)
    return found


def _from_store(source: Source, found: Contents, now: datetime) -> None:
    def status(store: Store) -> Any:
        return examine(store, now).model_dump(mode="json", by_alias=True)

    def known_nodes(store: Store) -> Any:
        return nodes.listed(store.list_nodes(), *nodes.counted(store))

    take = found.gathered.take
    take("status.json", "`swarmhub status -o json`", source.of_store(status))
    for kind in Kind:
        what = f"`swarmhub get {kind.plural} -o json`"
        take(f"{kind.plural}.json", what, source.of_store(partial(_records, kind)))
    take("nodes.json", "`swarmhub nodes -o json`", source.of_store(known_nodes))
    told = source.of_store(lambda store: events.listed(store.list_events()))
    take("events.json", "`swarmhub events -o json`", told)


def _records(kind: Kind, store: Store) -> Any:
    return wire_list(list_records(store, kind))


def _plan(source: Source) -> Any:
    def tell(store: Store) -> Any:
        plan = source.of_engine(lambda engine: planned(store, engine))()
        return plan.model_dump(mode="json", by_alias=True)

    return source.of_store(tell)()


def _from_engine(source: Source, found: Contents) -> None:
    gathered, raw = found.gathered, dict[Listed, tuple[ours.Raw, ...]]()

    def lister(what: Listed, own: Any) -> Any:
        def ask(engine: Reporting) -> Any:
            raw[what] = engine.raw(what)
            return own(raw[what])

        return source.of_engine(ask)

    def services() -> list[ours.Raw]:
        return ours.services(raw.get(Listed.SERVICES, ()))

    picks: Mapping[Listed, Any] = {
        Listed.SERVICES: ours.services,
        Listed.TASKS: lambda listed: ours.tasks(listed, services()),
        Listed.NODES: list,
        Listed.NETWORKS: lambda listed: ours.networks(listed, services()),
    }
    for what, own in picks.items():
        whose = "all nodes" if what is Listed.NODES else f"{what} of swarmhub"
        about = f"the engine's list: {whose}"
        gathered.take(f"engine/{what}.json", about, lister(what, own), by_engine=True)
    for name in _LOGS:
        told = source.of_engine(partial(_log, name, raw))
        gathered.take(f"logs/{name}.log", f"last lines of the {name}'s newest tasks", told)


def _log(name: str, raw: Mapping[Listed, tuple[ours.Raw, ...]], engine: Reporting) -> str:
    """Return the last lines of a service of the stack.

    Raises:
        Missing: it has no container, or none of them gives its log.
    """
    service = f"{ours.STACK}_{name}"
    services, tasks = raw.get(Listed.SERVICES), raw.get(Listed.TASKS)
    if services is None or tasks is None:
        raise Missing("The engine did not list services and tasks, so its tasks are not known.")
    found = ours.newest_tasks(service, tasks, services, _TASKS)
    if not found:
        raise Missing(f"The service {service} is not there, or has had no container.")
    texts, failures = [], []
    for one in reversed(found):
        head = f"== task {one['ID']}, {(one.get('Status') or {}).get('State')}"
        try:
            lines = engine.task_log(one["ID"], LINES)
        except EngineError as error:
            failures.append(str(error))
            texts.append(f"{head}: no log: {error}")
        else:
            texts.append("\n".join((head, *lines)))
    if len(failures) == len(found):
        raise Missing(failures[-1])
    return "\n".join(texts) + "\n"


def _versions() -> Any:
    return {
        "swarmhub": version("swarmhub-operator"),
        "stateSchema": SCHEMA_VERSION,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.platform(),
        "packages": {name: _package(name) for name in _PACKAGES},
        "inContainer": os.path.exists("/.dockerenv"),  # noqa: PTH110 - no path of ours
        "executable": sys.executable,
    }


def _package(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _settings() -> Any:
    return settings.read().model_dump(mode="json")


def _metrics() -> str:
    """Ask the operator in this container, or on this machine.

    Raises:
        Missing: it does not answer.
    """
    given = settings.read()
    host = "127.0.0.1" if given.health_host in ("0.0.0.0", "::") else given.health_host  # noqa: S104
    connection = http.client.HTTPConnection(host, given.health_port, timeout=_ASK_METRICS)
    try:
        connection.request("GET", METRICS)
        answer = connection.getresponse()
        body = answer.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise Missing(
            f"No operator answers at {host}:{given.health_port} ({error}); it tells its metrics "
            "inside of its own container."
        ) from error
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise Missing(f"{host}:{given.health_port} answered {answer.status} to {METRICS}.")
    return body


def _learn(source: Source, found: Contents) -> None:
    """Find out which texts are secret, and who the users are."""
    found.secrets.update(of_environment(dict(os.environ)))
    for part in found.gathered.parts:
        if not part.missing:
            found.secrets.update(named_secrets(part.content))
            found.users.update(_users(part.file, part.content))
    try:
        texts = source.of_store(lambda store: store.secret_texts())()
    except Exception as error:  # noqa: BLE001 - a fault here must be told, and cost no part
        found.notes.append(
            "The secret environments in the store could not be read, so what they hold was looked "
            f"for by its look alone: look at log lines with care. ({error})"
        )
    else:
        found.secrets.update(texts)


def _users(file: str, content: Any) -> Iterable[str]:
    if file in ("notebooks.json", "homes.json"):
        return anonymity.users_in_records(content["items"])
    if file == "events.json":
        return anonymity.users_in_events(content["items"])
    if file.startswith("engine/"):
        return anonymity.users_in_engine(content)
    return anonymity.users_in_log(content) if file.startswith("logs/") else ()
