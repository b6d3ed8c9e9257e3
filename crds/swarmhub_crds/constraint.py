"""Swarm's placement constraints: `node.labels.disk==ssd`, `node.role!=manager`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

NODE_LABELS: Final = "node.labels."
ENGINE_LABELS: Final = "engine.labels."
KEYS: Final = (
    "node.id",
    "node.hostname",
    "node.ip",
    "node.role",
    "node.platform.os",
    "node.platform.arch",
)
# The engine's own rules for the two sides.
_KEY = re.compile(r"[a-z_][a-z0-9_.-]+", re.IGNORECASE | re.ASCII)
_VALUE = re.compile(r"[a-z0-9:_\s.*()?+\[\]\\^$|/-]+", re.IGNORECASE | re.ASCII)
_OPERATOR = re.compile(r"==|!=")


@dataclass(frozen=True, slots=True)
class Constraint:
    """One condition on a node; written as text it has the form that Swarm reads."""

    key: str
    equal: bool  # False: the node must differ
    value: str

    def __str__(self) -> str:
        return f"{self.key}{'==' if self.equal else '!='}{self.value}"


def parse(text: str) -> Constraint:
    """Read a constraint; blanks around its parts do not matter, nor does the case of its key.

    Raises:
        ValueError: Swarm would not understand it; the message is a sentence.
    """
    operator = _OPERATOR.search(text)
    if operator is None:
        raise ValueError(
            f"the constraint {text!r} has no '==' or '!='; write for example node.labels.disk==ssd"
        )
    key, value = text[: operator.start()].strip(), text[operator.end() :].strip()
    if not _VALUE.fullmatch(value):
        raise ValueError(
            f"the constraint {text!r} compares with {value!r}, which Swarm does not take; "
            "use letters, digits and . : _ - /"
        )
    return Constraint(_known_key(key, text), operator[0] == "==", value)


def _known_key(key: str, text: str) -> str:
    lower = key.lower()
    for prefix in (NODE_LABELS, ENGINE_LABELS):
        if lower.startswith(prefix) and len(key) > len(prefix):
            if not _KEY.fullmatch(key):
                raise ValueError(
                    f"the constraint {text!r} names the label {key[len(prefix) :]!r}, which Swarm "
                    "does not take; use letters, digits and . _ -"
                )
            return prefix + key[len(prefix) :]
    if lower in KEYS:
        return lower
    raise ValueError(
        f"the constraint {text!r} asks for {key!r}, which no node has; use one of "
        f"{', '.join(KEYS)}, {NODE_LABELS}NAME, {ENGINE_LABELS}NAME"
    )
