"""Requests to the page: who asks is settled by the hub, each time anew before anything changes."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any, ClassVar, Final

from jupyterhub.services.auth import HubOAuthCallbackHandler
from tornado import web
from tornado.ioloop import IOLoop
from tornado.iostream import StreamClosedError
from tornado.log import app_log

from swarmhub_spawner.page.base import FORBIDDEN, NOT_FOUND, Base
from swarmhub_spawner.page.feed import Feed
from swarmhub_spawner.page.nodehandlers import NodeAct
from swarmhub_spawner.page.nodeorders import NODE_ORDERS
from swarmhub_spawner.page.orders import ORDERS, carry_out
from swarmhub_spawner.page.rendering import FOLDER, TITLES, Renderer
from swarmhub_spawner.page.rights import Rights
from swarmhub_spawner.page.views import Query

_STREAMS_OF_ONE: Final = 30  # open pages of one person
_STREAM_FOR: Final = 300.0  # seconds; then the browser comes again, and its rights are asked anew
_KEEP_ALIVE: Final = 15.0  # seconds
_TOO_MANY: Final = 429


class Static(web.StaticFileHandler):
    """Files of the page, asked for anew after each update of it."""

    def set_extra_headers(self, _path: str) -> None:
        """Have the browser ask whether it has the current one."""
        self.set_header("Cache-Control", "no-cache")
        self.set_header("X-Content-Type-Options", "nosniff")


class Page(Base):
    """A list, or one server: the whole page."""

    async def get(self, what: str) -> None:
        """Answer with the page as it is now; a script keeps it so.

        Raises:
            web.HTTPError: there is no such page for this person.
        """
        what = what or "servers"
        snapshot = self.feed.snapshot
        try:
            part = self.renderer.part(what, snapshot, self.rights, self.query)
        except KeyError:
            raise web.HTTPError(NOT_FOUND) from None
        kind, _, name = what.partition("/")
        done = {**ORDERS, **NODE_ORDERS}.get(self.get_argument("done", ""))
        self.show(
            "page.html",
            name or TITLES[kind],
            part=part,
            kind=kind,
            one=name,
            live=f"live/{what}",
            query=self.query,
            done=done.done if done else "",
        )


class Live(Base):
    """The same as a stream of server-sent events: the part that changes, whenever it has."""

    navigates = False
    _open: ClassVar[Counter[str]] = Counter()  # streams by user

    async def get(self, what: str) -> None:
        """Send the part at once and after each change, for some minutes.

        Raises:
            web.HTTPError: there is no such page for this person, or too many are open.
        """
        rights, query = self.rights, self.query
        if self._open[rights.user] >= _STREAMS_OF_ONE:
            raise web.HTTPError(_TOO_MANY, reason="Too many pages are open.")
        self._open[rights.user] += 1
        try:
            await self._send(what, rights, query)
        except (StreamClosedError, asyncio.CancelledError):
            pass  # the browser has gone away, or this process ends
        finally:
            self._open[rights.user] -= 1
            if not self._open[rights.user]:
                del self._open[rights.user]

    async def _send(self, what: str, rights: Rights, query: Query) -> None:
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        self.set_header("X-Accel-Buffering", "no")
        self.write("retry: 2000\n\n")
        now = IOLoop.current().time
        end, version, sent = now() + _STREAM_FOR, -1, ""
        while now() < end:
            snapshot = await self.feed.after(version, _KEEP_ALIVE)
            news = ": still here\n\n"
            if snapshot.version != version:
                version = snapshot.version
                try:
                    part = self.renderer.part(what, snapshot, rights, query)
                except KeyError:
                    if not sent:
                        raise web.HTTPError(NOT_FOUND) from None
                    part = self.renderer.page("gone.html")
                if part != sent:
                    news, sent = f"data: {json.dumps(part)}\n\n", part
            self.write(news)
            await self.flush()


class Act(Base):
    """Stopping and restarting: a page that asks, and the answer to it."""

    async def get(self, name: str, verb: str) -> None:
        """Ask.

        Raises:
            web.HTTPError: there is no such server for this person, or they may not.
        """
        record = await self._record(name)
        place = f"servers/{name}"
        self.show("confirm.html", f"{ORDERS[verb].verb} {record}", order=ORDERS[verb],
                  place=f"{place}/{verb}", back=place, record=record)  # fmt: skip

    async def _record(self, name: str) -> str:
        row = next((r for r in self.feed.snapshot.servers if r.name == name), None)
        if row is None or not self.rights.sees(row.user, row.server, row.groups):
            raise web.HTTPError(NOT_FOUND)
        if not self.rights.stops(row.user, row.server, row.groups):
            raise web.HTTPError(FORBIDDEN)
        return row.title

    async def post(self, name: str, verb: str) -> None:
        """Do it, if the hub says now that this person may; tornado has checked for forgery.

        Raises:
            web.HTTPError: it is not done.
        """
        who, rights = await self.ask_anew()
        await self.attempt(lambda store: carry_out(store, name, verb, rights))
        app_log.info("%s asked: %s %s", who, verb, name)
        self.redirect(self.renderer.url(f"servers/{name}", {"done": verb}), status=303)


def routes(prefix: str, feed: Feed, renderer: Renderer) -> list[Any]:
    """Return which handler serves what below the prefix."""
    shared = {"feed": feed, "renderer": renderer}
    what = r"(servers|homes|nodes|events|plots|servers/[a-z0-9-]+)"
    return [
        (f"{prefix}oauth_callback", HubOAuthCallbackHandler),
        (f"{prefix}static/(.*)", Static, {"path": str(FOLDER / "static")}),
        (f"{prefix}()", Page, shared),
        (f"{prefix}{what}", Page, shared),
        (f"{prefix}live/{what}", Live, shared),
        (f"{prefix}servers/([a-z0-9-]+)/({'|'.join(ORDERS)})", Act, shared),
        (f"{prefix}nodes/([A-Za-z0-9-]+)/({'|'.join(NODE_ORDERS)})", NodeAct, shared),
        (r".*", web.ErrorHandler, {"status_code": NOT_FOUND}),
    ]
