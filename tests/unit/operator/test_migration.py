"""Which volumes of an earlier spawner become homes, and what is told of the others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.records import NOW, home
from swarmhub_crds.escaping import Escape
from swarmhub_crds.home import Home, HomePhase
from swarmhub_crds.inventory import FoundVolume, Inventory
from swarmhub_crds.sqlstore.codec import Broken
from swarmhub_operator.decide.migration import plan, record
from swarmhub_operator.decide.oldspawner import Finding, Migration, Origin, Site, Step, Wish
from swarmhub_operator.decide.volumenames import DEFAULT, Reading, Template, TemplateError
from swarmhub_operator.engine.workloads import Workload, WorkloadKind

PLAIN = Template.parse(DEFAULT, Escape.ESCAPE)
LEGACY = Template.parse(DEFAULT, Escape.LEGACY)
WISH = Wish(Origin.DOCKERSPAWNER, (PLAIN,), (LEGACY,), ("jupyterhub-*",))
SERVICES = replace(WISH, origin=Origin.SWARMSPAWNER)


def container(user: str, *volumes: str, **values: Any) -> Workload:
    """Return a container that DockerSpawner has stopped."""
    given = {"kind": WorkloadKind.CONTAINER, "running": False, **values}
    name = f"jupyter-{user}"
    return Workload(id=f"id-{name}", name=name, user=user, volumes=frozenset(volumes), **given)


def service(user: str, *volumes: str, **values: Any) -> Workload:
    """Return a service of SwarmSpawner."""
    return container(user, *volumes, kind=WorkloadKind.SERVICE, running=True, **values)


def inventory(ident: str, *volumes: FoundVolume | str) -> Inventory:
    """Return the inventory of a node."""
    found = tuple(FoundVolume(name=v) if isinstance(v, str) else v for v in volumes)
    return Inventory(node_id=ident, node=f"host-{ident}", taken_at=NOW, volumes=found)


def site(*there: Workload | Inventory | Home) -> Site:
    """Return what is there."""
    return Site(
        tuple(one for one in there if isinstance(one, Workload)),
        tuple(one for one in there if isinstance(one, Inventory)),
        {one.metadata.name: one for one in there if isinstance(one, Home)},
    )


def only(found: Migration) -> Finding:
    """Return the one finding."""
    assert len(found.findings) == 1, found
    return found.findings[0]


def test_a_name_that_can_only_be_ones() -> None:
    """Its record names user and node; it is never to be removed, and not labelled."""
    found = only(plan(site(inventory("n1", "jupyterhub-user-ada", "postgres")), WISH))
    assert (found.step, found.user, found.node) == (Step.ADOPT, "ada", "host-n1")
    made = record(found, "u1", NOW)
    assert (made.metadata.name, made.spec.user) == ("jupyterhub-user-ada", "ada")
    assert (made.status.phase, made.status.node_id) == (HomePhase.BOUND, "n1")
    assert made.status.adopted


def test_a_name_that_two_could_have_is_left() -> None:
    """Until it is said how names are written, or who there is, or a server had it mounted."""
    volume = "jupyterhub-user-class-42"  # classB by DockerSpawner 12, class-42 before
    there = inventory("n1", volume)
    doubtful = only(plan(site(there), WISH))
    assert (doubtful.step, doubtful.user) == (Step.LEAVE, "")
    assert "class-42 or classB" in doubtful.why
    for wish, user in (
        (replace(WISH, doubts=()), "classB"),
        (replace(WISH, templates=(LEGACY,), doubts=()), "class-42"),
        (replace(WISH, templates=(LEGACY,), doubts=(PLAIN,), users={"class-42"}), "class-42"),
    ):
        found = only(plan(site(there), wish))
        assert (found.step, found.user) == (Step.ADOPT, user)
    seen = only(plan(site(there, container("classB", volume)), WISH))
    assert (seen.step, seen.user) == (Step.ADOPT, "classB")


@pytest.mark.parametrize(
    ("there", "wish", "why"),
    [
        ([], replace(WISH, users=frozenset({"bob"})), "no user of the list"),
        ([], replace(WISH, allowed=("work-*",)), "allowed_volumes"),
        ([inventory("n2", "jupyterhub-user-ada")], WISH, "on each of host-n1, host-n2"),
        (
            [container("ada", "jupyterhub-user-ada"), container("bob", "jupyterhub-user-ada")],
            WISH,
            "Servers of ada or bob mount it",
        ),
        ([container("bob", "jupyterhub-user-ada")], WISH, "would not be bob's: if it is a home"),
        (
            [container("ada", "jupyterhub-user-ada", running=True)],
            WISH,
            "In use by container jupyter-ada: stop that first",
        ),
        ([service("ada", "jupyterhub-user-ada")], SERVICES, "give --stop-services"),
        (
            [container("", "jupyterhub-user-ada", running=True)],
            replace(SERVICES, stop_services=True),
            "In use by container jupyter-: stop that first",
        ),
        ([home("jupyterhub-user-ada", user="ada"), container("bob", "jupyterhub-user-ada")], WISH,
         "it is ada's, but a server of bob mounts it"),
    ],
)  # fmt: skip
def test_what_is_left_and_why(there: list[Any], wish: Wish, why: str) -> None:
    """One sentence each, with what to do."""
    found = only(plan(site(inventory("n1", "jupyterhub-user-ada"), *there), wish))
    assert found.step is Step.LEAVE
    assert why in found.why


def test_names_of_the_other_escaping_are_not_passed_over() -> None:
    """They fit the template, but nobody's name is written so."""
    found = only(plan(site(inventory("n1", "jupyterhub-user-ada_2El")), WISH))
    assert (found.step, found.user) == (Step.LEAVE, "")
    assert "it would be ada.l's by the other way of escaping" in found.why
    there = (inventory("n1", found.name), container("ada.l", found.name))
    assert "give --escape" in only(plan(site(*there), WISH)).why


def test_what_needs_no_record() -> None:
    """Shares float, paths are no volumes; what is ours is none of a migration's business."""
    share = FoundVolume(name="jupyterhub-user-ada", shared=True)
    found = only(plan(site(inventory("n1", share), inventory("n2", share)), WISH))
    assert (found.step, "Any node can mount it" in found.why) == (Step.LEAVE, True)
    paths = frozenset({"/nfs/home/bob", "/etc/localtime"})
    found = only(plan(site(service("bob", paths=paths)), SERVICES))
    assert (found.step, found.name, "allowed_binds" in found.why) == (
        Step.LEAVE, "/nfs/home/bob", True,
    )  # fmt: skip
    ours = FoundVolume(name="jupyterhub-user-ada", store="s", user="ada")
    assert plan(site(inventory("n1", ours)), WISH).findings == ()
    assert plan(site(container("ada", "x", ours=True)), WISH).findings == ()


def test_a_service_goes_first_when_that_is_asked_for() -> None:
    """Then its home is free; a container of a service that is gone still writes."""
    volume = "jupyterhub-user-ada"
    server = service("ada", volume)
    there = (inventory("n1", volume), server)
    task = container("ada", volume, running=True, service="id-jupyter-ada")
    found = plan(site(*there, task), replace(SERVICES, stop_services=True))
    assert [one.name for one in found.stops] == ["jupyter-ada"]
    assert (only(found).step, found.running) == (Step.ADOPT, ())
    assert "jupyter-ada is removed first; the volume stays" in only(found).why
    assert plan(site(*there), SERVICES).running == (server,)
    late = only(plan(site(inventory("n1", volume), task), SERVICES))
    assert (late.step, late.used_by) == (Step.LEAVE, ("container jupyter-ada",))


def test_what_a_server_mounts_may_be_nowhere() -> None:
    """On a node that is down, for example."""
    found = only(plan(site(container("ada", "jupyterhub-user-ada")), WISH))
    assert (found.step, found.why) == (Step.LEAVE, "None of the nodes that could be asked has it.")


def test_a_record_that_cannot_be_read_stays() -> None:
    """And is told."""
    there = Site((), (inventory("n1", "jupyterhub-user-ada"),), {"jupyterhub-user-ada": BROKEN})
    assert only(plan(there, WISH)).step is Step.LEAVE


BROKEN = Broken(
    kind="Home",
    name="jupyterhub-user-ada",
    uid=None,
    message="Its spec cannot be read.",
    status=None,
    resource_version=None,
    deletion_requested_at=None,
)


def test_templates_with_servers() -> None:
    """Every user and server that fits is found; one that names no user is refused."""
    template = Template.parse("{username}-{servername}", Escape.ESCAPE)
    assert template.readings("ada-lab") == {Reading("ada", "lab")}
    assert template.readings("ada-") == {Reading("ada")}
    assert template.readings("a-2db-2dc") == {Reading("a-b", "2dc"), Reading("a", "2db-c")}
    twice = Template.parse("{username}_{raw_username}", Escape.ESCAPE)
    assert twice.readings("-41da_Ada") == {Reading("Ada")}
    assert twice.readings("-41da_ada") == frozenset()
    for wrong in ("jupyterhub-{", "shared", "{username}-{imagename}"):
        with pytest.raises(TemplateError):
            Template.parse(wrong, Escape.ESCAPE)
