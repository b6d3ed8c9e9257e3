"""Memory over time, as the page shows it: what servers hold, what is in use, what there is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from swarmhub_crds.footprint import Footprint
from swarmhub_crds.node import SeenNode
from swarmhub_crds.notebook import Phase
from swarmhub_spawner.page import memoryplots
from swarmhub_spawner.page.history import BUCKET, BUCKETS
from swarmhub_spawner.page.memory import InUse, Memory, MemoryHistory, Reading, most, reading
from unit.spawner.fleet import notebook

NOW = datetime(2026, 3, 1, 12, 34, tzinfo=UTC)
GIB = 2**30
HELD = st.builds(
    lambda servers, reserved, more: Footprint(servers, reserved, reserved + more, servers // 2),
    st.integers(0, 10**4),
    st.integers(0, 2**50),
    st.integers(0, 2**50),
)
IN_USE = st.none() | st.builds(InUse, st.integers(0, 2**45), st.integers(0, 2**45), st.just(("a",)))
READINGS = st.builds(Reading, HELD, st.integers(0, 2**50), IN_USE)
MOMENTS = st.lists(st.tuples(st.integers(0, 500), READINGS), max_size=30)


def kept(moments: list[tuple[int, Reading]]) -> Memory:
    """Return what is known after readings, each so many minutes before now."""
    history = MemoryHistory()
    for minutes, one in sorted(moments, key=lambda m: -m[0]):
        history.note(NOW - timedelta(minutes=minutes), one)
    return history.told(NOW)


def test_a_reading() -> None:
    """Of servers that are on a node, and nodes that are up; in use where that is told."""
    nodes = [
        SeenNode(id="n1", hostname="one", state="ready", memory=16 * GIB, memory_used=3 * GIB),
        SeenNode(id="n2", hostname="two", state="ready", memory=16 * GIB),
        SeenNode(id="n3", hostname="three", state="down", memory=16 * GIB, memory_used=GIB),
    ]
    records = [notebook("ada"), notebook("bob", phase=Phase.PENDING), notebook("cleo")]
    found = reading(records, nodes)
    assert (found.held.servers, found.has) == (2, 32 * GIB)
    assert found.in_use == InUse(3 * GIB, 16 * GIB, ("one",))
    assert reading([], []) == Reading()


@settings(deadline=None)
@given(MOMENTS)
def test_six_hours_are_kept(moments: list[tuple[int, Reading]]) -> None:
    """The most of each ten minutes, each figure for itself; nothing that is older."""
    told = kept(moments)
    assert len(told.spans) == BUCKETS
    for span in told.spans:
        inside = [
            one
            for minutes, one in moments
            if span.begin <= NOW - timedelta(minutes=minutes) < span.begin + BUCKET
        ]
        assert (span.most is None) == (not inside)
        if span.most is not None:
            assert span.most.held.reserved == max(one.held.reserved for one in inside)
            assert span.most.held.most == max(one.held.most for one in inside)
            assert span.most.has == max(one.has for one in inside)
            used = [one.in_use.used for one in inside if one.in_use is not None]
            shown = span.most.in_use.used if span.most.in_use is not None else None
            assert shown == max(used, default=None)


@given(READINGS, READINGS)
def test_the_most_of_two(one: Reading, other: Reading) -> None:
    """What is told once more changes nothing."""
    both = most(one, other)
    assert most(both, other) == both
    assert most(one, one) == one


@settings(deadline=None, max_examples=60)
@given(MOMENTS)
def test_bars_stay_in_their_plot(moments: list[tuple[int, Reading]]) -> None:
    """Whatever the numbers are, nothing is drawn outside, and each piece says what it is."""
    told = kept(moments)
    for plot in (memoryplots.held(told), memoryplots.used(told)):
        assert plot.summary.endswith(".")
        kinds = {kind for kind, _ in plot.legend}
        for bar in plot.bars:
            assert bar.kind in kinds
            assert bar.title
            assert 0 <= bar.x <= bar.x + bar.width <= plot.width + 1
            assert 0 <= bar.y <= bar.y + bar.height <= plot.height


def test_in_words() -> None:
    """The same as is drawn: for who does not see it."""
    before = Reading(Footprint(4, 8 * GIB, 16 * GIB, 0), 32 * GIB, InUse(9 * GIB, 16 * GIB, ("a",)))
    now = Reading(Footprint(1, 2 * GIB, 4 * GIB, 1), 32 * GIB, InUse(3 * GIB, 16 * GIB, ("a",)))
    told = kept([(60, before), (0, now)])
    held, used = memoryplots.held(told), memoryplots.used(told)
    assert held.title == "Memory of servers, in GiB"
    assert held.summary == (
        "Now, for 1 server: 2 GiB reserved, 4 GiB at most, the nodes have 32 GiB. "
        "1 has no limit of its own, and counts as reserved. Last six hours: up to 8 GiB reserved."
    )
    assert [mark.text for mark in held.levels] == ["0", "25", "50"]
    assert used.summary == (
        "Now on a, by all that runs there: 3 GiB of 16 GiB in use. Last six hours: up to 9 GiB."
    )
    assert {bar.kind for bar in held.bars} == {"reserved", "most", "has"}


@pytest.mark.parametrize(
    ("moments", "said"),
    [
        ([], "No node tells how much is in use."),
        ([(0, Reading())], "No node tells how much is in use."),
        (
            [(30, Reading(in_use=InUse(GIB, 2 * GIB, ("a",)))), (0, Reading())],
            "No node tells how much is in use. Last six hours: up to 1 GiB.",
        ),
    ],
)
def test_what_is_not_told_is_said(moments: list[tuple[int, Reading]], said: str) -> None:
    """Instead of a plot of nothing."""
    told = kept(moments)
    assert memoryplots.used(told).summary == said
    assert memoryplots.held(told).summary.startswith("No server is on a node now;")
