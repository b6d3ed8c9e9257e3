"""What a hub's configuration says of the page.

In a hub of one's own:

    from swarmhub_spawner.page.service import roles, services

    c.JupyterHub.services = services("sqlite:////srv/swarmhub/state/state.db")
    c.JupyterHub.load_roles = roles()

These are two services for the hub: a process that it starts and ends, and the place where people
find it. Of one and the same it would wait at its own start, and end itself if that did not answer.
"""

from __future__ import annotations

import secrets
import sys
from typing import Any, Final

from jupyterhub import version_info

from swarmhub_spawner.page.rights import WANTED

NAME: Final = "swarmhub"
PROCESS: Final = "swarmhub-page"
STATE_URL: Final = "SWARMHUB_STATE_URL"
URL: Final = "SWARMHUB_PAGE_URL"
BIND: Final = "SWARMHUB_PAGE_BIND"
CERTIFICATES: Final = "SWARMHUB_PAGE_CERTIFICATES"
TOKEN: Final = "SWARMHUB_PAGE_TOKEN"  # noqa: S105 - a name
ACCESS: Final = f"access:services!service={NAME}"
_KNOWS_TIMEOUT: Final = 6  # JupyterHub from which on a service can say how long it is waited for


def services(
    state_url: str,
    *,
    url: str = "http://127.0.0.1:8082",
    bind: str = "",
    token: str = "",
    certificates: str = "",
) -> list[dict[str, Any]]:
    """Return the page for `c.JupyterHub.services`.

    Args:
        state_url: of the state database.
        url: by which the proxy reaches the page.
        bind: the address that it listens at, if that is not the host of the URL.
        token: of the service, which signs cookies, too. Without one it is another at each start
            of the hub, and who has the page open then loads it anew.
        certificates: the folder of `internal_ssl`, if that is on; the URL begins with https then,
            and its host is among `trusted_alt_names`.
    """
    token = token or secrets.token_hex(32)
    environment = {
        STATE_URL: state_url,
        URL: url,
        BIND: bind,
        TOKEN: token,
        CERTIFICATES: certificates,
    }
    process = {
        "name": PROCESS,
        "command": [sys.executable, "-m", "swarmhub_spawner.page"],
        "environment": environment,
    }
    place = {
        "name": NAME,
        "url": url,
        "api_token": token,
        "oauth_no_confirm": True,
        "oauth_client_allowed_scopes": list(WANTED),
    }
    if version_info[0] >= _KNOWS_TIMEOUT:
        place["timeout"] = 1  # seconds; as of others before
    return [process, place]


def roles() -> list[dict[str, Any]]:
    """Return the role that lets every user of the hub see the page: their own part of it."""
    return [{"name": "user", "scopes": ["self", ACCESS]}]
