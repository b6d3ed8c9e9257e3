"""All of the hub's configuration that settings decide."""

from __future__ import annotations

from traitlets.config import Config

from swarmhub_hub.culling import culler, hasty
from swarmhub_hub.database import database
from swarmhub_hub.limits import limits
from swarmhub_hub.logins import login
from swarmhub_hub.page import is_wanted
from swarmhub_hub.people import nobody_but_admins, people
from swarmhub_hub.reading import Settings, refuse_unknown


def configure(settings: Settings, certificates: str = "") -> Config:
    """Return what the settings make of the hub.

    Args:
        settings: of the hub.
        certificates: the folder of internal_ssl, if that is on.

    Raises:
        SettingError: one of them cannot be carried out.
    """
    refuse_unknown(settings)
    is_wanted(settings)  # the page, whose services the hub's configuration adds, is a yes or no
    config = Config()
    for room in (login, people, limits, database):
        config.merge(room(settings))
    config.merge(culler(settings, certificates))
    public = settings.text("SWARMHUB_PUBLIC_URL")
    if public:
        config.JupyterHub.public_url = f"{settings.url('SWARMHUB_PUBLIC_URL').rstrip('/')}/"
    return config


def warnings(settings: Settings) -> list[str]:
    """Return a sentence for each setting that works, but perhaps not as it was meant."""
    said = []
    if nobody_but_admins(settings):
        said.append(
            f"with SWARMHUB_AUTH={settings.login} nobody but administrators may log in, as no list "
            "of those who may is set (docs/hub.md)"
        )
    if sentence := hasty(settings):
        said.append(sentence)
    return said
