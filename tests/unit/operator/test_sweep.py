"""What is garbage, and when nothing is removed after all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from support.records import NOW, later, metadata, notebook, relabelled, secret, service, wanted
from swarmhub_crds.held import Held, Why
from swarmhub_operator.decide.build import ownership
from swarmhub_operator.decide.policy import SweepPolicy
from swarmhub_operator.decide.sweep import Known, Orphan, Sweep, strangers, sweep
from swarmhub_operator.engine.observed import Service
from swarmhub_operator.engine.snapshot import Snapshot, index

POLICY = SweepPolicy(grace=60, brake_fraction=0.2, brake_floor=3)


def swarm(names: Iterable[str], strays: tuple[Service, ...] = ()) -> Snapshot:
    """Return a look at one service and one secret a name."""
    records = [notebook(n) for n in names]
    services = tuple(service(r, id=f"s-{r.metadata.name}") for r in records)
    secrets = tuple(
        secret(r, id=f"x-{r.metadata.name}", labels=ownership(wanted(r))) for r in records
    )
    return index(0.0, (*services, *strays), (), secrets, ())


def known(records: Iterable[str], **values: Any) -> Known:
    """Return what a store knows that holds `records`, and remembers the removal of all others."""
    have = {name: metadata(name) for name in records}
    removed = {f"uid-{name}" for name in (*"abcdefghij", *(f"n{i}" for i in range(30)))}
    return Known(**{"records": have, "removed": removed - {f"uid-{n}" for n in have}, **values})


def run(
    seen: Snapshot,
    records: Iterable[str],
    before: Mapping[str, datetime],
    seconds: float,
    **values: Any,
) -> Sweep:
    """Sweep `seconds` after NOW."""
    return sweep(seen, known(records, **values), before, later(seconds), POLICY)


def test_what_has_a_record_is_never_garbage() -> None:
    """However long it has been seen."""
    found = run(swarm("ab"), "ab", {"s-a": NOW, "x-a": NOW}, 1e6)
    assert (found.remove, found.brake, dict(found.seen)) == ((), None, {})


def test_garbage_is_removed_at_the_second_sight_and_after_its_grace() -> None:
    """Neither one sight nor a short while is enough."""
    seen = swarm("abcdefgh")
    records = "bcdefgh"
    first = run(seen, records, {}, 0)
    assert first.remove == ()
    early = run(seen, records, first.seen, 59)
    assert early.remove == ()
    due = run(seen, records, early.seen, 60)
    assert [(o.kind, o.id) for o in due.remove] == [("service", "s-a"), ("secret", "x-a")]


def test_without_grace_two_sights_are_still_needed() -> None:
    """A record written during the first sweep is there at the second."""
    hasty = SweepPolicy(grace=0)
    seen, records = swarm("abcdefgh"), known("bcdefgh")
    first = sweep(seen, records, {}, NOW, hasty)
    assert first.remove == ()
    assert len(sweep(seen, records, first.seen, NOW, hasty).remove) == 2


def test_what_found_a_record_again_begins_anew() -> None:
    """Its clock does not run while it is wanted."""
    seen = swarm("abcdefgh")
    first = run(seen, "bcdefgh", {}, 0)
    wanted_again = run(seen, "abcdefgh", first.seen, 30)
    assert run(seen, "bcdefgh", wanted_again.seen, 100).remove == ()


def test_services_go_before_secrets() -> None:
    """A secret in use refuses its removal."""
    names = [f"n{i}" for i in range(30)]
    seen = swarm(names)
    before = {o: NOW for n in ("n1", "n2") for o in (f"s-{n}", f"x-{n}")}
    found = run(seen, set(names) - {"n1", "n2"}, before, 99)
    assert [o.kind for o in found.remove] == ["service", "service", "secret", "secret"]


def test_a_second_service_without_a_record_is_garbage_too() -> None:
    """Strays are looked at as well."""
    stray = service(notebook("a"), id="s-a2", created_at=later(5))
    seen = swarm("abcdefghij", (stray,))
    before = dict.fromkeys(("s-a", "s-a2", "x-a"), NOW)
    assert {o.id for o in run(seen, "bcdefghij", before, 99).remove} == {"s-a", "s-a2", "x-a"}


def test_an_empty_store_removes_nothing() -> None:
    """More likely a lost database than a class that went home."""
    found = run(swarm("a"), "", {"s-a": NOW, "x-a": NOW}, 99)
    assert found.remove == ()
    assert {(h.id, h.why) for h in found.held} == {
        ("s-a", Why.SUSPICIOUSLY_MANY),
        ("x-a", Why.SUSPICIOUSLY_MANY),
    }
    assert found.brake is not None
    assert "holds no record" in found.brake
    assert set(found.seen) == {"s-a", "x-a"}


def test_too_much_at_once_removes_nothing() -> None:
    """More than a fifth is suspicious."""
    seen = swarm("abcdefgh")
    before = {f"{k}-{n}": NOW for k in "sx" for n in "ab"}
    found = run(seen, "cdefgh", before, 99)
    assert found.remove == ()
    assert found.brake is not None
    assert "4 of 16" in found.brake


def test_a_few_may_always_go() -> None:
    """A fifth of two notebooks is nothing, and garbage would stay for ever."""
    assert len(run(swarm("ab"), "b", {"s-a": NOW, "x-a": NOW}, 99).remove) == 2


def test_the_brake_is_let_go_once_all_is_well() -> None:
    """Nothing ripe, nothing to brake."""
    assert run(swarm("a"), "a", {}, 0).brake is None
    assert run(swarm("a"), "", {}, 0).brake is None


# -- held: no record, and no memory of a removal


def test_what_nobody_remembers_to_have_been_deleted_is_held() -> None:
    """An older backup lacks the notebook: it runs on, however often and long it is looked at."""
    seen = swarm("abcdefgh")
    before = {"s-a": NOW, "x-a": NOW}
    found = run(seen, "bcdefgh", before, 1e6, removed=frozenset())
    assert (found.remove, dict(found.seen)) == ((), {})
    assert found.behind
    assert [(h.kind, h.id, h.why, h.notebook, h.uid) for h in found.held] == [
        ("service", "s-a", Why.NO_RECORD, "a", "uid-a"),
        ("secret", "x-a", Why.NO_RECORD, "a", "uid-a"),
    ]
    assert found.brake is not None
    for told in ("1 service and 1 secret have no record", "state rebuild", "gc --confirm ID"):
        assert told in found.brake


def test_a_fresh_store_of_the_same_identity_holds_everything() -> None:
    """No record and no tombstone: nothing goes, and it is said that the store is empty."""
    found = run(swarm("abc"), "", dict.fromkeys(("s-a", "s-b", "s-c"), NOW), 1e6, removed=set())
    assert found.remove == ()
    assert len(found.held) == 6
    assert found.brake is not None
    assert found.brake.startswith("The store holds no record at all. 3 services and 3 secrets")


def test_a_confirmed_one_goes_and_no_other() -> None:
    """By its exact id; the brake does not keep it, and it is no longer called held back."""
    seen = swarm("ab")
    found = run(seen, "", {}, 0, removed=set(), confirmed={"s-a", "x-a"})
    assert found.remove == (
        Orphan("service", "s-a", "jupyter-a"),
        Orphan("secret", "x-a", secret(notebook("a")).name),
    )
    assert {h.id for h in found.held} == {"s-a", "x-a", "s-b", "x-b"}
    assert found.brake is not None
    assert "1 service and 1 secret" in found.brake
    braked = run(seen, "", {"s-a": NOW, "s-b": NOW}, 99, confirmed={"s-b"})
    assert [o.id for o in braked.remove] == ["s-b"]


def test_a_confirmation_does_nothing_once_there_is_a_record() -> None:
    """`state rebuild` came in between: what runs is wanted again."""
    found = run(swarm("a"), "a", {}, 99, removed=set(), confirmed={"s-a", "x-a"})
    assert (found.remove, found.held) == ((), ())


def test_a_server_that_is_newer_than_its_record_is_held() -> None:
    """The store is an older backup; its secret is its notebook's own business."""
    newer = relabelled(service(notebook("a"), id="s-a", created_at=later(5)), GENERATION="2")
    seen = swarm("", (newer,))
    found = run(seen, "a", {}, 0)
    assert [(h.id, h.why) for h in found.held] == [("s-a", Why.OLDER_RECORD)]
    assert found.remove == ()
    assert [o.id for o in run(seen, "a", {}, 0, confirmed={"s-a"}).remove] == ["s-a"]


def test_one_that_cannot_be_read_has_a_record() -> None:
    """Whatever it says, nothing of it is garbage."""
    found = sweep(swarm("a"), Known({"a": None}, {"uid-a"}), {}, NOW, POLICY)
    assert (found.remove, found.held, found.brake) == ((), (), None)


def test_another_stores_notebooks_are_told_and_not_listed_one_by_one() -> None:
    """They may be well looked after; nobody removes them from here."""
    own, other = service(notebook("a")), service(notebook("b"))
    others = [relabelled(other, STORE="other"), relabelled(other, STORE="other")]
    found = strangers([own, *others], "store-1")
    assert [(h.kind, h.id, h.name, h.removable) for h in found] == [
        ("store", "other", "2 notebooks", False)
    ]
    assert "`swarmhub state rebuild --from-store other`" in found[0].message
    assert all(isinstance(h, Held) for h in found)
