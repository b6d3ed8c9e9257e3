"""`--sort-by`: what is listed in the order of a column, or of a field as kubectl names it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from swarmhub_crds.notebook import Notebook

from swarmhub_operator.cli.records import Kind, Record, phase_of, wire
from swarmhub_operator.cli.rows import ready, titles

_PART: Final = re.compile(r"\.((?:[^.\\\[\]{}]|\\.)+)|\[(\d+)\]")
_MISSING: Final = object()
# Where a column comes from; two are made up by `get`, and some get greater as time goes back.
_FIELDS: Final = {
    "NAME": ".metadata.name",
    "USER": ".spec.user",
    "SERVER": ".spec.server",
    "RESTARTS": ".status.restarts",
    "NODE": ".status.node",
    "AGE": ".metadata.createdAt",
    "DRIVER": ".spec.driver",
    "RECLAIM": ".spec.reclaim",
    "LAST-USED": ".status.lastUsedAt",
    "IMAGE": ".spec.image",
    "ADDRESS": ".status.address",
    "GENERATION": ".metadata.generation",
    "MESSAGE": ".status.message",
}
_BACKWARDS: Final = frozenset({"AGE", "LAST-USED", "SINCE"})
T = TypeVar("T")


class SortError(ValueError):
    """An order that there is not; `str()` is one sentence."""


def in_order(records: Sequence[Record], kind: Kind, by: str) -> list[Record]:
    """Return records in ascending order, those without a value last, equal ones as they came.

    Args:
        records: all of one kind.
        kind: which.
        by: a column of the table, or a path such as .status.restarts or {.metadata.createdAt}.

    Raises:
        SortError: there is no such column, or no record has such a field.
    """
    column = by.upper()
    if column in titles(kind, wide=True):
        values = [_of_column(record, column) for record in records]
        return _sorted(records, values, backwards=column in _BACKWARDS)
    listing = f"`swarmhub get {kind.plural} -o yaml`"
    return _by_field(records, wire, _path(by, titles(kind, wide=True)), f"no {kind}", by, listing)


def listed_in_order(
    things: Sequence[T],
    document: Callable[[T], Mapping[str, Any]],
    columns: Mapping[str, str],
    by: str,
    verb: str,
) -> list[T]:
    """Return what a verb lists in ascending order, as `in_order` does with records.

    Args:
        things: what is listed.
        document: makes the JSON of one.
        columns: the field that each column of the table comes from.
        by: a column or a path.
        verb: that lists them, for the sentence of an error.

    Raises:
        SortError: there is no such column, or none has such a field.
    """
    column = by.upper()
    path = _path(columns.get(column, by), columns)
    backwards = column in columns and column in _BACKWARDS
    listing = f"`swarmhub {verb} -o yaml`"
    return _by_field(things, document, path, "none", by, listing, backwards=backwards)


def _by_field(
    things: Sequence[T],
    document: Callable[[T], Mapping[str, Any]],
    path: Sequence[str | int],
    none: str,
    by: str,
    listing: str,
    *,
    backwards: bool = False,
) -> list[T]:
    values = [_at(document(thing), path) for thing in things]
    if things and all(value is _MISSING for value in values):
        raise SortError(f"{none} has a field {by!r}; {listing} shows all")
    return _sorted(things, values, backwards=backwards)


def _of_column(record: Record, column: str) -> Any:
    if column == "PHASE":
        return phase_of(record)
    if column == "READY":
        return ready(record.status) if isinstance(record, Notebook) else None
    return _at(wire(record), _path(_FIELDS[column], _FIELDS))


def _path(text: str, columns: Iterable[str]) -> list[str | int]:
    """Return the steps of a path.

    Raises:
        SortError: it is none, and no column either.
    """
    inner = text[1:-1] if text.startswith("{") and text.endswith("}") else text
    whole = inner if inner.startswith((".", "[")) else f".{inner}"
    is_path = inner != text or "." in inner
    if not is_path or "".join(m[0] for m in _PART.finditer(whole)) != whole:
        known = ", ".join(title.lower() for title in columns)
        raise SortError(
            f"cannot sort by {text!r}; name a column ({known}) or a field as -o yaml has it, with "
            "a dot before it"
        )
    return [int(m[2]) if m[2] else re.sub(r"\\(.)", r"\1", m[1]) for m in _PART.finditer(whole)]


def _at(value: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return _MISSING
    return value


def _sorted(things: Sequence[T], values: Sequence[Any], *, backwards: bool = False) -> list[T]:
    pairs = [*zip(values, things, strict=True)]
    known = [pair for pair in pairs if not _is_missing(pair[0])]
    known.sort(key=lambda pair: natural(pair[0]), reverse=backwards)
    return [one for _, one in known] + [one for value, one in pairs if _is_missing(value)]


def _is_missing(value: Any) -> bool:
    return value is None or value is _MISSING


def natural(value: Any) -> tuple[Any, ...]:
    """Return what a value is compared by: numbers before texts, and "node10" after "node2"."""
    if isinstance(value, int | float):
        return (0, value)
    texts = re.split(r"([0-9]{1,15})", str(value))  # every other one is a number
    return (1, [("", int(t)) if n % 2 else (t.casefold(), 0) for n, t in enumerate(texts)])
