"""The database is locked by another process."""

from __future__ import annotations

import logging
import time

from survival.site import Site
from survival.witness import Witness

BEFORE = ["leo-old-1", "leo-old-2"]
USERS = [f"leo-{number}" for number in range(5)]
LOCKED_FOR = 12.0  # seconds; a statement waits for five, a lease lasts for fifteen
log = logging.getLogger(__name__)


def test_store_locked_while_notebooks_start(site: Site) -> None:
    """What was written before is done once the lock is gone, and each of it once."""
    site.run(*BEFORE)
    tasks = site.task_ids()
    with Witness(site.manager, site.store) as witness:
        site.start(*USERS)
        with site.locked():
            time.sleep(LOCKED_FOR)
            assert tasks <= site.task_ids()
        began = time.monotonic()
        site.assert_settled(*BEFORE, *USERS)
    log.info("settled %.1f s after the lock's end", time.monotonic() - began)
    assert tasks <= site.task_ids()
    assert {len(ids) for ids in witness.made.values()} == {1}
    assert set(witness.most.values()) == {1}
    assert [site.starts(user) for user in USERS] == [1] * len(USERS)
    assert set(site.restarts(*BEFORE, *USERS).values()) == {(0, 0)}
    assert site.marked(*BEFORE)
