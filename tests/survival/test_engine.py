"""An engine ends and comes back: as by `systemctl restart docker`, or by a power cut."""

from __future__ import annotations

import logging
import time

import pytest
from support.waiting import wait_for
from survival.site import Site
from survival.witness import Witness
from swarmhub_crds.notebook import Phase

log = logging.getLogger(__name__)


def _end(site: Site, node: str, how: str) -> None:
    machine = site.cluster.nodes[node]
    machine.stop() if how == "stop" else machine.kill()


def _comes_back(site: Site, node: str) -> None:
    """Switch a node on; the operator's network went with the manager's engine."""
    site.cluster.nodes[node].start()
    if node == "manager":
        site.operator.end()
        site.operator.start()
        site.operator.wait_leading()


@pytest.mark.parametrize(("node", "how"), [("manager", "stop"), ("worker", "stop")])
def test_engine_restarted_while_twenty_notebooks_run(site: Site, node: str, how: str) -> None:
    """Notebooks on its node are started again, once and at no cost; those elsewhere run on.

    What is asked for while it is away is done: at once where that is possible, else afterwards.
    """
    users = [f"ron-{node}-{how}-{number:02}" for number in range(20)]
    site.run(*users)
    lives_on = {user: site.record(user).status.node for user in users}
    hit = [user for user in users if lives_on[user] == node]
    rest = [user for user in users if lives_on[user] != node]
    assert hit
    assert rest
    leaver, newcomer = hit.pop(), f"{hit[0]}-new"
    with Witness(site.manager, site.store) as witness:
        wait_for("a first look", lambda: witness.creates == len(users))
        tasks = {user: site.record(user).status.task_id for user in rest}
        _end(site, node, how)
        site.stop(leaver)
        site.start(newcomer)
        if node == "worker":
            site.wait(Phase.RUNNING, newcomer, timeout=30)
        began = time.monotonic()
        _comes_back(site, node)
        wait_for("the restarts", lambda: all(site.starts(u) == 2 for u in hit), timeout=60)
        site.assert_settled(*hit, *rest, newcomer)
        site.wait(Phase.STOPPED, leaver)
    log.info("%d of 20 hit; all settled %.1f s later", len(hit), time.monotonic() - began)
    assert {len(ids) for ids in witness.made.values()} == {1}
    assert set(witness.most.values()) == {1}
    assert set(site.restarts(*hit).values()) == {(1, 0)}
    assert set(site.restarts(*rest).values()) == {(0, 0)}
    assert site.starts(newcomer) == 1
    assert {user: site.record(user).status.task_id for user in rest} == tasks
    assert [site.starts(user) for user in rest] == [1] * len(rest)
    assert site.marked(*users)


@pytest.mark.parametrize("moment", ["first-create", "first-container"])
def test_manager_loses_power_while_notebooks_are_made(site: Site, moment: str) -> None:
    """Each notebook gets its one service, before or after; none is made twice."""
    users = [f"max-{moment}-{number}" for number in range(6)]
    with Witness(site.manager, site.store) as witness:
        site.start(*users)
        reached = {
            "first-create": lambda: witness.creates >= 1,
            "first-container": lambda: bool(witness.most),
        }[moment]
        wait_for(moment, reached, pause=0.005)
        _end(site, "manager", "kill")
        _comes_back(site, "manager")
        site.assert_settled(*users, looks=3)
    log.info("%d services made for %d notebooks", witness.creates, len(users))
    assert {user: len(witness.made[user]) for user in users} == dict.fromkeys(users, 1)
    assert set(witness.most.values()) == {1}
    # A container may have begun before the power went; it is then begun once more.
    assert all(site.starts(user) <= 2 for user in users)
    assert all(site.restarts(user)[user][1] <= 1 for user in users)
