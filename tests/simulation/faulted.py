"""Campaign: a workload among the faults of one class. Its words are the workload and the class.

Once the faults are over, all is as if there had been none: the same records and the same Swarm,
and each thing was made, changed and removed as often.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from simulation import outcome
from simulation.campaign import Case, scratch
from simulation.catalogue import named
from simulation.faults import FAULTS, Faults
from simulation.outcome import Outcome

LASTING = 40.0  # seconds of faults; they begin with the workload
WITHIN = 300.0  # seconds that it may take to come to rest after them
LOOKS = 400  # at the Swarm, that it may take
STAYS = 30.0  # seconds for which it then is to stay so
# What a user does after so many seconds, and not after what is seen, may find nothing made yet.
HASTY = frozenset({"impatient"})
# What is created seconds after it was given up may come when nobody wants it any more: so often at
# most is a thing created and removed once more than without faults.
GIVEN_UP, ONCE_MORE = "given-up", 2


def cases(workloads: Iterable[str], times: int) -> list[Case]:
    """Pair each workload with each class of faults, so many times.

    A workload has one seed each time: its run without faults is then the same for all.
    """
    works = list(workloads)
    return [
        Case("faulted", (workload, fault), number + len(works) * time)
        for time in range(times)
        for number, workload in enumerate(works)
        for fault in FAULTS
    ]


def play(case: Case) -> str | None:
    """Play one case, and tell in words what is otherwise than without faults."""
    workload, fault = case.words
    usual = _without_faults(workload, case.seed)
    with scratch() as folder, named(workload).simulation(folder, case.seed) as sim:
        faults = Faults(sim, case.seed, LASTING)
        faults.add(fault)
        named(workload).act(sim)
        sim.run(faults.left)
        looks = outcome.settle(sim, WITHIN)
        ended = outcome.of(sim)
        sim.run(STAYS)
        found = _difference(usual, ended, hasty=workload in HASTY, late=fault == GIVEN_UP)
        found += [f"later, {words}" for words in ended.difference(outcome.of(sim))]
        if not faults.begun:
            found.append("no fault has struck")
        if looks > LOOKS:
            found.append(f"it took {looks} looks")
        return "\n".join(found) or None


def _difference(usual: Outcome, ended: Outcome, *, hasty: bool, late: bool) -> list[str]:
    usual, ended = (replace(o, records=_essence(o.records)) for o in (usual, ended))
    if hasty:
        fewer = {what: min(n, ended.counts.get(what, 0)) for what, n in usual.counts.items()}
        usual = replace(usual, counts={what: n for what, n in fewer.items() if n})
    if late:
        ended = replace(ended, counts=_without_late(usual.counts, ended.counts))
    return usual.difference(ended)


def _without_late(usual: Mapping[str, int], counts: Mapping[str, int]) -> dict[str, int]:
    """Leave out what was created once more and removed once more."""
    found = dict(counts)
    for what in counts:
        verb, _, name = what.rpartition(" ")
        if not verb.endswith("/create"):
            continue
        kind = verb.removeprefix("POST ").removesuffix("create")
        removal = f"DELETE {kind}ID {name}"
        surplus = (
            counts[what] - usual.get(what, 0),
            counts.get(removal, 0) - usual.get(removal, 0),
        )
        if 0 < min(surplus) <= ONCE_MORE:
            found[what] -= min(surplus)
            found[removal] -= min(surplus)
    return {what: number for what, number in found.items() if number}


def _essence(records: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what a record says of a server that has ended, as far as somebody has seen it."""
    found = dict(records)
    for name, record in records.items():
        if isinstance(record, Mapping) and record["phase"] != "Running":
            seen = {k: v for k, v in record["conditions"].items() if k in ("Accepted", "Ready")}
            found[name] = {**record, "conditions": seen}
    return found


@cache
def _without_faults(workload: str, seed: int) -> Outcome:
    with scratch() as folder, named(workload).simulation(folder, seed) as sim:
        named(workload).act(sim)
        outcome.settle(sim, WITHIN)
        return outcome.of(sim)
