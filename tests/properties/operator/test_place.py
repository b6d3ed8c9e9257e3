"""Whatever the nodes and the wish: the choice of a node, and what is said if there is none."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from support.records import GIB, NOW, node
from swarmhub_crds.constraint import Constraint
from swarmhub_operator.decide.filters import FILTERS, Candidate, Wish
from swarmhub_operator.decide.place import impossible, place
from swarmhub_operator.engine.amounts import CORE, Amounts
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.engine.tally import Load

NAMES = ("n1", "n2", "n3", "n4", "n5")
KINDS = st.dictionaries(st.sampled_from(("gpu", "GPU")), st.integers(0, 3))
AMOUNTS = st.builds(
    Amounts,
    nano_cpus=st.integers(0, 5).map(lambda cores: cores * CORE),
    memory=st.integers(0, 9).map(lambda size: size * GIB),
    generic=KINDS,
)
NODES = st.builds(
    node,
    st.sampled_from(NAMES),
    hostname=st.sampled_from(("a", "b", "c", "")),
    state=st.sampled_from(("ready", "ready", "ready", "down", "unknown")),
    availability=st.sampled_from(("active", "active", "active", "pause", "drain")),
    role=st.sampled_from(("worker", "manager")),
    labels=st.dictionaries(st.just("disk"), st.sampled_from(("ssd", "hdd"))),
    generic=KINDS,
    updated_at=st.sampled_from((None, NOW)),
)
SWARMS = st.lists(NODES, max_size=5, unique_by=lambda n: n.id).map(lambda s: {n.id: n for n in s})
LOADS = st.dictionaries(st.sampled_from(NAMES), st.builds(Load, AMOUNTS, st.integers(0, 4)))
CONSTRAINTS = st.builds(
    Constraint,
    st.sampled_from(("node.role", "node.labels.disk", "node.hostname")),
    st.booleans(),
    st.sampled_from(("worker", "ssd", "a")),
)
WISHES = st.builds(
    Wish,
    constraints=st.lists(CONSTRAINTS, max_size=2).map(tuple),
    amounts=AMOUNTS,
    holders=st.frozensets(st.sampled_from(NAMES), max_size=1),
)


def fits(wish: Wish, on: Node, loads: dict[str, Load]) -> bool:
    """Return whether a node passes every filter."""
    return all(f.passes(wish, Candidate(on, loads.get(on.id, Load()))) for f in FILTERS)


@given(WISHES, SWARMS, LOADS)
def test_a_node_is_chosen_that_passes_every_filter_if_there_is_one(
    wish: Wish, nodes: dict[str, Node], loads: dict[str, Load]
) -> None:
    """None that fails one is ever chosen; and among those that pass, one with fewest notebooks."""
    chosen = place(wish, nodes, loads, NOW).node
    good = [n for n in nodes.values() if fits(wish, n, loads)]
    assert (chosen is None) == (not good)
    if chosen is not None:
        assert chosen in good
        fewest = min(loads.get(n.id, Load()).notebooks for n in good)
        assert loads.get(chosen.id, Load()).notebooks == fewest


@given(WISHES, SWARMS, LOADS)
def test_every_node_that_was_considered_is_explained(
    wish: Wish, nodes: dict[str, Node], loads: dict[str, Load]
) -> None:
    """By its name, in one sentence; if there is a choice, all the others that are no good."""
    choice = place(wish, nodes, loads, NOW)
    bad = {n.id for n in nodes.values() if not fits(wish, n, loads)}
    assert {n.id for n, _ in choice.faults} == bad
    sentence = choice.explain()
    assert sentence.endswith(".")
    assert all((n.hostname or n.id) in sentence for n, _ in choice.faults)


@given(WISHES, SWARMS, LOADS, st.randoms(use_true_random=False))
def test_the_choice_does_not_depend_on_the_order_of_nodes(
    wish: Wish, nodes: dict[str, Node], loads: dict[str, Load], chance: random.Random
) -> None:
    """Nor on chance: a second operator would choose the same, and say the same."""
    mixed = list(nodes.items())
    chance.shuffle(mixed)
    one, other = place(wish, nodes, loads, NOW), place(wish, dict(mixed), loads, NOW)
    assert one == other
    assert one.explain() == other.explain()


@given(WISHES, SWARMS, LOADS)
def test_what_could_be_placed_is_never_called_impossible(
    wish: Wish, nodes: dict[str, Node], loads: dict[str, Load]
) -> None:
    """Whatever the nodes have given away or why they take nothing now."""
    if place(wish, nodes, loads, NOW).node is not None:
        assert impossible(wish, nodes.values()) is None


@given(WISHES, SWARMS, LOADS, st.sampled_from(NAMES), AMOUNTS)
def test_more_load_never_makes_room(
    wish: Wish, nodes: dict[str, Node], loads: dict[str, Load], where: str, more: Amounts
) -> None:
    """A notebook that waits is not let in by another one that comes."""
    fuller = {**loads, where: loads.get(where, Load()).plus(more)}
    if place(wish, nodes, loads, NOW).node is None:
        assert place(wish, nodes, fuller, NOW).node is None
