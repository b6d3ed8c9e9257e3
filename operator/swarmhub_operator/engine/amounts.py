"""How much of a node: what it has, what a task holds of it, what a notebook asks for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

CORE = 10**9  # the engine counts billionths of a core, and so no sum is ever rounded


@dataclass(frozen=True, slots=True)
class Amounts:
    """Billionths of a core, bytes of memory, and generic resources by kind."""

    nano_cpus: int = 0
    memory: int = 0
    generic: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, raw: Mapping[str, Any] | None) -> Self:
        """Read what the engine says that a node has or a task holds: both have one form."""
        found = raw or {}
        generic: dict[str, int] = {}
        for resource in found.get("GenericResources") or ():
            for kind, amount in _generic(resource):
                generic[kind] = generic.get(kind, 0) + amount
        return cls(found.get("NanoCPUs", 0), found.get("MemoryBytes", 0), generic)

    def __add__(self, other: Amounts) -> Amounts:
        kinds = {*self.generic, *other.generic}
        return Amounts(
            self.nano_cpus + other.nano_cpus,
            self.memory + other.memory,
            {kind: self.generic.get(kind, 0) + other.generic.get(kind, 0) for kind in kinds},
        )

    def __sub__(self, other: Amounts) -> Amounts:
        kinds = {*self.generic, *other.generic}
        left = {kind: self.generic.get(kind, 0) - other.generic.get(kind, 0) for kind in kinds}
        return Amounts(
            self.nano_cpus - other.nano_cpus,
            self.memory - other.memory,
            {kind: amount for kind, amount in left.items() if amount},
        )


NOTHING = Amounts()


def _generic(resource: Mapping[str, Any]) -> Iterable[tuple[str, int]]:
    """A node tells of each GPU by its name, or of so many disks: both are counted here."""
    named, discrete = resource.get("NamedResourceSpec"), resource.get("DiscreteResourceSpec")
    if named:
        yield named.get("Kind", ""), 1
    if discrete:
        yield discrete.get("Kind", ""), discrete.get("Value", 0)
