"""All workloads, by their names."""

from __future__ import annotations

from simulation.homes import HOMES
from simulation.workloads import WORKLOADS, Workload


def named(name: str) -> Workload:
    """Return the workload of this name."""
    return next(w for w in (*WORKLOADS, *HOMES) if w.name == name)
