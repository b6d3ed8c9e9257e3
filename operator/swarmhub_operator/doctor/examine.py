"""All checks, in the order in which they are told. Pure: facts in, findings out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from swarmhub_operator.doctor import (
    machines,
    managers,
    network,
    storage,
    supply,
    trust,
    versions,
)
from swarmhub_operator.doctor.facts import Facts
from swarmhub_operator.doctor.finding import Finding

CHECKS: Final[tuple[Callable[[Facts], tuple[Finding, ...]], ...]] = (
    managers.engine,
    managers.manager,
    managers.quorum,
    versions.versions,
    machines.nodes,
    machines.clock,
    machines.disk,
    network.names,
    network.addresses,
    network.endpoints,
    supply.registry,
    supply.images,
    storage.store,
    storage.schema,
    storage.state,
    storage.lease,
    storage.records,
    trust.policy,
    trust.files,
    trust.certificates,
)


def examine(facts: Facts) -> tuple[Finding, ...]:
    """Return what every check has to say; none is left out."""
    return tuple(finding for check in CHECKS for finding in check(facts))
