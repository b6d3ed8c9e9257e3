"""What one option of another spawner becomes here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Fate(StrEnum):
    """What becomes of an option."""

    SAME = "same"  # works under this name
    ALIAS = "other name"  # works under this name too, but is called otherwise here
    HOLDS = "holds anyway"  # some values say what is so; others are refused
    REFUSED = "refused"  # cannot be set


@dataclass(frozen=True, kw_only=True)
class PeerOption:
    """An option of another spawner and what becomes of it; `note` is for people.

    Of one that is refused, and of the values of one that holds that are not among `plain`, `note`
    says why and what to do instead, as the rest of a sentence that begins with the option's name.
    """

    name: str
    fate: Fate
    note: str = ""
    ours: str = ""  # of an ALIAS: the name here
    convert: Callable[[Any], Any] = lambda value: value  # of an ALIAS: its value to ours
    plain: tuple[Any, ...] = ()  # of what HOLDS: the values that say what is so


def same(name: str, note: str = "") -> PeerOption:
    """Return an option that works as it is; `note` tells a difference."""
    return PeerOption(name=name, fate=Fate.SAME, note=note)


def alias(
    name: str, ours: str, note: str = "", convert: Callable[[Any], Any] = lambda value: value
) -> PeerOption:
    """Return an option that has another name here, and works under its own too."""
    return PeerOption(name=name, fate=Fate.ALIAS, ours=ours, note=note, convert=convert)


def holds(name: str, *plain: Any, note: str) -> PeerOption:
    """Return an option of which `plain` are the values that may be set: they are so anyway."""
    return PeerOption(name=name, fate=Fate.HOLDS, plain=plain, note=note)


def refused(name: str, note: str) -> PeerOption:
    """Return an option that cannot be set; empty values, which set nothing, may be."""
    return PeerOption(name=name, fate=Fate.REFUSED, plain=(None, "", (), [], {}), note=note)
