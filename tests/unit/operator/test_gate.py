"""The gate of starts, and what the process knows of its health."""

from __future__ import annotations

from datetime import UTC, datetime

from support.records import node
from swarmhub_operator.engine.amounts import Amounts
from swarmhub_operator.engine.observed import Reservation
from swarmhub_operator.loop.gate import StartGate, places, quarters_of
from swarmhub_operator.loop.pulse import STALE, Pulse


def test_places_follow_the_cores_of_usable_nodes() -> None:
    """A node that takes no tasks gives no place; there is always one."""
    away = (node("n2", state="down"), node("n3", availability="drain"))
    assert places((node(), *away), 1) == 4
    assert places((node(), *away), 0.5) == 2
    assert places((node(), node("n4", cpus=2.0)), 1) == 6
    assert places((), 1) == places((node(),), 0.01) == 1


def test_what_other_services_hold_gives_no_place() -> None:
    """A start cannot count on their cores; what is held elsewhere does not matter."""
    held = [
        Reservation("db", "n1", Amounts(nano_cpus=1_500_000_000)),
        Reservation("db", "n1", Amounts(nano_cpus=1_500_000_000, memory=2**40)),
        Reservation("db", "n2", Amounts(nano_cpus=4_000_000_000)),
    ]
    assert places((node(),), 2, held) == 2
    assert places((node(), node("n2"), node("n3")), 1, held) == 5
    assert places((node("n2"),), 1, [*held, *held]) == 1


def test_those_that_may_take_little_of_a_core_may_be_more() -> None:
    """A class of servers with half a core each would else leave half of the cores idle."""
    given = (None, 2.0, 1.0, 0.51, 0.5, 0.3, 0.25, 0.01)
    assert [quarters_of(limit) for limit in given] == [4, 4, 4, 3, 2, 2, 1, 1]
    gate = StartGate()
    assert [gate.ask(n, 2, quarters=2) for n in "abc"] == [0, 0, 1]
    assert gate.hold("a", prepared=True) == "c"
    assert gate.ask("c", 2, quarters=2) == 0


def test_who_counts_little_passes_nobody() -> None:
    """Who needs the room of a whole one waits for it, and those behind with him."""
    gate = StartGate()
    gate.hold("x", prepared=True)
    gate.ask("a", 2, quarters=2)
    assert [gate.ask("b", 2), gate.ask("c", 2, quarters=2)] == [1, 2]
    gate.hold("a", prepared=True)
    assert gate.leave("x") == "b"
    assert [gate.ask("c", 2, quarters=2), gate.ask("b", 2)] == [2, 0]
    assert gate.ask("c", 2, quarters=2) == 1


def test_first_come_first_served() -> None:
    """Asking again neither loses nor gains a place."""
    gate = StartGate()
    assert [gate.ask(n, 4) for n in "abcd"] == [0, 0, 1, 2]
    assert [gate.ask(n, 4) for n in "dcba"] == [2, 1, 0, 0]
    assert gate.waiting() == 2


def test_who_asked_earlier_stands_before_who_is_seen_earlier() -> None:
    """Of many records that are written at once, the workers see any first."""
    gate = StartGate()
    gate.hold("x")
    asked = {name: datetime(2026, 11, 27, 20, 0, at, tzinfo=UTC) for at, name in enumerate("abcd")}
    assert [gate.ask(name, 1, name, asked[name]) for name in "dbca"] == [1, 1, 2, 1]
    assert [gate.ask(name, 1, name, asked[name]) for name in "abcd"] == [1, 2, 3, 4]
    assert gate.leave("x") == "a"


def test_half_of_them_are_prepared_at_the_same_time() -> None:
    """The next one is called as soon as one is, and no more start than the gate is wide."""
    gate = StartGate()
    assert [gate.ask(n, 2) for n in "abc"] == [0, 1, 2]
    assert gate.hold("a") is None
    assert gate.ask("b", 2) == 1
    assert gate.hold("a", prepared=True) == "b"
    assert gate.hold("a", prepared=True) is None
    assert [gate.ask(n, 2) for n in "bc"] == [0, 1]
    assert gate.hold("b", prepared=True) == "c"
    assert gate.ask("c", 2) == 1
    assert gate.leave("a") == "c"
    assert gate.ask("c", 2) == 0


def test_who_leaves_makes_room_for_the_first_in_line() -> None:
    """And tells who that is."""
    gate = StartGate()
    for name in "abc":
        gate.ask(name, 1)
    assert gate.leave("a") == "b"
    assert gate.ask("c", 1) == 2
    assert gate.ask("b", 1) == 0
    assert gate.ask("c", 1) == 1


def test_who_gives_up_in_line_makes_no_room() -> None:
    """But the others move up."""
    gate = StartGate()
    for name in "abc":
        gate.ask(name, 1)
    assert gate.leave("b") is None
    assert gate.ask("c", 1) == 1
    assert gate.leave("nobody") is None


def test_a_start_that_is_under_way_counts() -> None:
    """After a restart of the operator, what is starting already holds its place."""
    gate = StartGate()
    gate.hold("a")
    assert gate.ask("b", 1) == 1
    gate.hold("b")
    assert gate.waiting() == 0
    assert gate.ask("b", 1) == 0


def test_a_wider_gate_lets_more_in() -> None:
    """Nodes come and go."""
    gate = StartGate()
    assert [gate.ask(n, 1) for n in "abc"] == [0, 1, 2]
    assert [gate.ask(n, 5) for n in "bc"] == [0, 0]


def test_a_thread_that_falls_silent_is_noticed() -> None:
    """Heartbeats older than the limit are no life."""
    now = [100.0]
    pulse = Pulse(lambda: now[0])
    pulse.beat("sweep")
    now[0] += STALE
    assert pulse.alive()
    now[0] += 0.1
    assert not pulse.alive()
    pulse.beat("sweep")
    assert pulse.alive()


def test_a_dead_thread_is_not_forgotten_but_a_stopped_one_is() -> None:
    """After a lost lease the threads end on purpose."""
    now = [100.0]
    pulse = Pulse(lambda: now[0])
    pulse.beat("sweep")
    pulse.reset()
    now[0] += 1000
    assert pulse.alive()
    pulse.died("sweep")
    pulse.reset()
    assert not pulse.alive()
    assert pulse.summary()["dead"] == ["sweep"]


def test_trouble_outside_is_told_and_kills_nobody() -> None:
    """A restart would not mend the engine."""
    pulse = Pulse()
    pulse.leading = True
    pulse.report("engine", "down")
    assert pulse.summary() == {
        "alive": True,
        "ready": False,
        "leading": True,
        "trouble": {"engine": "down"},
        "dead": [],
    }
    pulse.report("engine", None)
    assert pulse.summary()["trouble"] == {}
