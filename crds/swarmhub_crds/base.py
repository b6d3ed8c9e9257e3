"""What every record has: metadata, conditions, and the JSON habits of the wire form."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


def _as_utc(value: datetime) -> datetime:
    """Read a naive time as UTC, so that no local time zone can slip into a record."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


UtcTime = Annotated[datetime, AfterValidator(_as_utc)]

API_VERSION: Final = "swarmhub/v1"


class Model(BaseModel):
    """A frozen value, camelCase on the wire, that refuses fields it does not know."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        serialize_by_alias=True,
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
    )


class Tolerant(Model):
    """A value whose unknown fields are dropped, so that a newer writer's status is readable."""

    model_config = ConfigDict(extra="ignore")


class ConditionStatus(StrEnum):
    """Kubernetes' three answers: yes, no, not known."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Tolerant):
    """One typed fact in a status; `message` is one sentence for a person."""

    type: str
    status: ConditionStatus
    reason: str = Field(pattern=r"^[A-Z][A-Za-z0-9]*$")
    message: str = ""
    last_transition_time: UtcTime


class Metadata(Tolerant):
    """Identity and versions of a record.

    `generation` counts spec changes, and `spec_written_at` is the time of the last one.
    `resource_version` is the store's revision at the record's last write and is compared before
    each further one. `restart_of` is the id of the task that an administrator wants to have
    replaced; it means nothing once there is another.
    """

    name: str
    uid: str
    generation: int = Field(ge=1)
    resource_version: int = Field(ge=1)
    created_at: UtcTime
    updated_at: UtcTime
    deletion_requested_at: UtcTime | None = None
    spec_written_at: UtcTime | None = None  # None: by a swarmhub that did not note it
    restart_of: str | None = None

    @property
    def request(self) -> str:
        """What names the last write of the spec in the logs of hub and operator.

        No other has the same: a generation is never given twice under one uid. Swarm has both on
        the labels of what was made for it.
        """
        return f"{self.uid[:8]}.{self.generation}"


def find_condition(conditions: tuple[Condition, ...], kind: str) -> Condition | None:
    """Return the condition of type `kind`, or None."""
    return next((c for c in conditions if c.type == kind), None)


def set_condition(conditions: tuple[Condition, ...], new: Condition) -> tuple[Condition, ...]:
    """Return `conditions` with `new` in place of the one of its type.

    The transition time moves only when the status changes, as in Kubernetes.
    """
    old = find_condition(conditions, new.type)
    if old is None:
        return (*conditions, new)
    if old.status == new.status:
        new = new.model_copy(update={"last_transition_time": old.last_transition_time})
    return tuple(new if c.type == new.type else c for c in conditions)
