"""The one word that a record is shown and counted by. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from swarmhub_crds.home import Home, HomePhase
from swarmhub_crds.notebook import Notebook, Phase
from swarmhub_crds.sqlstore.codec import Broken

INVALID: Final = "Invalid"
DELETING: Final = "Deleting"
OF_NOTEBOOKS: Final[tuple[str, ...]] = (*Phase, DELETING, INVALID)
OF_HOMES: Final[tuple[str, ...]] = (*HomePhase, INVALID)


def phase_of(record: Notebook | Home | Broken) -> str:
    """Return the word to show: the phase, or that it is being deleted or cannot be read."""
    if isinstance(record, Broken):
        return INVALID
    if isinstance(record, Notebook) and record.metadata.deletion_requested_at is not None:
        return DELETING
    return record.status.phase


def count_phases(
    records: Iterable[Notebook | Home | Broken], phases: Iterable[str]
) -> dict[str, int]:
    """Return how many of `records` are in each of `phases`, zero among them."""
    counted = Counter(phase_of(record) for record in records)
    return {str(phase): counted[phase] for phase in phases}
