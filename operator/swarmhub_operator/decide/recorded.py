"""The record that a service carries as a label, from which a lost store is made again. Pure.

It is JSON, so that people can read it too, and holds no secret: only the digest that names one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from pydantic import ValidationError
from swarmhub_crds.base import Metadata, Tolerant, UtcTime
from swarmhub_crds.home import Home, HomeSpec
from swarmhub_crds.notebook import Notebook, NotebookSpec

from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Service

LONGEST: Final = 2**18  # characters; the engine takes no change of more than 1.5 MiB


class RecordedHome(Tolerant):
    """A home that the notebook mounts."""

    name: str
    uid: str
    generation: int
    created_at: UtcTime
    spec_written_at: UtcTime | None = None
    spec: HomeSpec


class _Member(Tolerant):
    groups: frozenset[str] = frozenset()


class _Membership(Tolerant):
    spec: _Member


class Recorded(Tolerant):
    """What the other labels of a service do not say of its record."""

    created_at: UtcTime
    spec_written_at: UtcTime | None = None
    spec: NotebookSpec
    homes: tuple[RecordedHome, ...] = ()


def label(notebook: Notebook, homes: Iterable[Home]) -> dict[str, str]:
    """Return the label, or none if the record is too long for one."""
    meta = notebook.metadata
    recorded = Recorded(
        created_at=meta.created_at,
        spec_written_at=meta.spec_written_at,
        spec=notebook.spec,
        homes=tuple(_home(h) for h in sorted(homes, key=lambda h: h.metadata.name)),
    )
    content = recorded.model_dump(mode="json", exclude_defaults=True)
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return {labels.RECORD: text} if len(text) <= LONGEST else {}


def _home(home: Home) -> RecordedHome:
    meta = home.metadata
    return RecordedHome(
        name=meta.name,
        uid=meta.uid,
        generation=meta.generation,
        created_at=meta.created_at,
        spec_written_at=meta.spec_written_at,
        spec=home.spec,
    )


def read(service: Service) -> tuple[Notebook, tuple[Home, ...]] | None:
    """Return the record and the homes of which the service was made, without their statuses."""
    try:
        found = Recorded.model_validate_json(service.labels.get(labels.RECORD, ""))
        metadata = Metadata(
            name=service.labels.get(labels.NOTEBOOK, ""),
            uid=service.labels.get(labels.UID, ""),
            generation=service.generation,
            resource_version=1,
            created_at=found.created_at,
            updated_at=found.created_at,
            spec_written_at=found.spec_written_at,
        )
        homes = tuple(_as_home(home) for home in found.homes)
    except ValidationError:
        return None
    return Notebook(metadata=metadata, spec=found.spec), homes


def groups(service: Service) -> frozenset[str]:
    """Return the groups of the service's user as its record names them; none if it is not told."""
    try:
        found = _Membership.model_validate_json(service.labels.get(labels.RECORD, ""))
    except ValidationError:
        return frozenset()
    return found.spec.groups


def _as_home(found: RecordedHome) -> Home:
    metadata = Metadata(
        name=found.name,
        uid=found.uid,
        generation=found.generation,
        resource_version=1,
        created_at=found.created_at,
        updated_at=found.created_at,
        spec_written_at=found.spec_written_at,
    )
    return Home(metadata=metadata, spec=found.spec)
