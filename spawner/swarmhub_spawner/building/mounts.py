"""From docker-py's and the engine's ways to write a mount to one of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from swarmhub_spawner.building.words import given_words, read_bytes
from swarmhub_spawner.errors import OptionError

_KNOWN: Final = {
    "target": "target",
    "destination": "target",
    "dst": "target",
    "source": "source",
    "src": "source",
    "type": "type",
    "readonly": "read_only",
    "consistency": "consistency",  # for Docker Desktop alone
    "propagation": "propagation",
    "nocopy": "no_copy",
    "labels": "labels",
    "driverconfig": "driver",
    "tmpfssize": "size",
    "sizebytes": "size",
    "tmpfsmode": "mode",
    "mode": "mode",
    "subpath": "subpath",
}
_NESTED: Final = ("bindoptions", "volumeoptions", "tmpfsoptions")
_PLAIN: Final[dict[str, tuple[Any, ...]]] = {  # what holds anyway, so that it may be said
    "propagation": ("rprivate", "private"),
    "no_copy": (False,),
    "labels": ({},),
    "mode": (0o1777,),
    "subpath": ("",),
}
_TYPES: Final = ("volume", "bind", "tmpfs")


@dataclass(frozen=True, kw_only=True)
class MountWish:
    """Something to mount; source and target are still templates."""

    option: str
    source: str
    target: str
    type: str = "volume"
    read_only: bool = False
    driver: str | None = None  # None: as in the options about volumes
    driver_options: Mapping[str, Any] = field(default_factory=dict)
    size: int | None = None  # bytes


def read_mount(option: str, item: Any) -> MountWish:
    """Read a mount of either spelling: a dict as docker.types.Mount takes or makes, or a text.

    Raises:
        OptionError: a Swarm cannot do it, or a word is not known.
    """
    words = _text(option, item) if isinstance(item, str) else _flat(option, item)
    kind = words.get("type", "volume")
    if kind not in _TYPES:
        raise OptionError(f"{option}: mounts of the type {kind!r} cannot be; use {_TYPES}.")
    for word, plain in _PLAIN.items():
        if word in words and words[word] not in plain:
            raise OptionError(
                f"{option}: {word!r} of the mount at {words.get('target')!r} is not supported; "
                "leave it out."
            )
    source, target = words.get("source") or "", words.get("target")
    if not isinstance(target, str) or not isinstance(source, str):
        raise OptionError(f"{option}: the mount {item!r} needs a source and a target.")
    if not source and kind != "tmpfs":
        raise OptionError(f"{option}: the mount at {target!r} needs a source.")
    driver, driver_options = _driver(option, words.get("driver"))
    return MountWish(
        option=option,
        source=source,
        target=target,
        type="bind" if kind == "volume" and source.startswith("/") else kind,
        read_only=bool(words.get("read_only", False)),
        driver=driver,
        driver_options=driver_options,
        size=read_bytes(option, "tmpfs_size", words["size"]) if "size" in words else None,
    )


def _text(option: str, text: str) -> dict[str, Any]:
    parts = text.split(":")
    modes = {"rw": False, "ro": True}
    if len(parts) == 2:  # noqa: PLR2004  # source and target
        parts.append("rw")
    if len(parts) != 3 or parts[2] not in modes:  # noqa: PLR2004  # and the mode
        raise OptionError(f"{option}: {text!r} is no mount; write 'name:/path' or 'name:/path:ro'.")
    return {"source": parts[0], "target": parts[1], "read_only": modes[parts[2]]}


def _flat(option: str, item: Any) -> dict[str, Any]:
    words: dict[str, Any] = {}
    plain = {_bare(word): value for word, value in dict(item).items() if value is not None}
    for nested in _NESTED:
        inner = plain.pop(nested, None) or {}
        plain |= {_bare(word): value for word, value in inner.items()}
    for word, value in given_words(option, plain, _KNOWN, {}).items():
        words[_KNOWN[word]] = value
    return words


def _bare(word: Any) -> str:
    return re.sub(r"[_-]", "", str(word)).lower()


def _driver(option: str, config: Any) -> tuple[str | None, Mapping[str, Any]]:
    if not config:
        return None, {}
    words = given_words(
        option, {_bare(word): value for word, value in config.items()}, ("name", "options"), {}
    )
    return words.get("name"), words.get("options") or {}
