"""What the operator holds back: resources that no record wants, and why they are not removed."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from swarmhub_crds.base import Tolerant, UtcTime


class Why(StrEnum):
    """Why something is held."""

    NO_RECORD = "NoRecord"  # nobody remembers that it was deleted: the store may be an older one
    OLDER_RECORD = "OlderRecord"  # it was started after its record was last written
    SUSPICIOUSLY_MANY = "SuspiciouslyMany"  # deleted, but with too many others at once
    OTHER_STORE = "OtherStore"  # it belongs to another store; `id` is that one's uid


class Held(Tolerant):
    """One resource of the engine, as `swarmhub gc` lists it."""

    kind: Literal["service", "secret", "store"]
    id: str  # the engine's full id: what a confirmation names
    name: str
    notebook: str = ""
    user: str = ""
    uid: str = ""  # of the record that it was made for
    why: Why
    message: str
    made_at: UtcTime | None = None

    @property
    def removable(self) -> bool:
        """Whether a person's confirmation lets the operator remove it."""
        return self.why is not Why.OTHER_STORE
