"""Requests about nodes: a page that shows what would become of whom, and the answer to it."""

from __future__ import annotations

from datetime import UTC, datetime

from swarmhub_crds.node import NodeVerb
from tornado import web
from tornado.log import app_log

from swarmhub_spawner.page.base import FORBIDDEN, NOT_FOUND, Base
from swarmhub_spawner.page.nodeorders import (
    NODE_ORDERS,
    Told,
    drain,
    minutes_of,
    plan,
    uncordon,
)
from swarmhub_spawner.page.rights import Rights


class NodeAct(Base):
    """Draining a node, and taking it back."""

    async def get(self, node_id: str, verb: str) -> None:
        """Ask.

        Raises:
            web.HTTPError: there is no such node for this person, or they may not.
        """
        _require(self.rights)
        row = next((r for r in self.feed.snapshot.nodes if r.node.id == node_id), None)
        if row is None:
            raise web.HTTPError(NOT_FOUND)
        place, title = f"nodes/{node_id}/{verb}", f"{NODE_ORDERS[verb].verb} {row.node.hostname}"
        values = {"order": NODE_ORDERS[verb], "place": place, "back": "nodes", "kind": "nodes",
                  "record": row.node.hostname}  # fmt: skip
        if verb != NodeVerb.DRAIN:
            self.show("confirm.html", title, **values)
            return
        minutes = minutes_of(self.get_argument("idle", ""))
        found = await self.attempt(lambda store: plan(store, node_id, datetime.now(UTC), minutes))
        self.show("drain.html", title, **values, plan=found)

    async def post(self, node_id: str, verb: str) -> None:
        """Do it, if the hub says now that this person may; tornado has checked for forgery.

        Raises:
            web.HTTPError: it is not done.
        """
        name, rights = await self.ask_anew()
        _require(rights)
        stopped: tuple[str, ...] = ()
        if verb == NodeVerb.DRAIN:
            stops, stays = (frozenset(self.get_body_arguments(k)) for k in ("stops", "stays"))
            minutes = minutes_of(self.get_body_argument("idle", ""))
            told = Told(stops, stays, minutes, force=bool(self.get_body_argument("force", "")))
            now = datetime.now(UTC)
            stopped = await self.attempt(lambda store: drain(store, node_id, told, name, now))
        else:
            await self.attempt(lambda store: uncordon(store, node_id, name))
        app_log.info("%s asked: %s %s; stopped: %s", name, verb, node_id, ", ".join(stopped) or "-")
        self.redirect(self.renderer.url("nodes", {"done": verb}), status=303)


def _require(rights: Rights) -> None:
    """Let only those in who see the nodes and may steer them.

    Raises:
        web.HTTPError: they do not, or may not.
    """
    if not rights.fleet:
        raise web.HTTPError(NOT_FOUND)
    if not rights.steers:
        raise web.HTTPError(FORBIDDEN)
