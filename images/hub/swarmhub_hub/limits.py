"""How much: of servers at a time, and of memory and processors for each."""

from __future__ import annotations

import re

from traitlets.config import Config

from swarmhub_hub.reading import SettingError, Settings

_SIZE = re.compile(r"\d+(\.\d+)?[KMGT]?")
_BYTES = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def limits(settings: Settings) -> Config:
    """Return the limits of servers, of the hub and of each.

    Raises:
        SettingError: a number is none, or a guarantee exceeds its limit.
    """
    config = Config()
    hub = config.JupyterHub
    hub.allow_named_servers = settings.flag("SWARMHUB_NAMED_SERVERS")
    hub.named_server_limit_per_user = settings.whole("SWARMHUB_NAMED_SERVER_LIMIT_PER_USER")
    hub.active_server_limit = settings.whole("SWARMHUB_ACTIVE_SERVER_LIMIT")
    hub.concurrent_spawn_limit = settings.whole("SWARMHUB_CONCURRENT_SPAWN_LIMIT")
    if hub.named_server_limit_per_user and not hub.allow_named_servers:
        raise SettingError(
            "SWARMHUB_NAMED_SERVER_LIMIT_PER_USER counts named servers, but SWARMHUB_NAMED_SERVERS "
            "is false: take one of the two back."
        )
    for what, convert in (("mem", _bytes), ("cpu", _cores)):
        limit, guarantee = f"SWARMHUB_{what.upper()}_LIMIT", f"SWARMHUB_{what.upper()}_GUARANTEE"
        most = convert(settings, limit) if settings.given(limit) else None
        least = convert(settings, guarantee) if settings.given(guarantee) else None
        if most and least and least > most:
            raise SettingError(f"{guarantee} exceeds {limit}: lower the one or raise the other.")
        if most is not None:
            config.Spawner[f"{what}_limit"] = most
        if least is not None:
            config.Spawner[f"{what}_guarantee"] = least
    return config


def _bytes(settings: Settings, name: str) -> int:
    value = settings.text(name).upper()
    if not _SIZE.fullmatch(value):
        raise SettingError(f"{name}={value} is no amount of memory: write it as 512M or 2G.")
    number = value.rstrip("KMGT")
    return int(float(number) * _BYTES[value[len(number) :]])


def _cores(settings: Settings, name: str) -> float:
    value = settings.text(name)
    if not re.fullmatch(r"\d+(\.\d+)?", value):
        raise SettingError(f"{name}={value} is no number of cores: write it as 2 or 0.5.")
    return float(value)
