"""What one notebook may have at most, and what it gets if it does not say. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from swarmhub_crds.notebook import NotebookSpec, Resources

from swarmhub_operator.decide.bounds import NotebookBounds
from swarmhub_operator.decide.filters import size


def faults(spec: NotebookSpec, bounds: NotebookBounds) -> Iterator[str]:
    """Yield what of the notebook's limits and guarantees is more than allowed."""
    asked = spec.resources
    memory = max(asked.mem_limit or 0, asked.mem_guarantee or 0)
    if bounds.memory.max is not None and memory > bounds.memory.max:
        yield _too_much(f"{size(memory)} of memory", size(bounds.memory.max))
    cpus = max(asked.cpu_limit or 0, asked.cpu_guarantee or 0)
    if bounds.cpus.max is not None and cpus > bounds.cpus.max:
        yield _too_much(f"{cpus:g} CPUs", f"{bounds.cpus.max:g}")
    processes = spec.container.pids_limit or 0
    if bounds.processes.max is not None and processes > bounds.processes.max:
        yield _too_much(f"{processes} processes", str(bounds.processes.max))
    for kind, amount in asked.generic.items():
        most = bounds.generic.get(kind)
        if most is not None and amount > most:
            yield _too_much(f"{amount} {kind}", str(most))


def _too_much(asked: str, most: str) -> str:
    return (
        f"The server asks for {asked}, and one server may have {most}; ask for less, "
        "or ask the administrator to raise the limit in the operator's policy."
    )


def limited(resources: Resources, bounds: NotebookBounds) -> Resources:
    """Return resources with the policy's limits where the record names none.

    A guarantee that is more than a default raises it: a limit below a guarantee means nothing.
    """
    update: dict[str, float | int] = {}
    memory = bounds.memory.default or bounds.memory.max
    if resources.mem_limit is None and memory is not None:
        update["mem_limit"] = max(memory, resources.mem_guarantee or 0)
    cpus = bounds.cpus.default or bounds.cpus.max
    if resources.cpu_limit is None and cpus is not None:
        update["cpu_limit"] = max(cpus, resources.cpu_guarantee or 0)
    return resources.model_copy(update=update)


def processes(bounds: NotebookBounds) -> int | None:
    """Return how many processes a notebook may have that does not say; None is any number."""
    most, default = bounds.processes.max, bounds.processes.default
    return min(default, most) if default and most else default or most
