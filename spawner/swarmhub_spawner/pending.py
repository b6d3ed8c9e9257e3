"""What a running server does not have yet, in words for its user. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

Settings = Mapping[str, str]  # what a user knows of a server: name to value, as text

NONE: Final = "none"
_DIGEST: Final = "sha256:"  # begins a value that is only compared, never shown
_UNITS: Final = ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def amount(size: float | None) -> str:
    """Return a number as it is shown; None and 0 are no limit."""
    return f"{size:g}" if size else NONE


def memory(size: int | None) -> str:
    """Return a number of bytes as it is shown; None and 0 are no limit."""
    if not size:
        return NONE
    for unit, name in _UNITS:
        if size >= unit:
            return f"{size / unit:.4g} {name}"
    return f"{size} B"


def opaque(value: Any) -> str | None:
    """Return a text that is another one for each other value, or None if it cannot be compared."""
    try:
        text = json.dumps(value, sort_keys=True)
    except (TypeError, ValueError):  # a callable somewhere in it
        return None
    return _DIGEST + hashlib.sha256(text.encode()).hexdigest()


def certain(configured: Settings, used: Settings) -> Settings:
    """Return those settings that a start has `used` as they were `configured`.

    What a hook or a callable had its say in cannot be foretold, so nothing is told of it later.
    """
    return {name: value for name, value in configured.items() if used.get(name) == value}


def changes(before: Settings, now: Settings) -> list[str]:
    """Return which settings are others now, in words; one that is not known on both sides is not.

    Each is a name such as "the environment", or with its value "the memory limit (now 4 GiB)".
    """
    changed = [name for name in now if name in before and before[name] != now[name]]
    return [f"the {name}{_shown(now[name])}" for name in changed]


def _shown(value: str) -> str:
    return "" if value.startswith(_DIGEST) else f" (now {value})"


def restart_text(changed: Sequence[str], started: datetime | None) -> str:
    """Return the sentences that tell a user what a restart brings; "": nothing."""
    if not changed:
        return ""
    since = f" at {started:%Y-%m-%d %H:%M} UTC" if started else ""
    *others, last = changed
    what = f"{', '.join(others)} and {last}" if others else last
    return (
        f"Changed since this server was started{since}: {what}. It goes on as it is; "
        "stop it and start it again to use what is new."
    )
