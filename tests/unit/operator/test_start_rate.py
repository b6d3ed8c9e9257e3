"""The gate lets so many starts a minute through, of all and of each user."""

from __future__ import annotations

import pytest
from swarmhub_operator.decide.quota_policy import StartRate
from swarmhub_operator.loop.gate import MINUTE, StartGate

WIDE = 100


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.time


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


def test_so_many_a_minute_and_the_others_in_line(clock: Clock) -> None:
    """First come first served, also if the second asks before the first."""
    gate = StartGate(StartRate(per_minute=2), clock)
    assert [gate.ask(name, WIDE) for name in "abcd"] == [0, 0, 1, 2]
    for name in "ab":
        gate.hold(name)
        gate.leave(name)
    assert gate.ask("c", WIDE) == 1
    clock.time += MINUTE
    assert [gate.ask(name, WIDE) for name in "edc"] == [3, 0, 0]
    assert gate.ask("e", WIDE) == 1


def test_who_is_at_his_own_limit_keeps_no_other(clock: Clock) -> None:
    """He stands first in line, and those behind him pass."""
    gate = StartGate(StartRate(user_per_minute=1), clock)
    asked = [gate.ask(name, WIDE, name[0]) for name in ("a1", "a2", "a3", "b1")]
    assert asked == [0, 1, 2, 0]
    clock.time += MINUTE
    assert [gate.ask(name, WIDE, "a") for name in ("a3", "a2")] == [2, 0]


def test_who_waits_for_himself_needs_no_room(clock: Clock) -> None:
    """However much of it he would: who counts for less and stands behind him passes."""
    gate = StartGate(StartRate(user_per_minute=1), clock)
    assert gate.ask("a1", 1, "a", quarters=1) == 0
    gate.hold("a1", prepared=True)
    assert [gate.ask("a2", 1, "a"), gate.ask("b1", 1, "b", quarters=2)] == [1, 0]


def test_who_waits_for_himself_takes_none_of_the_total(clock: Clock) -> None:
    """Both limits hold at once."""
    gate = StartGate(StartRate(per_minute=2, user_per_minute=1), clock)
    asked = [gate.ask(name, WIDE, name[0]) for name in ("a1", "a2", "b1", "c1")]
    assert asked == [0, 1, 0, 2]


def test_a_start_of_which_nothing_came_does_not_count(clock: Clock) -> None:
    """It was refused, or waits for a node: it asks again."""
    gate = StartGate(StartRate(per_minute=1), clock)
    assert gate.ask("a", WIDE) == 0
    gate.leave("a")
    assert gate.ask("a", WIDE) == 0
    gate.hold("a")
    gate.leave("a")
    assert gate.ask("b", WIDE) == 1


def test_what_ran_before_the_operator_counts_for_no_rate(clock: Clock) -> None:
    """It was held, and never asked."""
    gate = StartGate(StartRate(per_minute=1), clock)
    gate.hold("a")
    assert gate.ask("b", WIDE) == 0


def test_the_width_holds_too(clock: Clock) -> None:
    """A minute is no room on the nodes."""
    gate = StartGate(StartRate(per_minute=5), clock)
    assert [gate.ask(name, 1) for name in "ab"] == [0, 1]
