"""Whose home a volume is, whatever the hub has written down."""

from __future__ import annotations

from support.records import NOW, STORE, home, home_mount, notebook, service, spec, wanted
from swarmhub_crds.inventory import FoundVolume, Inventory
from swarmhub_crds.notebook import Mount
from swarmhub_operator.decide.owners import UNKNOWN, owners

ASKED = spec(mounts=(Mount(volume="home-eve", target="/x"), Mount(volume="data", target="/y")))


def volume(user: str, store: str = STORE) -> Inventory:
    """Return the inventory of a node with one volume."""
    found = FoundVolume(name="home-eve", store=store, user=user)
    return Inventory(node_id="n1", node="n1", taken_at=NOW, volumes=(found,))


def test_a_record_says_whose_it_is() -> None:
    """Also of a volume that the notebook does not call a home."""
    assert owners(ASKED, {"home-eve": home("home-eve", user="eve")}, (), ()) == {
        "home-eve": {"eve"}
    }
    assert owners(ASKED, {"home-eve": None}, (), ()) == {"home-eve": {UNKNOWN}}
    assert owners(ASKED, {}, (), ()) == {}


def test_the_volume_and_who_uses_it_outvote_a_record_that_lies() -> None:
    """The hub writes neither labels of volumes nor those of services."""
    lie = {"home-eve": home("home-eve", user="ada")}
    assert owners(ASKED, lie, (volume("eve"),), ())["home-eve"] == {"ada", "eve"}
    record = notebook("eve", user="eve", mounts=(home_mount("home-eve"),))
    used = service(wanted(record, home("home-eve", user="eve")))
    assert owners(ASKED, lie, (), (used,))["home-eve"] == {"ada", "eve"}


def test_what_another_store_has_labelled_is_nobody_elses() -> None:
    """A hub cannot name the home of another hub's user as that of one of its own."""
    found = owners(ASKED, {}, (volume("eve", store="another"),), ())
    assert found == {"home-eve": {"eve"}}
