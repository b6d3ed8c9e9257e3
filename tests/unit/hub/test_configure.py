"""Limits, culling, the database: what settings make of the hub."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from jupyterhub import orm
from jupyterhub.app import JupyterHub
from jupyterhub.spawner import Spawner
from jupyterhub_idle_culler import IdleCuller
from swarmhub_hub import database
from swarmhub_hub.catalog import CATALOG
from swarmhub_hub.configure import configure, warnings
from swarmhub_hub.reading import SettingError, mounted
from unit.hub.site import settings

DOCS = Path(__file__).parents[3] / "docs" / "hub.md"


def test_defaults() -> None:
    """As zero-to-jupyterhub has them, except that nothing is culled unasked."""
    config = configure(settings())
    hub = JupyterHub(config=config)
    assert hub.allow_named_servers
    assert hub.named_server_limit_per_user == 0
    assert hub.concurrent_spawn_limit == 64
    assert hub.db_url == "sqlite:////srv/swarmhub/hub/jupyterhub.sqlite"
    assert "services" not in config.JupyterHub
    assert "Spawner" not in config


def test_the_hubs_own_file_is_written_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a commit is one fsync; another file is left as it is."""
    own, other = tmp_path / "own.sqlite", tmp_path / "other.sqlite"
    monkeypatch.setattr(database, "_FILE", f"sqlite:///{own}")
    for path in (own, other):
        orm.new_session_factory(f"sqlite:///{path}")().commit()
    for path, mode in ((own, "wal"), (other, "delete")):
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA journal_mode").fetchone() == (mode,)


def test_limits() -> None:
    """Of the hub, and of each server."""
    given = {
        "MEM_LIMIT": "2G",
        "MEM_GUARANTEE": "512m",
        "CPU_LIMIT": "1.5",
        "CPU_GUARANTEE": "0.25",
        "ACTIVE_SERVER_LIMIT": "40",
        "NAMED_SERVER_LIMIT_PER_USER": "3",
    }
    config = configure(settings(given))
    spawner = Spawner(config=config)
    assert (spawner.mem_limit, spawner.mem_guarantee) == (2 * 2**30, 512 * 2**20)
    assert (spawner.cpu_limit, spawner.cpu_guarantee) == (1.5, 0.25)
    hub = JupyterHub(config=config)
    assert (hub.active_server_limit, hub.named_server_limit_per_user) == (40, 3)


def test_culling() -> None:
    """A service with no more rights than it needs, and a command that the culler understands."""
    given = {"CULL_TIMEOUT": "3600", "CULL_MAX_AGE": "86400", "CULL_USERS": "yes"}
    config = configure(settings(given))
    (service,) = config.JupyterHub.services
    culler = IdleCuller()
    culler.parse_command_line(service["command"][3:])
    assert (culler.timeout, culler.cull_every, culler.max_age) == (3600, 600, 86400)
    assert culler.cull_users
    assert culler.cull_admin_users
    assert not culler.remove_named_servers
    (role,) = config.JupyterHub.load_roles
    assert role["services"] == [service["name"]]
    assert "admin:users" in role["scopes"]
    (role,) = configure(settings({"CULL_TIMEOUT": "3600"})).JupyterHub.load_roles
    assert "admin:users" not in role["scopes"]


def test_culling_under_internal_ssl() -> None:
    """The culler proves to the hub who it is."""
    (service,) = configure(settings({"CULL_TIMEOUT": "3600"}), "/certs").JupyterHub.services
    culler = IdleCuller()
    culler.parse_command_line(service["command"][3:])
    assert culler.ssl_enabled
    assert culler.internal_certs_location == "/certs"


def test_a_short_time_out_is_warned_of() -> None:
    """A server tells only every five minutes that it computes."""
    assert "SWARMHUB_CULL_TIMEOUT=60 is short" in warnings(settings({"CULL_TIMEOUT": "60"}))[0]
    assert warnings(settings({"CULL_TIMEOUT": "600"})) == []


def test_a_database_server() -> None:
    """The driver for PostgreSQL is in the image."""
    url = "postgresql://hub:hush@db.example.org/hub"
    assert configure(settings(db_url=url)).JupyterHub.db_url == url


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("hush", "SWARMHUB_DB_URL_FILE holds no URL"),
        ("nosuch://hub:hush@db/hub", "asks for the driver nosuch"),
        ("mysql+mysqlconnector://hub:hush@db/hub", "asks for the driver mysql+mysqlconnector"),
    ],
)
def test_a_database_that_cannot_be(url: str, named: str) -> None:
    """Said without the password."""
    with pytest.raises(SettingError) as refused:
        configure(settings(db_url=url))
    assert named in str(refused.value)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"MEM_LIMIT": "lots"}, "SWARMHUB_MEM_LIMIT=LOTS"),
        ({"CPU_LIMIT": "-1"}, "SWARMHUB_CPU_LIMIT=-1"),
        ({"MEM_LIMIT": "1G", "MEM_GUARANTEE": "2G"}, "SWARMHUB_MEM_GUARANTEE exceeds"),
        ({"ACTIVE_SERVER_LIMIT": "many"}, "SWARMHUB_ACTIVE_SERVER_LIMIT=many"),
        ({"NAMED_SERVERS": "no", "NAMED_SERVER_LIMIT_PER_USER": "2"}, "SWARMHUB_NAMED_SERVERS"),
        ({"CULL_USERS": "yes"}, "no effect without SWARMHUB_CULL_TIMEOUT"),
        ({"CULL_TIMEOUT": "60", "CULL_EVERY": "0"}, "SWARMHUB_CULL_EVERY=0"),
    ],
)
def test_numbers_that_will_not_do(given: dict[str, str], named: str) -> None:
    """One sentence, with the variable."""
    with pytest.raises(SettingError) as refused:
        configure(settings(given))
    assert named in str(refused.value)


def test_what_is_mounted(tmp_path: Path) -> None:
    """Settings from the one file, secrets under the names that the stack gives them."""
    file = tmp_path / "settings.env"
    file.write_text("SWARMHUB_ADMIN_USERS=ada, bob=x\nSWARMHUB_DB_URL_FILE=/home/ada/url\n")
    (tmp_path / "swarmhub-db-url").write_text("sqlite:///x\n")
    found = mounted(file, tmp_path)
    assert found.names("SWARMHUB_ADMIN_USERS") == ["ada", "bob=x"]
    assert found.secret("SWARMHUB_DB_URL_FILE") == "sqlite:///x"
    assert not found.given("SWARMHUB_TLS_KEY_FILE")
    assert mounted(tmp_path / "none", tmp_path).values == {}


@pytest.mark.parametrize("name", CATALOG)
def test_every_setting_is_documented_with_its_default(name: str) -> None:
    """In a table row of docs/hub.md."""
    default = f"`{CATALOG[name].default}`" if CATALOG[name].default else "-"
    assert f"| `{name}` | {default} |" in DOCS.read_text()
