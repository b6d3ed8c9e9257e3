"""What a doctor looks at beside notebooks: the engine itself, and the networks of the Swarm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class About:
    """What an engine says of itself (`GET /info`).

    Attributes:
        name: hostname of its machine.
        version: of the engine.
        node_id: in the Swarm; "" outside of one.
        state: its part in the Swarm: active, inactive, pending, error, locked.
        manager: whether it can be asked about the Swarm (`ControlAvailable`).
        error: what is wrong with the Swarm, in the engine's words, as that it has no leader.
        root_ca: PEM of the Swarm's own authority; only managers tell it.
    """

    name: str
    version: str
    node_id: str
    state: str
    manager: bool
    error: str = ""
    root_ca: str = ""


@dataclass(frozen=True, slots=True)
class Network:
    """One network as the engine lists it."""

    id: str
    name: str
    driver: str
    subnets: tuple[str, ...] = ()


def about(raw: Mapping[str, Any]) -> About:
    """Read what an engine says of itself."""
    swarm = raw.get("Swarm") or {}
    tls = (swarm.get("Cluster") or {}).get("TLSInfo") or {}
    return About(
        name=raw.get("Name", ""),
        version=raw.get("ServerVersion", ""),
        node_id=swarm.get("NodeID", ""),
        state=swarm.get("LocalNodeState", ""),
        manager=bool(swarm.get("ControlAvailable")),
        error=swarm.get("Error", ""),
        root_ca=tls.get("TrustRoot", ""),
    )


def network(raw: Mapping[str, Any]) -> Network:
    """Read one network."""
    configs = (raw.get("IPAM") or {}).get("Config") or ()
    return Network(
        id=raw["Id"],
        name=raw.get("Name", ""),
        driver=raw.get("Driver", ""),
        subnets=tuple(config["Subnet"] for config in configs if config.get("Subnet")),
    )
