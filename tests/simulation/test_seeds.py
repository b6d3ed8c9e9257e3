"""Lives by chance: users, fate and faults as a seed decides, and a good end each time."""

from __future__ import annotations

import sys

import pytest
from simulation import campaign, seeds

SEEDS = 2000
WITHIN = 240.0  # seconds in which so many are played, or on a small machine at least
ENOUGH = 200


@pytest.mark.timeout(campaign.within())
def test_every_seed_comes_to_a_good_end() -> None:
    """All becomes as the records say and stays so, and nothing was done needlessly."""
    cases = map(seeds.case, range(SEEDS * campaign.factor()))
    seconds = WITHIN * campaign.factor()
    report = campaign.run(cases, seeds.play, seconds)
    sys.stderr.write(f"{report.runs} seeds\n")
    report.check()
    assert report.runs >= ENOUGH, f"{report.runs} seeds in {seconds:g} s: this machine is too slow"
