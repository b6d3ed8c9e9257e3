"""Two operators: whoever lost the lease does nothing more, wherever it stood when it lost it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from simulation import campaign, two_operators
from simulation.campaign import Case
from simulation.seam import Moment
from simulation.two_operators import lived

WORKLOADS = ("restart", "delete-delete")
PLANS = (
    ("stands-still", Moment.BEFORE),
    ("stands-still", Moment.LOST),
    ("crashes", Moment.AFTER),
    ("is-told-to-end", Moment.BEFORE),
)
FEWEST = 15  # calls of a workload: fewer would say that they are not seen


def cases() -> Iterator[Case]:
    """Yield one case for each call of each workload, for all that may happen to it."""
    for workload in WORKLOADS:
        for seed in range(campaign.factor()):
            calls = lived(workload, seed).calls
            assert calls >= FEWEST, f"{workload} made {calls} calls only."
            for number in range(calls):
                for how, moment in PLANS:
                    yield Case("two_operators", (workload, how, str(number), moment.name), seed)


@pytest.mark.timeout(campaign.within())
def test_whoever_lost_the_lease_is_heard_no_more() -> None:
    """At every call one of two operators stands still, crashes or is told to end."""
    report = campaign.run(cases(), two_operators.play)
    print(f"{report.runs} runs of two operators")  # noqa: T201 - a figure for whoever asks for it
    report.check()
