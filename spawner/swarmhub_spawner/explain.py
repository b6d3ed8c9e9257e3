"""Tells a user's browser what has become of a server that does not answer.

PAGES also holds a home page that tells what a restart of a running server would change.
In the hub's configuration:

    c.JupyterHub.extra_handlers = explain.HANDLERS
    c.JupyterHub.template_paths = [explain.PAGES]
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from jupyterhub.handlers import BaseHandler
from jupyterhub.user import User
from tornado import web

from swarmhub_spawner.spawner import SwarmHubSpawner

PAGES: Final = str(Path(__file__).parent / "pages")

_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404


class ServerState(BaseHandler):  # type: ignore[misc]  # JupyterHub has no types
    """Answers to the page 503.html, with what the record says; each user sees only their own."""

    async def get(self) -> None:
        """Write `ready` and `message` of the server that the argument `path` leads to.

        Raises:
            web.HTTPError: nobody is logged in, or the path leads to no server of theirs.
        """
        user = self.current_user
        if not isinstance(user, User):
            raise web.HTTPError(_FORBIDDEN)
        spawner = leads_to(self.get_argument("path", ""), user.spawners.values())
        if spawner is None:
            raise web.HTTPError(_NOT_FOUND)
        told = await spawner.explain()
        self.set_header("Cache-Control", "no-store")
        self.write({"ready": told.ready, "message": told.message})


def leads_to(path: str, spawners: Iterable[Any]) -> SwarmHubSpawner | None:
    """Return the spawner whose server serves a path; a named server's lie in the default one's."""
    found = [
        spawner
        for spawner in spawners
        if isinstance(spawner, SwarmHubSpawner)
        and spawner.server is not None
        and path.startswith(spawner.server.base_url)
    ]
    return max(found, key=lambda spawner: len(spawner.server.base_url), default=None)


HANDLERS: Final = [(r"/swarmhub/server", ServerState)]
