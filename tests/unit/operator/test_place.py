"""The choice of a node, and the one sentence for when there is none."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.records import GIB, NOW, home, home_mount, node, notebook, wanted
from swarmhub_crds.notebook import Mount, Resources
from swarmhub_operator.decide.filters import Wish
from swarmhub_operator.decide.place import Choice, impossible, place
from swarmhub_operator.decide.placing import wish
from swarmhub_operator.engine.amounts import Amounts
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.engine.tally import Load


def asked(resources: Resources) -> Wish:
    """Return what a notebook with these resources asks for."""
    return wish(wanted(notebook(resources=resources)))


def choose(what: Wish, *nodes: Node, **loads: Load) -> Choice:
    """Choose among nodes; loads are by node id."""
    return place(what, {n.id: n for n in nodes}, loads, NOW)


def test_the_node_with_the_fewest_notebooks_is_chosen() -> None:
    """Then the one with the most memory left, then the first by name."""
    a, b, c = node("a"), node("b", memory=16 * GIB), node("c", memory=16 * GIB)
    one = Load(Amounts(memory=GIB), 1)
    assert choose(Wish(), c, b, a).node == b
    assert choose(Wish(), a, b, c, b=one).node == c
    assert choose(Wish(), a, b, c, b=one, c=one).node == a
    foreign = Load(Amounts(memory=9 * GIB))
    assert choose(Wish(), a, b, b=foreign).node == a


def test_the_sentence_tells_of_each_node_why_it_is_no_good() -> None:
    """With the words of a person who waits for a server."""
    down = node("n2", hostname="worker2", state="down", updated_at=NOW - timedelta(minutes=89))
    small = node("n1", hostname="worker1", memory=2 * GIB)
    choice = choose(
        Wish(amounts=Amounts(memory=4 * GIB), holders=frozenset({"n2"})),
        down,
        small,
        node("n3", hostname="worker3"),
        node("n4", hostname="worker4"),
    )
    assert choice.node is None
    assert choice.explain() == (
        "No node can take your server now (worker1: 2 GiB free of 4 asked; worker2 holds your "
        "home but is down since 10:31 UTC; worker3, worker4: not where your home lies); "
        "it starts as soon as one can."
    )


def test_a_swarm_without_nodes_takes_nothing() -> None:
    """Nothing is made up."""
    assert choose(Wish()).explain() == (
        "No node can take your server now (the Swarm has none); it starts as soon as one can."
    )


def test_a_guarantee_must_fit_into_one_empty_node() -> None:
    """Two small nodes do not make a large one."""
    nodes = (node(), node("n2", cpus=64.0, memory=GIB, generic={"gpu": 2}))
    assert impossible(asked(Resources(mem_guarantee=8 * GIB, cpu_guarantee=4)), nodes) is None
    assert impossible(asked(Resources(generic={"gpu": 2})), nodes) is None
    for much in (
        Resources(mem_guarantee=8 * GIB, cpu_guarantee=5),
        Resources(generic={"gpu": 3}),
        Resources(generic={"GPU": 1}),
        Resources(generic={"gpu": 1}, mem_guarantee=2 * GIB),
    ):
        assert impossible(asked(much), nodes) is not None


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        (
            Resources(mem_guarantee=16 * GIB, cpu_guarantee=0.5),
            "16 GiB of memory and 0.5 CPUs it is guaranteed (host-n1: 8 GiB, 4 CPUs)",
        ),
        (
            Resources(generic={"gpu": 1}),
            "1 gpu it is guaranteed (host-n1: 8 GiB, 4 CPUs, 0 gpu)",
        ),
    ],
)
def test_the_sentence_names_what_is_asked_and_what_there_is(
    resources: Resources, words: str
) -> None:
    """A person sees at once by how much."""
    sentence = f"No node is large enough for the {words}; ask for less."
    assert impossible(asked(resources), (node(),)) == sentence


def test_a_home_on_a_node_that_is_too_small_is_told() -> None:
    """However large the others are."""
    record = notebook(mounts=(home_mount(),), resources=Resources(mem_guarantee=8 * GIB))
    nodes = (node("n1", memory=GIB), node("n2"))
    assert impossible(wish(wanted(record, home(node="n2"))), nodes) is None
    assert impossible(wish(wanted(record, home(node="n1"))), nodes) == (
        "The node that holds your home is not large enough for the 8 GiB of memory it is "
        "guaranteed (host-n1: 1 GiB, 4 CPUs); ask for less, or ask the administrator to move the "
        "home."
    )


def test_no_guarantee_always_fits() -> None:
    """Limits are no claim on a node."""
    assert impossible(asked(Resources(mem_limit=2**50, cpu_limit=900)), (node(),)) is None


def test_a_node_that_is_away_counts_and_unknown_nodes_refuse_nobody() -> None:
    """It may come back; and without a list nothing is known."""
    away = node(state="down", availability="drain")
    assert impossible(asked(Resources(mem_guarantee=8 * GIB)), (away,)) is None
    assert impossible(asked(Resources(mem_guarantee=8 * GIB)), ()) is None


def test_where_others_put_a_home_just_now_it_is_used() -> None:
    """A home that is bound knows better; one that floats is nowhere."""
    record = notebook(mounts=(home_mount(),))
    found = frozenset({"n2"})
    assert wish(wanted(record, home()), found).holders == found
    assert wish(wanted(record, home(node="n1")), found).holders == {"n1"}
    assert wish(wanted(record, home(driver="nfs-plugin")), found).holders == frozenset()
    shared = notebook(mounts=(Mount(volume="course", target="/c"),))
    assert wish(wanted(shared), found).holders == frozenset()
