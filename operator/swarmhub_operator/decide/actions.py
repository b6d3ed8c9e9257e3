"""What a plan asks to be done: data, in the order in which it is to be applied."""

from __future__ import annotations

from dataclasses import dataclass

from swarmhub_operator.decide.build import Placement
from swarmhub_operator.engine.observed import Node


@dataclass(frozen=True, slots=True)
class CreateSecret:
    """Make the secret that holds the notebook's secret environment."""

    name: str


@dataclass(frozen=True, slots=True)
class CreateService:
    """Make the notebook's service."""

    placement: Placement


@dataclass(frozen=True, slots=True)
class UpdateService:
    """Bring the service back to what the record says, or start a new task of it."""

    service_id: str
    version: int
    placement: Placement
    why: str
    repair: bool = False  # somebody else had changed it


@dataclass(frozen=True, slots=True)
class RemoveService:
    """Remove a service by its full id."""

    service_id: str
    why: str


@dataclass(frozen=True, slots=True)
class RemoveSecret:
    """Remove a secret by its full id."""

    secret_id: str
    name: str


@dataclass(frozen=True, slots=True)
class EraseSecretEnvironment:
    """Erase the secret environment from the store: the notebook has stopped."""

    generation: int


@dataclass(frozen=True, slots=True)
class AdoptHome:
    """Take a volume that a node has already for the home of its name."""

    volume: str
    node: Node
    own: bool  # it is labelled with this very home


@dataclass(frozen=True, slots=True)
class ReleaseHomes:
    """Say that the notebook's homes have lost their user."""

    volumes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RemoveRecord:
    """Remove the notebook's record: the end of its deletion."""


Action = (
    CreateSecret
    | CreateService
    | UpdateService
    | RemoveService
    | RemoveSecret
    | EraseSecretEnvironment
    | AdoptHome
    | ReleaseHomes
    | RemoveRecord
)
