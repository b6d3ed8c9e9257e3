"""A look at one notebook alone, put into what the last whole look told of all. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from immutables import Map

from swarmhub_operator.engine.snapshot import Snapshot
from swarmhub_operator.engine.tally import changed

T = TypeVar("T")


def merged(whole: Snapshot, name: str, part: Snapshot) -> Snapshot:
    """Return `whole` with everything that is of one notebook as `part` has it.

    Args:
        whole: what is known of all notebooks; it stays as it is.
        name: of the notebook.
        part: a look at that notebook alone. Its nodes are not taken over, nor is when it began.
    """
    first = whole.services.get(name)
    its = (*((first,) if first else ()), *whole.strays_of(name))
    gone = {s.id for s in its} | {task.service_id for task in whole.ending.get(name, ())}
    return replace(
        whole,
        services=_with(whole.services, (name,), part.services),
        strays=(*(s for s in whole.strays if s.id not in gone), *part.strays),
        tasks=_with(whole.tasks, gone, part.tasks),
        secrets=_with(whole.secrets, (name,), part.secrets),
        ending=_with(whole.ending, (name,), part.ending),
        since=_with(whole.since, gone, part.since),
        tally=changed(whole.tally, its, whole.tasks, part.all_services(), part.tasks),
    )


def _with(old: Mapping[str, T], gone: Iterable[str], new: Mapping[str, T]) -> Mapping[str, T]:
    """Return `old`, which shares all the rest, with `new` for what is gone."""
    found = Map(old).mutate()
    for key in gone:
        found.pop(key, None)
    found.update(new)
    return found.finish()
