"""What one notebook takes of what all may have together."""

from __future__ import annotations

from dataclasses import dataclass

from swarmhub_operator.engine.amounts import NOTHING, Amounts


@dataclass(frozen=True, slots=True)
class Claim:
    """What one notebook takes of what all may have.

    Attributes:
        amounts: its limits, or guarantees where these are more.
        unlimited: which of memory and CPUs it may take without end.
    """

    user: str
    groups: frozenset[str] = frozenset()
    amounts: Amounts = NOTHING
    unlimited: frozenset[str] = frozenset()
