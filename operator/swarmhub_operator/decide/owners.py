"""Whose homes the volumes of a notebook are, by all that is known besides its own record. Pure.

The hub writes the records of homes too. What services and volumes are labelled with, it cannot
write; so a home record that names another user than the volume does is found out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from swarmhub_crds.home import Home
from swarmhub_crds.inventory import Inventory
from swarmhub_crds.notebook import NotebookSpec

from swarmhub_operator.decide.mounting import Owners
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Service

UNKNOWN = ""  # the owner of a home whose record cannot be read: no user of a hub


def owners(
    spec: NotebookSpec,
    homes: Mapping[str, Home | None],
    inventories: Iterable[Inventory],
    services: Iterable[Service],
) -> Owners:
    """Return the users that each volume which the notebook mounts is known to be a home of.

    Args:
        spec: what is to run.
        homes: by volume, what the store has on it; None is a record that cannot be read.
        inventories: what volumes the nodes hold.
        services: those of this store that are there and mount any of the volumes.
    """
    found: dict[str, set[str]] = {}
    for volume, home in homes.items():
        found.setdefault(volume, set()).add(home.spec.user if home else UNKNOWN)
    for volume, user in (*_on_nodes(inventories), *_in_use(services)):
        found.setdefault(volume, set()).add(user)
    mounted = {mount.volume for mount in spec.mounts}
    return {volume: frozenset(users) for volume, users in found.items() if volume in mounted}


def _on_nodes(inventories: Iterable[Inventory]) -> Iterator[tuple[str, str]]:
    for inventory in inventories:
        for volume in inventory.volumes:
            # Another store's word counts too: whose home it is there, it is nobody else's here.
            if volume.user:
                yield volume.name, volume.user


def _in_use(services: Iterable[Service]) -> Iterator[tuple[str, str]]:
    for service in services:
        container = service.spec.get("TaskTemplate", {}).get("ContainerSpec", {})
        for mount in container.get("Mounts") or ():
            user = ((mount.get("VolumeOptions") or {}).get("Labels") or {}).get(labels.USER)
            if user:
                yield mount.get("Source", ""), user
