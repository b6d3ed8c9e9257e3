"""`top`'s rows and documents. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Final, TypeVar

from swarmhub_crds.base import API_VERSION
from swarmhub_crds.readable import NONE

from swarmhub_operator.cli.sorting import natural
from swarmhub_operator.cli.table import cut
from swarmhub_operator.cli.text import safe
from swarmhub_operator.cli.top_sums import OfNode, OfNotebook
from swarmhub_operator.engine.amounts import CORE, Amounts
from swarmhub_operator.engine.usage import Usage

NOTEBOOKS: Final = (
    "NAME",
    "NODE",
    "CPU(cores)",
    "CPU-REQUEST",
    "CPU-LIMIT",
    "MEMORY(bytes)",
    "MEMORY-REQUEST",
    "MEMORY-LIMIT",
)
NOTEBOOKS_WIDE: Final = ("USER", "SERVER", "PHASE")
NODES: Final = (
    "NAME",
    "NOTEBOOKS",
    "CPU(cores)",
    "CPU-REQUESTS",
    "CPU-LIMITS",
    "MEMORY(bytes)",
    "MEMORY-REQUESTS",
    "MEMORY-LIMITS",
)
NODES_WIDE: Final = ("CPUS", "MEMORY", "STATE", "ID")
_MILLI: Final = CORE // 1000
_MIB: Final = 2**20
_UNKNOWN: Final = -1

One = TypeVar("One", OfNotebook, OfNode)


class By(StrEnum):
    """The values of `top --sort-by`."""

    CPU = "cpu"
    MEMORY = "memory"


def in_order(found: Sequence[One], by: By | None, name: Callable[[One], str]) -> list[One]:
    """Return the greatest first, as `kubectl top` does; what was not measured last, by its name."""
    named = sorted(found, key=lambda one: natural(name(one)))
    return named if by is None else sorted(named, key=lambda one: -_measure(one.usage, by))


def _measure(usage: Usage | None, by: By) -> int:
    if usage is None:
        return _UNKNOWN
    return usage.nano_cpus if by is By.CPU else usage.memory


def notebook_row(one: OfNotebook, *, wide: bool) -> list[str]:
    """Return the cells of a notebook."""
    narrow = [one.name, cut(one.node), *_cells(one.usage, one.requests, one.limits)]
    more = []
    if wide and one.record is not None:
        more = [cut(one.record.spec.user), cut(one.record.spec.server), one.record.status.phase]
    elif wide:
        more = [NONE] * len(NOTEBOOKS_WIDE)
    return [safe(cell) or NONE for cell in (*narrow, *more)]


def node_row(one: OfNode, *, wide: bool) -> list[str]:
    """Return the cells of a node, sums with their part of what it has."""
    has = one.machine.has
    cells = _cells(one.usage, one.requests, one.limits, has)
    narrow = [one.machine.hostname, str(one.notebooks), *cells]
    more = [cores(has.nano_cpus), mebibytes(has.memory), one.machine.state, one.machine.id]
    return [safe(cell) or NONE for cell in (*narrow, *(more if wide else ()))]


def _cells(
    usage: Usage | None, requests: Amounts, limits: Amounts, has: Amounts | None = None
) -> list[str]:
    cpus = has.nano_cpus if has else 0
    memory = has.memory if has else 0
    return [
        NONE if usage is None else cores(usage.nano_cpus) + _part(usage.nano_cpus, cpus),
        _given(cores, requests.nano_cpus, cpus),
        _given(cores, limits.nano_cpus, cpus),
        NONE if usage is None else mebibytes(usage.memory) + _part(usage.memory, memory),
        _given(mebibytes, requests.memory, memory),
        _given(mebibytes, limits.memory, memory),
    ]


def _given(text: Callable[[int], str], amount: int, whole: int) -> str:
    return text(amount) + _part(amount, whole) if amount else NONE


def _part(amount: int, whole: int) -> str:
    return f" ({round(100 * amount / whole)}%)" if whole else ""


def cores(nano: int) -> str:
    """Return billionths of a core as kubectl writes them: thousandths, at least one if any."""
    return f"{max(1, round(nano / _MILLI)) if nano else 0}m"


def mebibytes(count: int) -> str:
    """Return bytes as kubectl writes them."""
    return f"{max(1, round(count / _MIB)) if count else 0}Mi"


def notebook_list(found: Sequence[OfNotebook], not_measured: Sequence[str]) -> dict[str, Any]:
    """Return notebooks as JSON values; what is not known, or not limited, is null."""
    return _list("NotebookUsageList", [_notebook(one) for one in found], not_measured)


def node_list(found: Sequence[OfNode], not_measured: Sequence[str]) -> dict[str, Any]:
    """Return nodes as JSON values."""
    return _list("NodeUsageList", [_node(one) for one in found], not_measured)


def _list(kind: str, items: list[dict[str, Any]], not_measured: Sequence[str]) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "items": items,
        "notMeasured": list(not_measured),
    }


def _notebook(one: OfNotebook) -> dict[str, Any]:
    spec = one.record.spec if one.record is not None else None
    return {
        "name": one.name,
        "user": spec.user if spec else None,
        "server": spec.server if spec else None,
        "node": one.node,
        "nodeId": one.node_id,
        **_amounts(one.usage, one.requests, one.limits),
    }


def _node(one: OfNode) -> dict[str, Any]:
    return {
        "name": one.machine.hostname,
        "id": one.machine.id,
        "state": one.machine.state,
        "notebooks": one.notebooks,
        "capacity": _wire(one.machine.has),
        **_amounts(one.usage, one.requests, one.limits),
    }


def _amounts(usage: Usage | None, requests: Amounts, limits: Amounts) -> dict[str, Any]:
    used = None if usage is None else _wire(Amounts(usage.nano_cpus, usage.memory), zero=0)
    return {"usage": used, "requests": _wire(requests), "limits": _wire(limits)}


def _wire(amounts: Amounts, zero: int | None = None) -> dict[str, Any]:
    """Return cores and bytes."""
    cpu = amounts.nano_cpus / CORE if amounts.nano_cpus else zero
    return {"cpu": cpu, "memory": amounts.memory or zero}
