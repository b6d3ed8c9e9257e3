"""From views to HTML: the one place that knows the templates, all of which escape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from swarmhub_crds import readable
from swarmhub_crds.draining import LOSS

from swarmhub_spawner.page import memoryplots, nodeorders, plots, rows, words
from swarmhub_spawner.page.rights import Rights
from swarmhub_spawner.page.views import Query, Snapshot, View, event_age, may

FOLDER: Final = Path(__file__).parent
FLEET_ONLY: Final = frozenset({"nodes", "plots"})
TITLES: Final[Mapping[str, str]] = {
    "servers": "Servers",
    "homes": "Homes",
    "nodes": "Nodes",
    "events": "Events",
    "plots": "Plots",
}
_KEPT: Final = 64  # parts of one snapshot that several may be looking at


class Renderer:
    """Writes pages and the parts of them that change; `prefix` is where the service lies."""

    def __init__(self, prefix: str, hub: str) -> None:
        self._prefix = prefix
        self._parts: dict[tuple[Any, ...], str] = {}
        self._version = -1
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
        )
        self._environment.globals.update(
            prefix=prefix, hub=hub, tone=rows.tone, failing=rows.failing, stamp=words.stamp,
            size=words.size, url=self.url, titles=TITLES, span=readable.span, loss=LOSS,
        )  # fmt: skip

    def url(self, path: str, arguments: Mapping[str, str] | None = None) -> str:
        """Return the address of a place on this page."""
        asked = urlencode(arguments or {})
        return f"{self._prefix}{path}{'?' if asked else ''}{asked}"

    def part(self, what: str, snapshot: Snapshot, rights: Rights, query: Query) -> str:
        """Return what changes of a page: a list, or of `servers/NAME` one server.

        Raises:
            KeyError: there is no such page, or not for this person.
        """
        if snapshot.version != self._version or len(self._parts) > _KEPT:
            self._version, self._parts = snapshot.version, {}
        key = (what, rights, query)
        if key not in self._parts:
            self._parts[key] = self._part(what, View(snapshot, rights), query)
        return self._parts[key]

    def _part(self, what: str, view: View, query: Query) -> str:
        kind, _, name = what.partition("/")
        if kind not in TITLES or (kind in FLEET_ONLY and not view.rights.fleet):
            raise KeyError(what)
        now = view.snapshot.at
        values: dict[str, Any] = {
            "view": view,
            "query": query,
            "kind": kind,
            "now": now,
            "age": lambda moment: readable.age(moment, now),
            "event_age": lambda event: event_age(event, now),
            "may": lambda row: may(row, view.rights),
            "may_node": lambda row: nodeorders.may(row, view.rights),
        }
        if name:
            row = view.server(name)
            if row is None or kind != "servers":
                raise KeyError(what)
            values |= {"row": row, "events": view.events_of(name, row.homes)}
            return self._environment.get_template("server.html").render(values)
        listings: dict[str, Callable[[], Any]] = {
            "servers": lambda: view.list_servers(query),
            "homes": lambda: view.list_homes(query),
            "events": lambda: view.events(query),
        }
        if kind in listings:
            values["listing"] = listings[kind]()
        if kind == "plots":
            buckets, memory = view.snapshot.buckets, view.snapshot.memory
            drawn = (
                *(plots.starts(buckets), plots.waits(buckets)),
                *(memoryplots.held(memory), memoryplots.used(memory)),
            )
            values |= {"plots": drawn, "buckets": buckets}
        return self._environment.get_template(f"{kind}.html").render(values)

    def page(self, template: str, **values: Any) -> str:
        """Return a whole page."""
        return self._environment.get_template(template).render(values)
