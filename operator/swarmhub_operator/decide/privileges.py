"""Whether policy allows what a notebook's process asks to be and to have. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from swarmhub_crds.notebook import NotebookSpec

from swarmhub_operator.decide.policy import Policy

_NUMBER: Final = re.compile(r"\d{1,10}", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?", re.ASCII)
_RESERVED_LABELS: Final = ("swarmhub.", "com.docker.")


def faults(spec: NotebookSpec, policy: Policy) -> Iterator[str]:
    """Yield why something is refused, a sentence each."""
    yield from _user(spec.container_user, policy)
    for group in spec.container.groups:
        yield from _group(group, policy)
    for name in spec.container.cap_add:
        if name.removeprefix("CAP_") not in policy.allowed_capabilities:
            yield (
                f"The capability {name} is not allowed for notebooks; ask the administrator "
                "to add it to allowed_capabilities in the operator's policy."
            )
    for name in spec.container.sysctls:
        if not any(fnmatchcase(name, pattern) for pattern in policy.allowed_sysctls):
            yield (
                f"The kernel setting {name} is not allowed for notebooks; "
                "ask the administrator to add it to allowed_sysctls in the operator's policy."
            )
    for label in spec.labels:
        yield from _label(label, policy)


def _user(text: str | None, policy: Policy) -> Iterator[str]:
    if not text:
        return
    user, colon, group = text.partition(":")
    if not all(_is_well_formed(part) for part in ((user, group) if colon else (user,))):
        yield f"The user {text!r} is none that an engine takes; give a number or a name."
    elif _is_root(user) and not policy.allow_root:
        yield (
            f"The server may not run as root ({text}); choose another uid, "
            "or ask the administrator to set allow_root in the operator's policy."
        )
    elif colon and _is_root(group) and not policy.allow_root:
        yield from _group(group, policy)


def _group(group: str, policy: Policy) -> Iterator[str]:
    if not _is_well_formed(group):
        yield f"The group {group!r} is none that an engine takes; give a number or a name."
    elif group not in policy.allowed_groups:
        yield (
            f"The group {group} is not allowed for notebooks; "
            "ask the administrator to add it to allowed_groups in the operator's policy."
        )


def _is_well_formed(part: str) -> bool:
    return bool(_NUMBER.fullmatch(part) or _NAME.fullmatch(part))


def _is_root(part: str) -> bool:
    return part == "root" or (part.isdecimal() and int(part) == 0)


def _label(label: str, policy: Policy) -> Iterator[str]:
    lower = label.strip().casefold()
    if lower.startswith(_RESERVED_LABELS):
        yield f"The label {label} is reserved; take it out of the spawner's extra_labels."
    elif lower.startswith(tuple(prefix.casefold() for prefix in policy.reserved_labels)):
        yield (
            f"The label {label} steers another program; take it out of the spawner's extra_labels "
            "or ask the administrator to take it out of reserved_labels in the operator's policy."
        )
