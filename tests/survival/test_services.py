"""Services are removed behind the operator's back."""

from __future__ import annotations

from support.waiting import wait_for
from survival.site import Site
from survival.witness import Witness
from swarmhub_crds.notebook import Phase

USERS = [f"sue-{number}" for number in range(12)]


def test_all_services_removed(site: Site) -> None:
    """Each is made anew once, after its old container has ended, with the same home."""
    site.run(*USERS)
    with Witness(site.manager, site.store) as witness:
        wait_for("a first look", lambda: witness.creates == len(USERS))
        site.manager.docker("service", "rm", *(f"jupyter-{user}" for user in USERS))
        site.run("sid")
        site.stop("sid")
        wait_for("new services", lambda: witness.creates == 2 * len(USERS) + 1, timeout=40)
        site.assert_settled(*USERS)
        site.wait(Phase.STOPPED, "sid")
    assert {len(witness.made[user]) for user in USERS} == {2}
    assert {witness.most[user] for user in USERS} == {1}
    assert [site.starts(user) for user in USERS] == [2] * len(USERS)
    assert set(site.restarts(*USERS).values()) == {(0, 0)}
    assert site.marked(*USERS)
