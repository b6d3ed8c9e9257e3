"""Where the hub keeps its users: a file beside it, or a database server."""

from __future__ import annotations

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from traitlets.config import Config

from swarmhub_hub.reading import SettingError, Settings

_FILE = "sqlite:////srv/swarmhub/hub/jupyterhub.sqlite"
_NAME = "SWARMHUB_DB_URL_FILE"


def database(settings: Settings) -> Config:
    """Return the hub's database.

    Raises:
        SettingError: the URL is none, or the image has no driver for it. It is never repeated,
            since it may hold a password.
    """
    config = Config()
    config.JupyterHub.upgrade_db = True
    config.JupyterHub.db_url = settings.secret(_NAME) or _FILE
    try:
        url = make_url(config.JupyterHub.db_url)
        url.get_dialect().import_dbapi()
    except (NoSuchModuleError, ImportError):
        raise SettingError(
            f"{_NAME} asks for the driver {url.drivername}, which the hub's image does not have: "
            "use postgresql://, or build a base that has it (SWARMHUB_HUB_BASE)."
        ) from None
    except ArgumentError:
        raise SettingError(
            f"{_NAME} holds no URL of a database: write it as postgresql://user:password@host/name."
        ) from None
    return config
