"""The page at /services/swarmhub/, unless a site wants none."""

from __future__ import annotations

import hashlib
from typing import Final

from swarmhub_spawner.page.service import roles, services
from traitlets.config import Config

from swarmhub_hub.reading import Settings

PLACE: Final = "hub:8082"  # in the network of the stack, as the hub's own port
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104


def page(settings: Settings, certificates: str, state_url: str, secret: str) -> Config:
    """Return the page's services and role, or nothing if there is to be none.

    Args:
        settings: of the hub.
        certificates: the folder of internal_ssl, if that is on.
        state_url: of the state database.
        secret: of the hub; the page's own is made of it, and so outlives a restart.
    """
    config = Config()
    if not is_wanted(settings):
        return config
    token = hashlib.sha256(f"swarmhub-page {secret}".encode()).hexdigest()
    url = f"{'https' if certificates else 'http'}://{PLACE}"
    config.JupyterHub.services = services(
        state_url, url=url, bind=EVERYWHERE, token=token, certificates=certificates
    )
    config.JupyterHub.load_roles = roles()
    return config


def is_wanted(settings: Settings) -> bool:
    """Return whether a site wants the page.

    Raises:
        SettingError: what it says is neither yes nor no.
    """
    return settings.flag("SWARMHUB_PAGE")
