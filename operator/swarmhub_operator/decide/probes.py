"""What a probe of a node is asked, and what it tells: one JSON document. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError
from swarmhub_crds.base import UtcTime

from swarmhub_operator.decide.errands import Errand, Order

RESOLVE: Final = "--resolve="
CONNECT: Final = "--connect="


class Disk(BaseModel):
    """Room of a file system, in bytes; `free` is what is left to those who are not root."""

    model_config = ConfigDict(frozen=True)

    total: int
    free: int


class Sight(BaseModel):
    """What was seen from within a node; a trial that went well has an empty reason."""

    model_config = ConfigDict(frozen=True)

    at: UtcTime  # by the node's clock
    disk: Disk | None = None  # of the engine's data, where homes lie, too
    names: dict[str, str] = {}
    connections: dict[str, str] = {}


class Probe(BaseModel):
    """What a node told, and between which times of the asker's clock it was told."""

    model_config = ConfigDict(frozen=True)

    sight: Sight
    asked: datetime
    heard: datetime

    @property
    def skew(self) -> float:
        """Seconds by which the node's clock is ahead at least; below zero: behind."""
        ahead = (self.sight.at - self.heard).total_seconds()
        behind = (self.asked - self.sight.at).total_seconds()
        return ahead if ahead > 0 else -max(behind, 0.0)


def order(
    node: str, network: str | None, names: Sequence[str], registries: Sequence[str], by: str
) -> Order:
    """Return the errand that looks: without any privilege, beside the notebooks."""
    asked = (*(RESOLVE + n for n in names), *(CONNECT + r for r in registries))
    return Order(Errand.PROBE, node, asked, about=asked, network=network, within=120.0, by=by)


def read(text: str) -> Sight | None:
    """Read what a probe has written; None if it is not whole."""
    try:
        return Sight.model_validate_json(text.strip())
    except ValidationError:
        return None
