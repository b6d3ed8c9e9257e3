"""What all requests to the page share: who asks, and pages that say what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from jupyterhub.services.auth import HubOAuthenticated
from swarmhub_crds.errors import Conflict, NotFound, StoreError
from swarmhub_crds.store import Store
from tornado import web

from swarmhub_spawner.page.feed import Feed
from swarmhub_spawner.page.orders import Forbidden
from swarmhub_spawner.page.rendering import FLEET_ONLY, TITLES, Renderer
from swarmhub_spawner.page.rights import Rights
from swarmhub_spawner.page.views import Query

FORBIDDEN: Final = 403
NOT_FOUND: Final = 404
_CONFLICT, _UNAVAILABLE = 409, 503

T = TypeVar("T")

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
_FIRST: Final = 10.0  # seconds that the first look into the store may take
_SAID: Final = {
    403: "You may not do that.",
    404: "There is no such page, or it is not for you.",
    503: "The state database cannot be used at the moment; try again.",
}


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
            raise web.HTTPError(FORBIDDEN)
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

    async def ask_anew(self) -> tuple[str, Rights]:
        """Return who this is and what they may, as the hub says now.

        Raises:
            web.HTTPError: it does not let them in any more.
        """
        token = self.hub_auth.get_token(self)
        model = await self.hub_auth.user_for_token(token, use_cache=False, sync=False)
        if not model or not self.hub_auth.check_scopes(self.hub_scopes, model):
            raise web.HTTPError(FORBIDDEN)
        return str(model["name"]), Rights.of(model)

    async def attempt(self, act: Callable[[Store], T]) -> T:
        """Do something with the store, and return what comes of it.

        Raises:
            web.HTTPError: it is not done.
        """
        try:
            return await self.feed.call(act)
        except Forbidden:
            raise web.HTTPError(FORBIDDEN) from None
        except NotFound:
            raise web.HTTPError(NOT_FOUND) from None
        except Conflict as error:
            raise web.HTTPError(_CONFLICT, reason=_one_line(f"{error}")) from None
        except StoreError as error:
            raise web.HTTPError(_UNAVAILABLE, reason=_one_line(f"{error}")) from None

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


def _one_line(text: str) -> str:
    """Return text that can stand in a status line."""
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain.encode("latin-1", "replace").decode("latin-1")
