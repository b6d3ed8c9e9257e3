"""Selectors of records by their labels, in kubectl's words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_WORD: Final = r"[^\s,()=!]+"
_KEY: Final = re.compile(_WORD)
_PAIR: Final = re.compile(rf"(?P<key>{_WORD})\s*(?P<sign>==?|!=)\s*(?P<value>{_WORD})?")
_SET: Final = re.compile(rf"(?P<key>{_WORD})\s+(?P<word>in|notin)\s*\((?P<values>[^()=!]*)\)")
_ABSENT: Final = re.compile(rf"!\s*(?P<key>{_WORD})")
_BETWEEN: Final = re.compile(r",(?![^(]*\))")  # not those inside of parentheses


class SelectorError(ValueError):
    """A selector that cannot be understood; `str()` is one sentence."""


class Operator(StrEnum):
    """How a label is held against values."""

    EXISTS = "exists"
    ABSENT = "absent"
    IN = "in"
    NOT_IN = "notin"


@dataclass(frozen=True, slots=True)
class Requirement:
    """What one label must be. As with kubectl, "not in" is also true of who has no such label."""

    key: str
    operator: Operator
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels are as required."""
        value = labels.get(self.key)
        match self.operator:
            case Operator.EXISTS:
                return value is not None
            case Operator.ABSENT:
                return value is None
            case Operator.IN:
                return value in self.values
            case Operator.NOT_IN:
                return value not in self.values

    def __str__(self) -> str:
        if self.operator is Operator.EXISTS:
            return self.key
        if self.operator is Operator.ABSENT:
            return f"!{self.key}"
        if len(self.values) == 1:
            return f"{self.key}{'=' if self.operator is Operator.IN else '!='}{self.values[0]}"
        return f"{self.key} {self.operator} ({','.join(self.values)})"


@dataclass(frozen=True, slots=True)
class Selector:
    """Requirements that all have to be met; none are met by everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet all requirements."""
        return all(one.matches(labels) for one in self.requirements)

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))


def parse(text: str) -> Selector:
    """Read a selector such as `user=ada,phase!=Running,node in (a,b),!team`.

    Raises:
        SelectorError: it cannot be understood.
    """
    if not text.strip():
        raise SelectorError("the selector is empty; give one such as user=ada, or leave -l out")
    return Selector(tuple(_requirement(part.strip()) for part in _BETWEEN.split(text)))


def _requirement(text: str) -> Requirement:
    if found := _SET.fullmatch(text):
        values = tuple(value.strip() for value in found["values"].split(","))
        if not any(re.search(r"\s", value) for value in values):
            return Requirement(found["key"], Operator(found["word"]), values)
    elif found := _PAIR.fullmatch(text):
        operator = Operator.NOT_IN if found["sign"] == "!=" else Operator.IN
        return Requirement(found["key"], operator, (found["value"] or "",))
    elif found := _ABSENT.fullmatch(text):
        return Requirement(found["key"], Operator.ABSENT)
    elif _KEY.fullmatch(text):
        return Requirement(text, Operator.EXISTS)
    raise SelectorError(
        f"{text!r} is no part of a selector; write key=value, key!=value, key in (a,b), "
        "key notin (a,b), key or !key, with commas between them"
    )
