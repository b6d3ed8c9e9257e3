"""What somebody else changed about a service of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# Not compared: the engine answers a network's id where its name was sent, raises ForceUpdate with
# each restart, and a pin is added to a service only when it is restarted.
_IGNORED = frozenset(
    {"TaskTemplate.Networks[].Target", "TaskTemplate.ForceUpdate", "TaskTemplate.Placement"}
)

# An engine before API 1.44 does not know it, and says nothing of it.
IF_KNOWN = "TaskTemplate.ContainerSpec.Privileges.NoNewPrivileges"

_INDEX = re.compile(r"\[\d+\]")


# Left out of a spec, the engine gives these no default: whatever stands there is somebody else's.
NEVER_GIVEN = {
    "ContainerSpec": (
        "CapabilityAdd",
        "CapabilityDrop",
        "Command",
        "Configs",
        "Dir",
        "Groups",
        "Hostname",
        "Hosts",
        "ReadOnly",
        "Secrets",
        "Sysctls",
        "User",
    ),
    "Resources": ("Limits", "Reservations"),
}


def drift(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the dotted names of the fields that differ from what we asked for.

    A spec that is read back has the engine's defaults merged in, so what was not set counts only
    where the engine has no default.
    """
    return (*_differences(wanted, found, ""), *_additions(wanted, found))


def _additions(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    ours, theirs = wanted.get("TaskTemplate", {}), found.get("TaskTemplate", {})
    for part, keys in NEVER_GIVEN.items():
        asked, have = ours.get(part) or {}, theirs.get(part) or {}
        for key in keys:
            if key not in asked and not is_nothing(have.get(key)):
                yield f"TaskTemplate.{part}.{key}"


def is_nothing(value: Any) -> bool:
    """Return whether a value, or all that is in it, is what the engine would leave out."""
    if isinstance(value, Mapping):
        return all(is_nothing(inner) for inner in value.values())
    return is_empty(value)


def _differences(wanted: Any, found: Any, path: str) -> Iterator[str]:
    if _INDEX.sub("[]", path) in _IGNORED:
        return
    if isinstance(wanted, Mapping):
        for key, value in wanted.items():
            inner = f"{path}.{key}" if path else key
            if inner == IF_KNOWN and _is_map(found) and key not in found:
                continue
            yield from _differences(value, found.get(key) if _is_map(found) else None, inner)
    elif _is_list(wanted) and _is_list(found) and len(wanted) == len(found):
        for number, (left, right) in enumerate(zip(wanted, found, strict=True)):
            yield from _differences(left, right, f"{path}[{number}]")
    elif wanted != found and not (is_empty(wanted) and is_empty(found)):
        yield path


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def is_empty(value: Any) -> bool:
    """Return whether the engine would leave the field out (Go's omitempty)."""
    return value in (None, "", 0, False) or (hasattr(value, "__len__") and len(value) == 0)
