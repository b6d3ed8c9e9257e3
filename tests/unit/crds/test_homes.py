"""What administrators write about homes, and what is known of the nodes' volumes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError
from swarmhub_crds.errors import Conflict, LeaseLost, NotFound
from swarmhub_crds.home import Home, HomeOrders, HomePhase, HomeSpec, HomeStatus
from swarmhub_crds.inventory import FoundVolume, Inventory
from swarmhub_crds.store import Store
from unit.crds.samples import is_home, notebook_spec

WHEN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def in_phase(store: Store, phase: HomePhase, fence: int) -> Home:
    """Return the home of ada, in a phase."""
    store.apply_notebook(notebook_spec(), homes={"home-ada": HomeSpec(user="ada")})
    meta = is_home(store.get_home("home-ada")).metadata
    status = HomeStatus(phase=phase)
    return is_home(
        store.put_home_status("home-ada", meta.uid, meta.resource_version, status, fence=fence)
    )


def test_orders_outlive_later_starts(store: Store) -> None:
    """The spawner writes the rest of the spec and does not know of them."""
    homes = {"home-ada": HomeSpec(user="ada")}
    store.apply_notebook(notebook_spec(), homes=homes)
    ordered = store.order_home("home-ada", move_to="n2")
    assert ordered.metadata.generation == 2
    store.order_home("home-ada", forgotten=("n1",))
    store.apply_notebook(notebook_spec(), homes=homes)
    found = is_home(store.get_home("home-ada"))
    assert found.spec.orders == HomeOrders(move_to="n2", forgotten=("n1",))
    assert found.metadata.generation == 3
    store.apply_notebook(notebook_spec(), homes={"home-ada": HomeSpec(user="ada", server="x")})
    assert is_home(store.get_home("home-ada")).spec.orders.move_to == "n2"


def test_the_same_order_again_writes_nothing(store: Store) -> None:
    """A command that is repeated wakes nobody."""
    store.apply_notebook(notebook_spec(), homes={"home-ada": HomeSpec(user="ada")})
    first = store.order_home("home-ada", move_to="n2")
    assert store.order_home("home-ada", move_to="n2") == first


def test_orders_that_are_none_are_refused(store: Store) -> None:
    """And so is a home that is none; nothing is written."""
    store.apply_notebook(notebook_spec(), homes={"home-ada": HomeSpec(user="ada")})
    before = store.get_home("home-ada")
    with pytest.raises(ValidationError):
        store.order_home("home-ada", reclaim="Delete")
    with pytest.raises(NotFound, match="swarmhub homes"):
        store.order_home("home-bob", move_to="n2")
    assert store.get_home("home-ada") == before


def test_a_released_home_can_be_given_up(store: Store, fence: int) -> None:
    """Once it is marked, a second time changes nothing; its spec is as it was."""
    released = in_phase(store, HomePhase.RELEASED, fence)
    marked = store.request_home_deletion("home-ada")
    assert marked.metadata.deletion_requested_at is not None
    assert marked.metadata.generation == released.metadata.generation
    assert marked.metadata.spec_written_at == released.metadata.spec_written_at
    assert store.request_home_deletion("home-ada") == marked


@pytest.mark.parametrize("phase", [HomePhase.PENDING, HomePhase.BOUND, HomePhase.LOST])
def test_a_home_with_a_user_is_not_given_up(store: Store, fence: int, phase: HomePhase) -> None:
    """The user is to be deleted first."""
    in_phase(store, phase, fence)
    with pytest.raises(Conflict, match="not Released"):
        store.request_home_deletion("home-ada")
    assert is_home(store.get_home("home-ada")).metadata.deletion_requested_at is None


def test_a_user_who_comes_back_takes_the_mark_away(store: Store, fence: int) -> None:
    """What was to be removed is in use again."""
    in_phase(store, HomePhase.RELEASED, fence)
    store.request_home_deletion("home-ada")
    store.apply_notebook(notebook_spec(), homes={"home-ada": HomeSpec(user="ada")})
    assert is_home(store.get_home("home-ada")).metadata.deletion_requested_at is None


def inventory(node: str, *volumes: str) -> Inventory:
    """Return the inventory of a node."""
    found = tuple(FoundVolume(name=name, store="s", uid="u") for name in volumes)
    return Inventory(node_id=node, node=f"host-{node}", taken_at=WHEN, volumes=found)


def test_inventories_are_kept_by_node(store: Store, fence: int) -> None:
    """A later one replaces the one before, and those of nodes that left are dropped."""
    store.put_inventory(inventory("n1", "a", "b"), fence=fence)
    store.put_inventory(inventory("n2"), fence=fence)
    store.put_inventory(inventory("n1", "a"), fence=fence)
    assert store.list_inventories() == [inventory("n1", "a"), inventory("n2")]
    store.forget_inventories({"n1"}, fence=fence)
    assert store.list_inventories() == [inventory("n2")]


def test_only_the_leader_writes_inventories(store: Store, fence: int) -> None:
    """As with all that the operator says."""
    with pytest.raises(LeaseLost):
        store.put_inventory(inventory("n1"), fence=fence + 1)
    assert store.list_inventories() == []


def test_shared_mounts_of_the_local_driver_float() -> None:
    """A volume that any node can mount is on no node."""

    def node_local(driver: str = "local", **options: str) -> bool:
        spec = HomeSpec(user="ada", driver=driver, driver_options=options)
        meta = {"name": "h", "uid": "u", "generation": 1, "resource_version": 1}
        times = {"created_at": WHEN, "updated_at": WHEN}
        return Home.model_validate({"metadata": {**meta, **times}, "spec": spec}).node_local

    assert node_local()
    assert node_local(type="none", o="bind", device="/srv/homes")
    assert node_local(type="tmpfs")
    assert not node_local(type="nfs", o="addr=10.0.0.2", device=":/homes")
    assert not node_local(type="nfs4")
    assert not node_local(type="CIFS")
    assert not node_local("rexray")
