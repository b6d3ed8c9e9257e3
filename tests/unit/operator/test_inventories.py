"""What the nodes' volumes say of homes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.records import NOW, home, node
from swarmhub_crds.home import Home, HomeOrders, HomePhase, HomeStatus, Place
from swarmhub_crds.inventory import FoundVolume, Inventory
from swarmhub_operator.decide.inventories import (
    Found,
    find,
    found_volume,
    lines,
    missing,
    parse,
    unrecorded,
)
from swarmhub_operator.engine.observed import Node, Volume

VOLUMES = st.lists(
    st.builds(
        FoundVolume,
        name=st.text(min_size=1),
        store=st.text(),
        uid=st.text(),
        user=st.text(),
        created_at=st.none() | st.just(NOW),
        size=st.none() | st.integers(0, 2**50),
    )
)
NODES = [node("n1"), node("n2"), node("n3", state="down")]


def inventory(ident: str, *volumes: FoundVolume) -> Inventory:
    """Return the inventory of a node."""
    return Inventory(node_id=ident, node=f"host-{ident}", taken_at=NOW, volumes=volumes)


def volume(name: str = "home-ada", **values: str) -> FoundVolume:
    """Return a volume that somebody made."""
    return FoundVolume.model_validate({"name": name, **values})


def own(name: str = "home-ada") -> FoundVolume:
    """Return the volume that was made for a home."""
    return volume(name, store="store-1", uid=f"uid-{name}")


def look(*known: Inventory, record: Home | None = None, silent: tuple[str, ...] = ()) -> Found:
    """Find a home, among three nodes of which the last is down."""
    inventories = {one.node_id: one for one in known}
    return find(record or home(), inventories, NODES, frozenset(silent))


@given(VOLUMES)
def test_what_is_written_is_read(found: list[FoundVolume]) -> None:
    """Whatever the names are."""
    assert parse("\n".join(lines(found))) == tuple(found)


@given(VOLUMES.filter(bool), st.data())
def test_half_an_inventory_is_none(found: list[FoundVolume], data: st.DataObject) -> None:
    """A log that was cut would else tell of homes that are lost."""
    text = "\n".join(lines(found))
    assert parse(text[: data.draw(st.integers(0, len(text) - 1))]) is None


@pytest.mark.parametrize("text", ["", "\n", "Permission denied", '{"volumes": 3}', "[]"])
def test_words_are_no_inventory(text: str) -> None:
    """What a program says that fails is not taken for an empty node."""
    assert parse(text) is None
    assert parse('{"volumes": 0}') == ()


def test_labels_that_matter_are_kept() -> None:
    """And nothing else of a volume, which may be a stranger's."""
    labels = {"swarmhub.store": "s", "swarmhub.uid": "u", "swarmhub.user": "ada", "x": "y"}
    raw = Volume("home-ada", labels, "local", {"device": "/srv"}, NOW)
    assert found_volume(raw) == FoundVolume(
        name="home-ada", store="s", uid="u", user="ada", created_at=NOW
    )
    assert found_volume(Volume("home-ada", {}, "local", {"type": "NFS"}, NOW)).shared


def test_a_volume_is_found_on_its_node() -> None:
    """Labelled or not; all other nodes have told that they do not have it."""
    others = inventory("n2"), inventory("n3")
    assert look(inventory("n1", volume()), *others) == Found(nodes=("n1",))
    assert look(inventory("n1", own()), *others) == Found(nodes=("n1",), own=frozenset({"n1"}))
    assert look(inventory("n1", volume("home-ada-2")), *others) == Found()


def test_a_node_that_has_not_told_is_asked() -> None:
    """One that is down, or has failed to tell, cannot be."""
    assert look(inventory("n1")) == Found(asked=("host-n2",), silent=("host-n3",))
    assert look(inventory("n1"), silent=("n2",)) == Found(silent=("host-n2", "host-n3"))


def test_what_a_dead_node_has_told_still_counts() -> None:
    """Its volume is where it was."""
    known = inventory("n1"), inventory("n2"), inventory("n3", volume())
    assert look(*known).nodes == ("n3",)


def test_the_very_own_volume_is_the_right_one_of_several() -> None:
    """Of strangers, a person has to choose."""
    assert look(inventory("n1", volume()), inventory("n2", own())).nodes == ("n2",)
    assert look(inventory("n1", volume()), inventory("n2", volume())).nodes == ("n1", "n2")
    assert look(inventory("n1", own()), inventory("n2", own())).nodes == ("n1", "n2")


def test_what_was_given_up_is_not_found() -> None:
    """Nor is its node asked for it."""
    record = home(orders=HomeOrders(forgotten=("n1", "n2")))
    assert look(inventory("n1", own()), record=record) == Found(silent=("host-n3",))


def test_a_bound_home_without_a_volume_is_missing() -> None:
    """One on another node, or on none, is not; nor is one that is being dealt with."""
    here = inventory("n1", own("there"))
    deleting = HomeStatus(phase=HomePhase.DELETING, node_id="n1")
    homes = [
        home("gone", node="n1"),
        home("there", node="n1"),
        home("elsewhere", node="n2"),
        home("new"),
        home("going", status=deleting),
        home("shared", driver="plugin", status=HomeStatus(phase=HomePhase.BOUND, node_id="n1")),
    ]
    assert missing(homes, here) == {"gone"}


def test_a_volume_of_ours_without_a_home_is_told() -> None:
    """Strangers' volumes are nobody's business; what a move left is on its way out."""
    left = HomeStatus(
        phase=HomePhase.BOUND, node_id="n2", leftovers=(Place(node_id="n1", node="host-n1"),)
    )
    homes = {
        "here": home("here", node="n1"),
        "moved": home("moved", node="n2"),
        "leaving": home("leaving", status=left),
        "shared": home("shared", driver="local", driver_options={"type": "nfs"}),
    }
    names = ("here", "moved", "leaving", "shared", "forgotten")
    found = inventory("n1", volume("stranger"), *(own(name) for name in names))
    unknown = unrecorded(homes, found, "store-1")
    assert [one.name for one in unknown] == ["moved", "forgotten"]
    assert unrecorded(homes, found, "store-2") == ()


def test_nodes_are_named_in_their_order() -> None:
    """A sentence does not change with the order in which the engine lists them."""
    nodes: list[Node] = [node("n3"), node("n1"), node("n2")]
    assert find(home(), {}, nodes).asked == ("host-n1", "host-n2", "host-n3")
