"""What a container uses, from two readings of its counters. Pure.

The engine where a container runs counts for it alone (GET /containers/ID/stats); a manager knows
nothing of containers on other nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from swarmhub_operator.engine import decode

_NANO: Final = 10**9


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading.

    Attributes:
        at: when, by the engine's clock.
        cpu: nanoseconds of CPU time that the container has had since it began.
        memory: bytes that it holds, without the files that the kernel could drop at once.
    """

    at: datetime
    cpu: int
    memory: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What is used: billionths of a core, and bytes."""

    nano_cpus: int = 0
    memory: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.nano_cpus + other.nano_cpus, self.memory + other.memory)


def read(raw: Mapping[str, Any]) -> Sample | None:
    """Read what the engine tells of a container; None if it does not run: then all is empty.

    Memory is counted as by `docker stats` and Kubernetes' working set: without inactive files,
    which cgroup v1 calls `total_inactive_file` and v2 `inactive_file`.
    """
    memory = raw.get("memory_stats") or {}
    cpu = (raw.get("cpu_stats") or {}).get("cpu_usage") or {}
    if not memory.get("usage"):
        return None
    details = memory.get("stats") or {}
    files = details.get("total_inactive_file", details.get("inactive_file", 0))
    held = memory["usage"]
    return Sample(
        at=decode.time(raw.get("read", "")),
        cpu=cpu.get("total_usage", 0),
        memory=held - files if files < held else held,
    )


def between(before: Sample | None, after: Sample | None) -> Usage | None:
    """Return what was used between two readings of one container, or None if that is not known.

    It is not if one is missing, no time has passed, or the counter has begun anew.
    """
    if before is None or after is None:
        return None
    seconds = (after.at - before.at).total_seconds()
    spent = after.cpu - before.cpu
    if seconds <= 0 or spent < 0:
        return None
    return Usage(round(spent / _NANO / seconds * _NANO), after.memory)
