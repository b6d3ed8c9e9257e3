"""The operator is killed again and again while notebooks are started."""

from __future__ import annotations

import logging
import random
import time

from survival.site import Site
from survival.witness import Witness
from swarmhub_crds.notebook import Phase

USERS = [f"kim-{number:02}" for number in range(20)]
LONGEST_LIFE = 2.0  # seconds for which an operator leads
FEWEST_KILLS = 6
MOST_KILLS = 60
log = logging.getLogger(__name__)


def test_operator_killed_every_two_seconds_during_twenty_starts(site: Site) -> None:
    """Each start costs one service, one secret and one container; no kill makes another one.

    The lives have lengths of their own, so that the kills come at all moments of a start.
    """
    lengths = random.Random(7)
    with Witness(site.manager, site.store) as witness:
        site.start(*USERS)
        while site.operator.kills < FEWEST_KILLS or site.not_in(Phase.RUNNING, USERS):
            time.sleep(lengths.uniform(0.05, LONGEST_LIFE))
            site.operator.kill()
            site.operator.start()
            site.operator.wait_leading()
            assert site.operator.kills < MOST_KILLS, site.not_in(Phase.RUNNING, USERS)
        site.assert_settled(*USERS)
    kills = site.operator.kills
    log.info("%d kills, %d services made", kills, witness.creates)
    assert {user: len(witness.made[user]) for user in USERS} == dict.fromkeys(USERS, 1)
    assert witness.removals == 0
    assert {witness.most[user] for user in USERS} == {1}
    assert [site.starts(user) for user in USERS] == [1] * len(USERS)
    assert set(site.restarts(*USERS).values()) == {(0, 0)}
