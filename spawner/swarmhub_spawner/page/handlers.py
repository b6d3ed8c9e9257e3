"""Requests to the page: who asks is settled by the hub, each time anew before anything changes."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any, ClassVar, Final

from jupyterhub.services.auth import HubOAuthCallbackHandler, HubOAuthenticated
from swarmhub_crds.errors import Conflict, NotFound, StoreError
from tornado import web
from tornado.ioloop import IOLoop
from tornado.iostream import StreamClosedError
from tornado.log import app_log

from swarmhub_spawner.page.feed import Feed
from swarmhub_spawner.page.orders import ORDERS, Forbidden, carry_out
from swarmhub_spawner.page.rendering import FLEET_ONLY, FOLDER, TITLES, Renderer
from swarmhub_spawner.page.rights import Rights
from swarmhub_spawner.page.views import Query

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_STREAMS_OF_ONE: Final = 30  # open pages of one person
_STREAM_FOR: Final = 300.0  # seconds; then the browser comes again, and its rights are asked anew
_FIRST: Final = 10.0  # seconds that the first look into the store may take
_KEEP_ALIVE: Final = 15.0  # seconds
_SAID: Final = {
    403: "You may not do that.",
    404: "There is no such page, or it is not for you.",
    503: "The state database cannot be used at the moment; try again.",
}
_FORBIDDEN, _NOT_FOUND, _CONFLICT, _TOO_MANY, _UNAVAILABLE = 403, 404, 409, 429, 503


class Base(HubOAuthenticated, web.RequestHandler):  # type: ignore[misc]  # JupyterHub has no types
    """A request of somebody whom the hub knows and lets in."""

    navigates = True  # who is not logged in is sent to the login
    _let_in = False  # by the hub, as it has said by now

    def initialize(self, feed: Feed, renderer: Renderer) -> None:
        """Take what all requests share."""
        self.feed = feed
        self.renderer = renderer

    def set_default_headers(self) -> None:
        """Let the browser load nothing from elsewhere, and keep nothing."""
        for name, value in _HEADERS.items():
            self.set_header(name, value)

    async def prepare(self) -> None:
        """Ask the hub who this is.

        Raises:
            web.HTTPError: nobody, or nobody who is let in.
        """
        await self.hub_auth.get_user(self, sync=False)  # without blocking; kept for current_user
        if self.current_user:
            self._let_in = True
            await self.feed.after(0, _FIRST)
            return
        if not self.navigates or self.request.method != "GET":
            raise web.HTTPError(_FORBIDDEN)
        self.redirect(self.get_login_url())

    @property
    def rights(self) -> Rights:
        """What this person may."""
        return Rights.of(self.current_user)

    @property
    def query(self) -> Query:
        """What the URL asks for."""
        text, phase, page = (self.get_argument(name, "") for name in ("q", "phase", "page"))
        return Query.of(text, phase, page)

    def show(self, template: str, title: str, **values: Any) -> None:
        """Answer with a whole page."""
        rights = self.rights
        tabs = [kind for kind in TITLES if rights.fleet or kind not in FLEET_ONLY]
        self.write(
            self.renderer.page(
                template,
                **{"kind": "", "live": "", "query": Query(), **values},
                title=title,
                tabs=tabs,
                rights=rights,
                name=self.current_user["name"],
                xsrf=self.xsrf_token.decode("ascii", "replace"),
            )
        )

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say what is wrong, as a page for who is logged in."""
        error = kwargs.get("exc_info", (None, None))[1]
        own = error.reason if isinstance(error, web.HTTPError) else None
        said = own or _SAID.get(status_code, "Something went wrong; the hub's log says what.")
        if self._let_in and self.navigates:
            self.show("error.html", "Not possible", said=said)
        else:
            self.set_header("Content-Type", "text/plain; charset=utf-8")
            self.write(said)


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
            raise web.HTTPError(_NOT_FOUND) from None
        kind, _, name = what.partition("/")
        done = ORDERS.get(self.get_argument("done", ""))
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
                        raise web.HTTPError(_NOT_FOUND) from None
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
        self.show("confirm.html", f"{ORDERS[verb].verb} {record}", order=ORDERS[verb], one=name,
                  verb=verb, record=record)  # fmt: skip

    async def _record(self, name: str) -> str:
        row = next((r for r in self.feed.snapshot.servers if r.name == name), None)
        if row is None or not self.rights.sees(row.user, row.server, row.groups):
            raise web.HTTPError(_NOT_FOUND)
        if not self.rights.stops(row.user, row.server, row.groups):
            raise web.HTTPError(_FORBIDDEN)
        return row.title

    async def post(self, name: str, verb: str) -> None:
        """Do it, if the hub says now that this person may; tornado has checked for forgery.

        Raises:
            web.HTTPError: it is not done.
        """
        model = await self.hub_auth.user_for_token(
            self.hub_auth.get_token(self), use_cache=False, sync=False
        )
        if not model or not self.hub_auth.check_scopes(self.hub_scopes, model):
            raise web.HTTPError(_FORBIDDEN)
        rights = Rights.of(model)
        try:
            await self.feed.call(lambda store: carry_out(store, name, verb, rights))
        except Forbidden:
            raise web.HTTPError(_FORBIDDEN) from None
        except NotFound:
            raise web.HTTPError(_NOT_FOUND) from None
        except Conflict as error:
            raise web.HTTPError(_CONFLICT, reason=_one_line(f"{error}")) from None
        except StoreError as error:
            raise web.HTTPError(_UNAVAILABLE, reason=_one_line(f"{error}")) from None
        app_log.info("%s asked: %s %s", model["name"], verb, name)
        self.redirect(self.renderer.url(f"servers/{name}", {"done": verb}), status=303)


def _one_line(text: str) -> str:
    """Return text that can stand in a status line."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain.encode("latin-1", "replace").decode("latin-1")


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
        (r".*", web.ErrorHandler, {"status_code": _NOT_FOUND}),
    ]
