"""The form of what `status` reports, and of its parts."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from swarmhub_crds.base import API_VERSION, Model, UtcTime


class OperatorState(StrEnum):
    """Whether an operator acts on the store."""

    LEADING = "Leading"  # one holds the lease
    EXPIRED = "Expired"  # the last one ended without a word, or hangs
    RELEASED = "Released"  # the last one stopped in good order
    NEVER_SEEN = "NeverSeen"


class StoreReport(Model):
    """The state database."""

    url: str
    path: str
    uid: str
    schema_version: int  # opening made sure that it is the one this command knows
    revision: int


class OperatorReport(Model):
    """Who acts."""

    state: OperatorState
    holder: str | None
    last_seen_at: UtcTime | None
    lease_expires_at: UtcTime | None


class Count(Model):
    """Records of one kind; `phases` names every phase, also those of none."""

    total: int
    phases: dict[str, int]


class Problem(Model):
    """Something wrong, and what to do. `needs_person`: it does not mend itself."""

    kind: Literal["Operator", "Node", "Notebook", "Home", "Held", "Image"]
    name: str
    phase: str
    message: str
    next_step: str
    needs_person: bool


class Report(Model):
    """All of `status`; its JSON form is documented in docs/cli.md and kept stable."""

    api_version: Literal["swarmhub/v1"] = API_VERSION
    kind: Literal["Status"] = "Status"
    healthy: bool
    store: StoreReport
    operator: OperatorReport
    nodes: Count
    notebooks: Count
    homes: Count
    images: Count
    problems: tuple[Problem, ...]
