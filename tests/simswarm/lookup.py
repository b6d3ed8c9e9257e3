"""How the engine finds things: by id, by name, by the beginning of an id; and its filters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from simswarm.raw import Raw
from simswarm.refusal import Refusal, gone
from simswarm.table import Table

Filters = Mapping[str, list[str]]


def name_of(raw: Raw) -> str:
    """Return the name of a service, secret, network or node."""
    if "Description" in raw:
        return str(raw["Description"]["Hostname"])
    return str(raw["Spec"].get("Name", ""))


def find(kind: str, table: Mapping[str, Raw], reference: str) -> Raw:
    """Return the object with this id, else this name, else the only one whose id begins so.

    Raises:
        Refusal: there is none, or the beginning is that of several ids.
    """
    if reference in table:
        return table[reference]
    named = [raw for raw in table.values() if name_of(raw) == reference] if kind != "task" else []
    begun = named or [raw for ident, raw in table.items() if ident.startswith(reference)]
    if not begun:
        raise gone(kind, reference)
    if len(begun) > 1:
        raise Refusal(400, f"{kind} {reference} is ambiguous ({len(begun)} matches found)")
    return begun[0]


def check_filters(filters: Filters, known: Iterable[str]) -> None:
    """Refuse filters that the engine does not know.

    Raises:
        Refusal: there is such a filter.
    """
    for key in filters:
        if key not in known:
            raise Refusal(400, f"Invalid filter '{key}'")


def select(
    table: Mapping[str, Raw], filters: Filters, labels: Callable[[Raw], Mapping[str, str]]
) -> list[Raw]:
    """Return the objects that pass the filters id, name and label, in the order of their ids."""
    found = sorted(_near(table, filters), key=lambda raw: str(raw["ID"]))
    if "id" in filters:
        found = [r for r in found if r["ID"].startswith(tuple(filters["id"]))]
    if "name" in filters:
        found = [r for r in found if name_of(r).startswith(tuple(filters["name"]))]
    for wanted in filters.get("label", ()):
        found = [r for r in found if has_label(labels(r), wanted)]
    return found


def _near(table: Mapping[str, Raw], filters: Filters) -> Iterable[Raw]:
    """Return the objects among which those are that pass: few, if a label is that of few."""
    wanted = [label for label in filters.get("label", ()) if "=" in label]
    if not wanted or not isinstance(table, Table):
        return table.values()
    return min((table.by("label", label) for label in wanted), key=len)


def has_label(labels: Mapping[str, str], wanted: str) -> bool:
    """Return whether there is a label "key=value", or "key" with any value."""
    key, equals, value = wanted.partition("=")
    return key in labels and (not equals or labels[key] == value)


def spec_labels(raw: Raw) -> Mapping[str, str]:
    """Return the labels of an object's spec."""
    labels: Mapping[str, str] = raw["Spec"].get("Labels") or {}
    return labels
