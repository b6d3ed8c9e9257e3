"""From the options `volumes` and `read_only_volumes` to mounts and homes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from swarmhub_crds.home import HomeSpec, Reclaim
from swarmhub_crds.notebook import VOLUME_NAME, Mount

from swarmhub_spawner.errors import OptionError
from swarmhub_spawner.templates import SERVER_FIELDS, USER_FIELDS, expand, fields

_MODES = {"rw": False, "ro": True}


@dataclass(frozen=True, kw_only=True)
class VolumeOptions:
    """The volume options of the spawner, as configured."""

    volumes: Mapping[str, Any] = field(default_factory=dict)
    read_only_volumes: Mapping[str, Any] = field(default_factory=dict)
    driver: str = "local"
    driver_options: Mapping[str, str] = field(default_factory=dict)
    reclaim: Reclaim = Reclaim.RETAIN


@dataclass(frozen=True)
class _Wish:
    option: str
    template: str
    target: str
    read_only: bool


def build_volumes(
    options: VolumeOptions, *, user: str, server: str, values: Mapping[str, str]
) -> tuple[tuple[Mount, ...], dict[str, HomeSpec]]:
    """Return the mounts of a notebook and the home records behind them.

    A volume whose template names the user is a home of that user; a home whose template does
    not name the server is shared by the user's servers and carries the server "".

    Raises:
        OptionError: a host path, an illegal name, an unknown mode or field.
    """
    mounts: list[Mount] = []
    homes: dict[str, HomeSpec] = {}
    driver_options = {
        key: expand(str(value), values, "volume_driver_options")
        for key, value in options.driver_options.items()
    }
    for wish in _wishes(options):
        used = fields(wish.template, wish.option)
        name = _volume_name(wish, values)
        is_home = bool(used & USER_FIELDS)
        mounts.append(
            Mount(
                volume=name,
                target=_target(wish, values),
                read_only=wish.read_only,
                home=is_home,
                driver=options.driver,
                driver_options=driver_options,
            )
        )
        if is_home:
            homes[name] = HomeSpec(
                user=user,
                server=server if used & SERVER_FIELDS else "",
                driver=options.driver,
                driver_options=driver_options,
                reclaim=options.reclaim,
            )
    return tuple(mounts), homes


def _wishes(options: VolumeOptions) -> Iterator[_Wish]:
    for option, configured, forced in (
        ("volumes", options.volumes, False),
        ("read_only_volumes", options.read_only_volumes, True),
    ):
        for template, value in configured.items():
            target, read_only = _bind_and_mode(option, template, value)
            yield _Wish(option, template, target, read_only or forced)


def _bind_and_mode(option: str, template: str, value: Any) -> tuple[str, bool]:
    if isinstance(value, str):
        return value, False
    if not isinstance(value, Mapping) or not isinstance(value.get("bind"), str):
        raise OptionError(
            f"{option}: the value for {template!r} must be a path in the notebook or "
            "{'bind': path, 'mode': 'rw' or 'ro'}."
        )
    extra = sorted(set(value) - {"bind", "mode"})
    mode = value.get("mode", "rw")
    if extra or mode not in _MODES:
        wrong = f"the key {extra[0]!r}" if extra else f"the mode {mode!r}"
        raise OptionError(
            f"{option}: {wrong} of {template!r} is not known in a Swarm; "
            "give 'bind' and the mode 'rw' or 'ro'."
        )
    return value["bind"], _MODES[mode]


def _volume_name(wish: _Wish, values: Mapping[str, str]) -> str:
    if wish.template.startswith(("/", ".", "~")) or "\\" in wish.template:
        raise OptionError(
            f"{wish.option}: {wish.template!r} is a path of a host, and which host a notebook runs "
            "on changes; name a volume instead, for example 'jupyterhub-user-{username}'."
        )
    name = expand(wish.template, values, wish.option)
    if not re.fullmatch(VOLUME_NAME, name) or len(name) > 255:  # noqa: PLR2004  # Docker's own
        raise OptionError(
            f"{wish.option}: {wish.template!r} gives {name!r}, which is no legal volume name "
            "(letters, digits, '_', '.' and '-', at most 255); use {username} rather than a raw "
            "field."
        )
    return name


def _target(wish: _Wish, values: Mapping[str, str]) -> str:
    target = expand(wish.target, values, wish.option)
    parts = target.split("/")
    if not target.startswith("/") or not target.strip("/") or ".." in parts:
        raise OptionError(
            f"{wish.option}: {target!r}, where {wish.template!r} is mounted, must be an absolute "
            "path below '/' without '..'."
        )
    return target
