"""What must be true after each step: no file lost, no home empty that was not, no server twice."""

from __future__ import annotations

from typing import Any

from support import homes, look, running
from support.node import Node
from support.waiting import wait_for
from walk.site import NOTE, Person, Site


def check(site: Site) -> None:
    """Check everything.

    Raises:
        AssertionError: something must not be as it is.
    """
    twice = {name: n for name, n in running.believed(site.nodes.manager).items() if n > 1}
    assert not twice, f"The Swarm runs servers more than once: {twice}."
    for person in site.people:
        if person.floats:
            continue
        _check_containers(site, person)
        if person.written:
            _check_home(site, person)
    _check_leavers(site)


def _check_containers(site: Site, person: Person) -> None:
    """Check each container that runs, whatever the managers know of it: one, and with the file."""
    where = running.places(site.nodes.all, person.name)
    assert len(where) <= 1, f"{person.name} has servers on {where}."
    for name in where:
        _check_note(person, site.nodes.named(name))


def _check_home(site: Site, person: Person) -> None:
    """Check the copy that counts by the record, on the node's disk, whether it is on or off."""

    def place() -> str | None:
        record = site.record("home", person.home)
        assert record is not None, f"The record of {person.home} is gone."
        assert record["status"]["phase"] in ("Bound", "Moving"), _said(record)
        node: str | None = record["status"]["node"]
        return node

    def same_before_and_after() -> bool:
        before = place()
        assert before is not None, f"{person.home} is on no node."
        wrong = _wrong(person, site.nodes.named(before))
        if place() != before:  # it has just moved: what was read may be what was left behind
            return False
        assert not wrong, wrong
        return True

    wait_for(f"{person.home} to stay where it is", same_before_and_after, timeout=60)


def _check_note(person: Person, node: Node) -> None:
    wrong = _wrong(person, node)
    assert not wrong or not running.places([node], person.name), wrong


def _wrong(person: Person, node: Node) -> str:
    """Return what is wrong with a home on a node, or ""."""
    found = homes.content(node, person.home, NOTE)
    if not person.written or found in person.written:
        return ""
    return f"{person.home} on {node.name} holds {found!r}, not {sorted(person.written)}."


def _check_leavers(site: Site) -> None:
    """Check that only those homes went that were pruned; forget them once they have."""
    told = site.swarmhub("get", "homes", "-o", "name").split()
    site.leavers = [home for home in site.leavers if f"home/{home}" in told]


def _said(record: dict[str, Any]) -> str:
    status = record["status"]
    return f"{record['metadata']['name']} is {status['phase']}: {status['message']}"


def errands_end(site: Site, timeout: float) -> None:
    """Wait until nothing that was sent to a node is left.

    Raises:
        TimeoutError: something is.
    """
    manager = site.nodes.manager
    wait_for("all errands to end", lambda: not homes.errands(manager), timeout)
    assert not look.services(manager, "swarmhub.errand")
