"""What records are selected by: the labels that they carry, and those that follow from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from swarmhub_crds.home import Home
from swarmhub_crds.notebook import Notebook

from swarmhub_operator.cli.records import Record, home_names, name_of, phase_of
from swarmhub_operator.cli.selector import Selector

Kept = TypeVar("Kept", bound=Record)


def selected(records: Sequence[Kept], selector: Selector | None) -> list[Kept]:
    """Return the records that a selector selects, all of them without one."""
    return [record for record in records if is_selected(record, selector)]


def is_selected(record: Record, selector: Selector | None) -> bool:
    """Tell whether a selector selects a record."""
    return selector is None or selector.matches(labels_of(record))


def labels_of(record: Record) -> Mapping[str, str]:
    """Return a record's labels; those that follow from it win, since users may write the others.

    `user`, `server` ("" for the default one), `phase` as it is shown, `node` once there is one,
    `home`: the first that a notebook mounts, a home's own name.
    """
    if isinstance(record, Notebook):
        home = next(iter(home_names(record)), None)
        own = {"user": record.spec.user, "server": record.spec.server}
        return {**record.spec.labels, **_known(record, home), **own}
    if isinstance(record, Home):
        own = {"user": record.spec.user, "server": record.spec.server}
        return {**_known(record, name_of(record)), **own}
    return _known(record, name_of(record) if record.kind == "Home" else None)


def _known(record: Record, home: str | None) -> dict[str, str]:
    status = record.status
    node = status.node if status is not None else None
    found = {"phase": phase_of(record), "node": node, "home": home}
    return {name: value for name, value in found.items() if value is not None}
