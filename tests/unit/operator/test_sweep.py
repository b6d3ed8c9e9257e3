"""What is garbage, and when nothing is removed after all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from support.records import NOW, later, notebook, secret, service, wanted
from swarmhub_operator.decide.build import ownership
from swarmhub_operator.decide.policy import SweepPolicy
from swarmhub_operator.decide.sweep import Sweep, sweep
from swarmhub_operator.engine.observed import Service, Snapshot, index

POLICY = SweepPolicy(grace=60, brake_fraction=0.2, brake_floor=3)


def swarm(names: Iterable[str], strays: tuple[Service, ...] = ()) -> Snapshot:
    """Return a look at one service and one secret a name."""
    records = [notebook(n) for n in names]
    services = tuple(service(r, id=f"s-{r.metadata.name}") for r in records)
    secrets = tuple(
        secret(r, id=f"x-{r.metadata.name}", labels=ownership(wanted(r))) for r in records
    )
    return index(0.0, (*services, *strays), (), secrets, ())


def run(
    seen: Snapshot, records: Iterable[str], before: Mapping[str, datetime], seconds: float
) -> Sweep:
    """Sweep `seconds` after NOW."""
    return sweep(seen, frozenset(records), before, later(seconds), POLICY)


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
    seen, records = swarm("abcdefgh"), frozenset("bcdefgh")
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
