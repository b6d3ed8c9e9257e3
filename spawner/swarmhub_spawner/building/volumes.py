"""From the options about volumes to mounts, binds and homes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from pydantic import ValidationError
from swarmhub_crds.container import Bind, Tmpfs
from swarmhub_crds.home import HomeSpec, Reclaim
from swarmhub_crds.notebook import VOLUME_NAME, Mount

from swarmhub_spawner.building.homenames import HomeNames
from swarmhub_spawner.building.mounts import MountWish, read_mount
from swarmhub_spawner.building.templates import (
    IMAGE_FIELD,
    SERVER_FIELDS,
    USER_FIELDS,
    expand,
    fields,
)
from swarmhub_spawner.errors import OptionConflict, OptionError

_MODES: Final = {"rw": False, "ro": True}
_LONGEST_NAME: Final = 255  # Docker's own


@dataclass(frozen=True, kw_only=True)
class VolumeOptions:
    """The volume options of the spawner, as configured."""

    volumes: Mapping[str, Any] = field(default_factory=dict)
    read_only_volumes: Mapping[str, Any] = field(default_factory=dict)
    mounts: Sequence[Any] = ()
    driver: str = "local"
    driver_options: Mapping[str, str] = field(default_factory=dict)
    usual: str = ""  # of `volumes`: what gives way to another one at its path, as nobody chose it
    reclaim: Reclaim = Reclaim.RETAIN


@dataclass(frozen=True, kw_only=True)
class Mounted:
    """What a notebook's file system holds beside its image."""

    mounts: tuple[Mount, ...] = ()
    binds: tuple[Bind, ...] = ()
    tmpfs: tuple[Tmpfs, ...] = ()
    homes: Mapping[str, HomeSpec] = field(default_factory=dict)
    names: HomeNames = field(default_factory=HomeNames)  # what to remember of this start


def build_volumes(
    options: VolumeOptions,
    *,
    user: str,
    server: str,
    values: Mapping[str, str],
    remembered: HomeNames | None = None,
    more: Sequence[tuple[str, Any]] = (),
) -> Mounted:
    """Return the mounts of a notebook and the home records behind them.

    A volume whose template names the user is a home of that user; a home whose template does
    not name the server is shared by the user's servers and carries the server "". `more` are
    mounts of other options, each with the option's name.

    Raises:
        OptionError: an illegal name or path, an unknown mode or field.
    """
    wishes = _wishes(options, more)
    named = [wish for wish in wishes if wish.type == "volume"]
    names = {id(wish): _volume_name(wish, values) for wish in named}
    remembered = remembered or HomeNames()
    known = remembered.without(names.values())
    mounts: list[Mount] = []
    homes: dict[str, HomeSpec] = {}
    shared: dict[str, str] = {}
    own: dict[str, str] = {}
    for wish in named:
        used = fields(wish.source, wish.option)
        of_server = bool(used & SERVER_FIELDS)
        mount = _mount(wish, options, values, names[id(wish)])
        if used & USER_FIELDS:
            name = mount.volume
            if wish.source in known.templates and IMAGE_FIELD not in used:
                name = known.at(mount.target, of_server=of_server) or name
                (own if of_server else shared)[mount.target] = name
            mount = mount.model_copy(update={"volume": name, "home": True})
            homes[name] = HomeSpec(
                user=user,
                server=server if of_server else "",
                driver=mount.driver,
                driver_options=mount.driver_options,
                reclaim=options.reclaim,
            )
        mounts.append(mount)
    binds = tuple(_bind(wish, values) for wish in wishes if wish.type == "bind")
    tmpfs = tuple(_tmpfs(wish, values) for wish in wishes if wish.type == "tmpfs")
    targets = [*(m.target for m in mounts), *(b.target for b in binds), *(t.target for t in tmpfs)]
    _check_targets_differ(targets)
    return Mounted(
        mounts=tuple(mounts),
        binds=binds,
        tmpfs=tmpfs,
        homes=homes,
        names=replace(remembered, user=user).with_these(shared, own),
    )


def volume_templates(options: VolumeOptions, more: Sequence[tuple[str, Any]]) -> frozenset[str]:
    """Return the names of all that is mounted, as configured; raises as `build_volumes`."""
    return frozenset(wish.source for wish in _wishes(options, more))


def _check_targets_differ(targets: Sequence[str]) -> None:
    seen: set[str] = set()
    for target in targets:
        if target.rstrip("/") in seen:
            raise OptionConflict(
                f"volumes: two of them are mounted at the same path, {target!r}; give each its own."
            )
        seen.add(target.rstrip("/"))


def _wishes(options: VolumeOptions, more: Sequence[tuple[str, Any]]) -> list[MountWish]:
    wishes = [*_own_wishes(options), *(read_mount(option, item) for option, item in more)]
    taken = {wish.target.rstrip("/") for wish in wishes if wish.source != options.usual}
    return [w for w in wishes if w.source != options.usual or w.target.rstrip("/") not in taken]


def _own_wishes(options: VolumeOptions) -> Iterator[MountWish]:
    for option, configured, forced in (
        ("volumes", options.volumes, False),
        ("read_only_volumes", options.read_only_volumes, True),
    ):
        for source, value in configured.items():
            target, read_only = _bind_and_mode(option, source, value)
            yield MountWish(
                option=option,
                source=source,
                target=target,
                type="bind" if source.startswith("/") else "volume",
                read_only=read_only or forced,
            )
    for item in options.mounts:
        yield read_mount("mounts", item)


def _bind_and_mode(option: str, source: str, value: Any) -> tuple[str, bool]:
    if isinstance(value, str):
        return value, False
    if not isinstance(value, Mapping) or not isinstance(value.get("bind"), str):
        raise OptionError(
            f"{option}: the value for {source!r} must be a path in the notebook or "
            "{'bind': path, 'mode': 'rw' or 'ro'}."
        )
    extra = sorted(set(value) - {"bind", "mode"})
    mode = value.get("mode", "rw")
    if extra or mode not in _MODES:
        wrong = f"the key {extra[0]!r}" if extra else f"the mode {mode!r}"
        raise OptionError(
            f"{option}: {wrong} of {source!r} is not known in a Swarm; "
            "give 'bind' and the mode 'rw' or 'ro'."
        )
    return value["bind"], _MODES[mode]


def _mount(wish: MountWish, options: VolumeOptions, values: Mapping[str, str], name: str) -> Mount:
    driver = wish.driver or options.driver
    given = wish.driver_options if wish.driver else options.driver_options
    return Mount(
        volume=name,
        target=_target(wish, values),
        read_only=wish.read_only,
        driver=driver,
        driver_options={
            key: expand(str(value), values, "volume_driver_options") for key, value in given.items()
        },
    )


def _bind(wish: MountWish, values: Mapping[str, str]) -> Bind:
    source = expand(wish.source, values, wish.option)
    if not source.startswith("/") or ".." in source.split("/"):
        raise OptionError(
            f"{wish.option}: {source!r}, a path of the node, must be absolute and without '..'."
        )
    try:
        return Bind(source=source, target=_target(wish, values), read_only=wish.read_only)
    except ValidationError as error:
        raise OptionError(f"{wish.option}: {source!r} is too long for a path.") from error


def _tmpfs(wish: MountWish, values: Mapping[str, str]) -> Tmpfs:
    return Tmpfs(target=_target(wish, values), size=wish.size)


def _volume_name(wish: MountWish, values: Mapping[str, str]) -> str:
    if wish.source.startswith((".", "~")) or "\\" in wish.source:
        raise OptionError(
            f"{wish.option}: {wish.source!r} is a path of a host, and which host a notebook runs "
            "on changes; name a volume instead, for example 'jupyterhub-user-{username}', or give "
            "an absolute path that all nodes have."
        )
    name = expand(wish.source, values, wish.option)
    if not re.fullmatch(VOLUME_NAME, name) or len(name) > _LONGEST_NAME:
        raise OptionError(
            f"{wish.option}: {wish.source!r} gives {name!r}, which is no legal volume name "
            "(letters, digits, '_', '.' and '-', at most 255); use {username} rather than a raw "
            "field."
        )
    return name


def _target(wish: MountWish, values: Mapping[str, str]) -> str:
    target = expand(wish.target, values, wish.option)
    parts = target.split("/")
    if not target.startswith("/") or not target.strip("/") or ".." in parts:
        raise OptionError(
            f"{wish.option}: {target!r}, where {wish.source!r} is mounted, must be an absolute "
            "path below '/' without '..'."
        )
    return target
