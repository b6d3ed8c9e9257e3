"""A hub that changes its mind gets what it asked for last, whatever is under way."""

from __future__ import annotations

import pytest
from simulation import campaign, interruptions

FEWEST = 50  # interruptions that there are for sure


@pytest.mark.timeout(campaign.within())
def test_what_is_asked_for_last_is_what_comes_of_it() -> None:
    """Started, stopped or deleted in the midst of a stop, a deletion, a change, a restart."""
    seeds = range(campaign.factor())
    cases = [case for seed in seeds for case in interruptions.cases(seed)]
    assert len(cases) >= FEWEST, "the interruptions see next to no calls"
    campaign.run(cases, interruptions.play).check()
