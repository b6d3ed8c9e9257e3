"""Where the hub keeps its users: a file beside it, or a database server."""

from __future__ import annotations

import sqlite3
from contextlib import suppress

from sqlalchemy import Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from traitlets.config import Config

from swarmhub_hub.reading import SettingError, Settings

_SCHEME = "sqlite:///"
_FILE = f"{_SCHEME}/srv/swarmhub/hub/jupyterhub.sqlite"
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


@event.listens_for(Engine, "connect")
def write_ahead(connection: object, _: object) -> None:
    """Have the hub's own file keep a write-ahead log: a commit is then one fsync instead of three.

    JupyterHub commits seven times for a start, on its event loop, and answers nobody meanwhile.
    """
    if isinstance(connection, sqlite3.Connection):
        (_, _, path), *_ = connection.execute("PRAGMA database_list")
        if path == _FILE.removeprefix(_SCHEME):
            with suppress(sqlite3.OperationalError):  # a disk that cannot share memory goes without
                connection.execute("PRAGMA journal_mode=WAL")
