"""Which registry an image comes from, by Docker's rules for names."""

from __future__ import annotations

from typing import Final

HUB: Final = "docker.io"
_HUB_ALIASES: Final = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})


def hostname(registry: str) -> str:
    """Return the host, and port if any, of a registry that is given as a host or as a URL."""
    host = registry.strip().removeprefix("https://").removeprefix("http://").partition("/")[0]
    return HUB if host in _HUB_ALIASES else host


def registry_of(image: str) -> str:
    """Return the registry of an image: what stands before its first slash, if that is a host."""
    first, slash, _ = image.partition("/")
    is_host = slash and ("." in first or ":" in first or first == "localhost")
    return hostname(first) if is_host else HUB
