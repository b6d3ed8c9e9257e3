"""A site's own configuration files, and what they leave of the stack's."""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from traitlets.config import Config
from traitlets.config.loader import LazyConfigValue

from swarmhub_hub.reading import SettingError

# Settled by the stack: proxy, hub and notebooks find each other and outlive each other.
_OF_THE_STACK: Final = {
    "JupyterHub": [
        *("bind_url", "ip", "port", "proxy_class", "cookie_secret_file"),
        *("cleanup_proxy", "cleanup_servers"),
        *("hub_bind_url", "hub_connect_ip", "hub_connect_url", "hub_ip", "hub_port"),
    ],
    "ConfigurableHTTPProxy": ["api_url", "auth_token", "command", "should_start"],
    "DockerSpawner": ["network_name"],
    "SwarmSpawner": ["network_name"],
}
_PEERS: Final = ("KubeSpawner", "DockerSpawner", "SwarmSpawner")
_OURS: Final = ("services", "load_roles")
_ACCESS: Final = "access:services!service="


def site_files(folder: Path) -> list[Path]:
    """Return the site's own files in a folder, in order of name; an archive is unpacked first."""
    found = sorted(folder.glob("*.py"))
    for archive in sorted(folder.glob("*.tar")):
        unpacked = Path(tempfile.mkdtemp(prefix="swarmhub-site-"))
        with tarfile.open(archive) as content:
            content.extractall(unpacked)  # noqa: S202 - `make up` has written it
        found += sorted(unpacked.glob("*.py"))
    return found


def ours(config: Config) -> dict[str, list[dict[str, Any]]]:
    """Return services and roles that the stack needs, before a site's files replace the lists."""
    return {key: list(config.JupyterHub.get(key, [])) for key in _OURS}


def keep(config: Config, needed: dict[str, list[dict[str, Any]]]) -> None:
    """Put back what is needed and was replaced; of the same name, what the site wrote counts."""
    for key, entries in needed.items():
        theirs = config.JupyterHub.get(key) or []
        if isinstance(theirs, LazyConfigValue):  # `c.JupyterHub.services.append(...)`
            theirs = theirs.get_value([])
        names = {entry.get("name") for entry in theirs if isinstance(entry, dict)}
        let_in = [_let_in(entry, entries) for entry in theirs]
        config.JupyterHub[key] = [*(e for e in entries if e["name"] not in names), *let_in]


def _let_in(theirs: Any, ours: list[dict[str, Any]]) -> Any:
    """Return a site's own role with the access to services that the stack's of that name gives."""
    if not isinstance(theirs, dict) or not isinstance(theirs.get("scopes"), list | tuple):
        return theirs
    same = (entry for entry in ours if entry["name"] == theirs.get("name"))
    wanted = [s for entry in same for s in entry.get("scopes", ()) if s.startswith(_ACCESS)]
    added = [scope for scope in wanted if scope not in theirs["scopes"]]
    return {**theirs, "scopes": [*theirs["scopes"], *added]} if added else theirs


def join_network(config: Config) -> None:
    """Have servers in the stack's network, whatever it is called in a file of another hub.

    Such files name it as network_name and, often, once more as network_mode of extra_host_config.
    """
    there = [section for section in _PEERS if section in config]
    names = {config[section].pop("network_name", None) for section in there}
    for section in (*there, "SwarmHubSpawner"):
        words = config[section].get("extra_host_config")
        if isinstance(words, LazyConfigValue):
            words = words.get_value({})
        if isinstance(words, dict) and words.get("network_mode") in names - {None}:
            left = {word: value for word, value in words.items() if word != "network_mode"}
            config[section].extra_host_config = left


def refuse_prefix(config: Config) -> None:
    """Make sure that the hub is at / of its host, where the stack's proxy expects it.

    Raises:
        SettingError: it is to be somewhere else.
    """
    hub = config.JupyterHub
    for name, value in (("base_url", hub.get("base_url")), ("bind_url", hub.get("bind_url"))):
        path = urlsplit(str(value or "")).path
        if path.strip("/"):
            raise SettingError(
                f"c.JupyterHub.{name} = {value!r}: the hub of this stack is always at / of its "
                "host; leave that out, and give the hub a host name or a port of its own."
            )


def overridden(config: Config) -> list[str]:
    """Return the options of the stack that a site's files set."""
    return [
        f"c.{section}.{name}"
        for section, names in _OF_THE_STACK.items()
        for name in names
        if section in config and name in config[section]
    ]
