"""Looking after homes on several nodes: where they are, and how those that were given up go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from unittest import mock

import pytest
from swarmhub_crds.home import HomeOrders, HomePhase, HomeSpec, HomeStatus, Place, Reclaim
from swarmhub_crds.inventory import FoundVolume
from swarmhub_crds.notebook import Desired
from swarmhub_crds.store import Store
from swarmhub_operator.decide.inventories import Found
from swarmhub_operator.decide.removals import Outcome
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.loop.homekeeping import REMOVALS
from unit.operator.fakeswarm import NODE, spec
from unit.operator.keeper import HOUR, OTHER, Keeper


@pytest.fixture
def keeper(store: Store) -> Iterator[Keeper]:
    """Yield a keeper that has looked at both nodes."""
    made = Keeper(store)
    made.round(3)
    yield made
    made.close()


# -- inventories


def test_every_node_is_asked_once_an_hour(keeper: Keeper) -> None:
    """Its own directly, the other by an errand, which leaves nothing behind."""
    keeper.round(100)
    assert [one.node_id for one in keeper.store.list_inventories()] == ["n1", "n2"]
    assert len(keeper.swarm.sent) == 1
    assert keeper.swarm.calls["own_volumes"] == 1
    assert keeper.swarm.errands(keeper.store.uid) == ()
    assert not keeper.keeper.busy
    keeper.round(2, HOUR)
    assert (len(keeper.swarm.sent), keeper.swarm.calls["own_volumes"]) == (2, 3)


def test_steady_homes_cost_two_calls_a_sweep(keeper: Keeper) -> None:
    """However many there are: a look for errands that somebody else may have left."""
    before = keeper.swarm.calls.total()
    keeper.round(10)
    assert keeper.swarm.calls.total() - before == 10


def test_nobody_is_asked_while_there_are_no_homes(keeper: Keeper) -> None:
    """An operator that finds another store in place of its own leaves nothing of that one."""
    zoe = keeper.there("zoe").metadata
    fence = keeper.leadership.fence
    keeper.store.remove_home(zoe.name, zoe.uid, zoe.resource_version, fence=fence)
    sent = len(keeper.swarm.sent)
    keeper.round(3, HOUR)
    assert len(keeper.swarm.sent) == sent


def test_no_inventory_waits_for_a_node_that_is_down(keeper: Keeper) -> None:
    """It is asked anew when it is back."""
    keeper.swarm.errand = lambda node, command: None  # it never ends
    keeper.round(seconds=HOUR)
    assert keeper.swarm.errands(keeper.store.uid) != ()
    keeper.nodes["n2"] = replace(OTHER, state="down")
    keeper.round()
    assert keeper.swarm.errands(keeper.store.uid) == ()
    keeper.nodes["n2"] = OTHER
    keeper.round()
    assert keeper.swarm.errands(keeper.store.uid) != ()


def test_a_single_node_costs_no_errand(store: Store) -> None:
    """Nor a look for one."""
    keeper = Keeper(store)
    keeper.nodes = {"n1": NODE}
    keeper.round(10)
    assert (keeper.swarm.calls["errands"], keeper.swarm.sent) == (0, [])


def test_a_node_that_has_left_is_forgotten(keeper: Keeper) -> None:
    """What it held is no longer anywhere."""
    keeper.nodes = {"n1": NODE}
    keeper.round()
    assert [one.node_id for one in keeper.store.list_inventories()] == ["n1"]


def test_an_answer_that_is_not_whole_is_none(store: Store) -> None:
    """It is asked for again a minute later; meanwhile nobody waits for it."""
    keeper = Keeper(store)
    keeper.swarm.errand = lambda *_: (0, "cut o")
    keeper.make("")
    home = keeper.put(HomeStatus())
    assert keeper.inventories.find(home, keeper.nodes).asked == ("host-n2",)
    keeper.round(5)
    assert keeper.inventories.find(home, keeper.nodes) == Found(silent=("host-n2",))
    assert len(keeper.swarm.sent) == 1
    keeper.swarm.errand = keeper.inventory
    keeper.round(2, 60)
    keeper.round()
    assert keeper.inventories.find(home, keeper.nodes) == Found()


def test_who_waits_for_an_inventory_makes_it_due(store: Store) -> None:
    """The keeper is woken, and says that it has work until it is done."""
    keeper = Keeper(store)
    home = keeper.make("")
    keeper.inventories.find(home, keeper.nodes)
    assert keeper.keeper.busy
    keeper.round(3)
    assert not keeper.keeper.busy


def test_an_inventory_of_before_does_not_count(keeper: Keeper) -> None:
    """The volume may have been made since, as somebody who tries it out does."""
    home = keeper.make("")
    keeper.now += 10
    assert keeper.inventories.find(home, keeper.nodes).asked == ("host-n2",)
    keeper.volumes = [FoundVolume(name="jupyterhub-ada")]
    keeper.round(3)
    assert keeper.inventories.find(home, keeper.nodes) == Found(nodes=("n2",))
    sent = len(keeper.swarm.sent)
    keeper.round(20)
    assert len(keeper.swarm.sent) == sent == 2


def test_what_was_asked_before_somebody_came_is_asked_again(store: Store) -> None:
    """The errand may have looked already."""
    keeper = Keeper(store)
    keeper.swarm.errand = lambda *_: None
    keeper.round(2)
    home = keeper.make("")
    keeper.inventories.find(home, keeper.nodes)
    keeper.swarm.errand = keeper.inventory
    keeper.round()
    assert keeper.inventories.find(home, keeper.nodes).asked == ("host-n2",)
    keeper.round(2)
    assert keeper.inventories.find(home, keeper.nodes) == Found()
    assert len(keeper.swarm.sent) == 2
    keeper.close()


def test_a_volume_of_the_own_node_is_seen_at_once(keeper: Keeper) -> None:
    """It may have been made since the inventory."""
    home = keeper.make("")
    keeper.swarm.volumes["jupyterhub-ada"] = {}
    assert keeper.inventories.find(home, keeper.nodes).nodes == ("n1",)


def test_inventories_outlive_the_operator(keeper: Keeper) -> None:
    """The next one knows what a node has told that is down now."""
    keeper.volumes = [FoundVolume(name="jupyterhub-ada")]
    keeper.round(2, HOUR)
    keeper.start()
    keeper.nodes["n2"] = replace(OTHER, state="down")
    assert keeper.inventories.find(keeper.make(""), keeper.nodes) == Found(nodes=("n2",))


# -- homes that went missing


def test_a_home_whose_volume_is_gone_is_lost_until_it_is_back(keeper: Keeper) -> None:
    """Nobody shall find an empty home in its place."""
    keeper.make()
    keeper.round(2, HOUR)
    home = keeper.there()
    assert home.status.phase is HomePhase.LOST
    assert "no longer on host-n2" in home.status.message
    assert "swarmhub homes forget jupyterhub-ada" in home.status.message
    keeper.volumes = [FoundVolume(name="jupyterhub-ada")]
    keeper.round(2, HOUR)
    assert (keeper.there().status.phase, keeper.there().status.message) == (HomePhase.BOUND, "")


def test_a_home_that_was_bound_after_the_question_is_not_lost(store: Store) -> None:
    """What the node says then is older than the volume."""
    keeper = Keeper(store)
    keeper.swarm.errand = lambda *_: None
    keeper.round()
    keeper.make()
    keeper.swarm.errand = keeper.inventory
    keeper.round(2)
    assert len(store.list_inventories()) == 2
    assert keeper.there().status.phase is HomePhase.BOUND


def test_an_inventory_of_an_earlier_operator_tells_of_no_loss(store: Store) -> None:
    """A home that was bound since is on no list of what is there."""
    keeper = Keeper(store)
    keeper.round()
    keeper.make()
    keeper.volumes = [FoundVolume(name="jupyterhub-ada")]
    keeper.start()
    keeper.round(3)
    assert keeper.there().status.phase is HomePhase.BOUND
    assert [v.name for one in store.list_inventories() for v in one.volumes] == ["jupyterhub-ada"]


def test_a_home_in_use_is_not_lost(keeper: Keeper) -> None:
    """The engine keeps a volume that is mounted: the inventory must be wrong."""
    keeper.make()
    keeper.store.set_desired("ada", Desired.RUNNING)
    keeper.round(2, HOUR)
    assert keeper.there().status.phase is HomePhase.BOUND


# -- removal on another node


def test_a_volume_on_another_node_is_removed_by_an_errand(keeper: Keeper) -> None:
    """It names the uid that the volume must carry; the record goes once the volume has."""
    keeper.make()
    uid = keeper.give_up().metadata.uid
    keeper.round()
    assert keeper.removals() == []  # its grace
    keeper.round(seconds=60)
    assert keeper.there().status.phase is HomePhase.DELETING
    keeper.round(3)
    assert keeper.removals() == [("n2", ["remove", "jupyterhub-ada", uid])]
    keeper.remove_with(Outcome.REMOVED)
    keeper.round()
    assert keeper.home() is None
    assert keeper.swarm.errands(keeper.store.uid) == ()


def test_what_was_removed_is_found_nowhere(keeper: Keeper) -> None:
    """A new home of that name is not looked for where an old inventory says that it is."""
    keeper.volumes = [FoundVolume(name="jupyterhub-ada")]
    keeper.round(2, HOUR)
    keeper.make()
    keeper.give_up()
    keeper.remove_with(Outcome.REMOVED)
    keeper.round(3, 60)
    assert keeper.home() is None
    found = keeper.inventories.find(keeper.make(""), keeper.nodes)
    assert (found.nodes, found.asked) == ((), ("host-n2",))


def test_a_removal_outlives_the_operator(keeper: Keeper) -> None:
    """The next one finds the errand by its name, and sends no second one."""
    keeper.make()
    keeper.give_up()
    keeper.round(2, 60)
    keeper.start()
    keeper.round(2)
    keeper.remove_with(Outcome.ABSENT)
    keeper.round()
    assert keeper.home() is None
    assert len(keeper.removals()) == 1


def test_what_is_on_its_way_is_not_called_back(keeper: Keeper) -> None:
    """While the errand may be done at any moment, nobody is let in."""
    keeper.make()
    keeper.give_up()
    keeper.round(2, 60)
    keeper.nodes["n2"] = replace(OTHER, state="down")
    keeper.round(3, is_behind=True)
    assert keeper.there().status.phase is HomePhase.DELETING
    keeper.nodes["n2"] = OTHER
    keeper.remove_with(Outcome.REMOVED)
    keeper.round()
    assert keeper.home() is None


@pytest.mark.parametrize(
    ("outcome", "words"),
    [(Outcome.FOREIGN, "was not made for this home"), (Outcome.IN_USE, "still in use")],
)
def test_a_volume_that_may_not_go_is_kept(keeper: Keeper, outcome: Outcome, words: str) -> None:
    """And can be mounted again."""
    keeper.make()
    keeper.give_up()
    keeper.remove_with(outcome)
    keeper.round(2, 60)
    keeper.round(20)
    assert words in keeper.there().status.message
    assert keeper.there().status.phase is HomePhase.RELEASED
    assert len(keeper.removals()) == 1


def test_a_volume_of_somebody_else_is_seldom_asked_about(keeper: Keeper) -> None:
    """Each time is a container on a node, and the answer is the same."""
    keeper.volumes = [FoundVolume(name="jupyterhub-ada")]
    keeper.make()
    keeper.give_up()
    keeper.remove_with(Outcome.FOREIGN)
    keeper.round(10, 120)
    assert len(keeper.removals()) == 1
    keeper.round(3, HOUR)
    assert len(keeper.removals()) > 1


def test_few_volumes_are_removed_at_once(keeper: Keeper) -> None:
    """Each removal is a program on a node where people work; all have their turn."""
    users = [f"user{number}" for number in range(2 * REMOVALS + 1)]
    for user in users:
        keeper.make(user=user)
        keeper.give_up(user)
    keeper.round(3, 61)
    assert len(keeper.removals()) == REMOVALS
    waiting = [user for user in users if keeper.there(user).status.phase is HomePhase.RELEASED]
    assert len(waiting) == len(users) - REMOVALS
    keeper.remove_with(Outcome.REMOVED)
    keeper.round(8)
    assert not any(keeper.home(user) for user in users)


def test_who_begins_to_look_for_a_home_meanwhile_disturbs_no_pass(keeper: Keeper) -> None:
    """Workers do so at any moment."""
    sought = keeper.inventories._sought
    sought.update(one=0.0, two=0.0)

    def clock() -> float:
        sought[f"another{len(sought)}"] = 0.0
        return keeper.now

    keeper.inventories._clock = clock
    keeper.round()


def test_the_pass_shows_that_it_is_alive(keeper: Keeper) -> None:
    """The engine may take half a minute for each of many homes."""
    for user in ("ada", "bob", "cleo"):
        keeper.make("n1", user=user)
        keeper.give_up(user)
    beats: list[float] = []
    keeper.now += 61
    keeper.keeper.look_after(keeper.nodes, is_behind=False, beat=lambda: beats.append(keeper.now))
    assert len(beats) == 3


@pytest.mark.parametrize("where", [{"state": "down"}, {"availability": "drain"}, None])
def test_a_removal_waits_for_its_node(keeper: Keeper, where: dict[str, str] | None) -> None:
    """Its user can come back meanwhile; the record says what it waits for."""
    keeper.make()
    keeper.give_up()
    if where is None:
        del keeper.nodes["n2"]
    else:
        keeper.nodes["n2"] = replace(OTHER, **where)  # type: ignore[arg-type]
    keeper.round(2, 60)
    home = keeper.there()
    assert home.status.phase is HomePhase.RELEASED
    assert "waits to be removed: the node host-n2" in home.status.message
    assert keeper.removals() == []


def test_without_an_image_to_send_a_person_is_asked(store: Store) -> None:
    """As before there were errands."""
    keeper = Keeper(store, image="")
    keeper.make()
    keeper.give_up()
    keeper.round(2, 60)
    assert "docker volume rm jupyterhub-ada" in keeper.there().status.message
    assert keeper.swarm.sent == []


def test_nothing_goes_while_the_store_knows_too_little(keeper: Keeper) -> None:
    """The home may be in use by what it has forgotten."""
    keeper.make()
    keeper.give_up()
    keeper.round(3, 60, is_behind=True)
    assert keeper.removals() == []


def test_a_home_that_is_kept_goes_when_an_administrator_says_so(keeper: Keeper) -> None:
    """At once, whatever its policy; no other one."""
    keeper.make(reclaim=Reclaim.RETAIN)
    keeper.give_up()
    keeper.round(3, 60)
    assert keeper.removals() == []
    keeper.store.request_home_deletion("jupyterhub-ada")
    keeper.remove_with(Outcome.REMOVED)
    keeper.round(2)
    assert keeper.home() is None


# -- what a move has left, and what was given up


def test_what_a_move_has_left_is_removed(keeper: Keeper) -> None:
    """On the other node by an errand; the home itself stays."""
    keeper.make("n1")
    left = {"leftovers": (Place(node_id="n2", node="host-n2"),)}
    keeper.put(keeper.there().status.model_copy(update=left))
    keeper.round(2)
    assert len(keeper.removals()) == 1
    keeper.remove_with(Outcome.REMOVED)
    keeper.round()
    assert keeper.there().status.leftovers == ()
    assert keeper.there().status.node_id == "n1"


def leave(keeper: Keeper, node: str) -> None:
    """Write down that a move has left a copy on a node."""
    left = {"leftovers": (Place(node_id=node, node=f"host-{node}"),)}
    keeper.put(keeper.there().status.model_copy(update=left))


def test_a_home_goes_after_all_that_a_move_has_left(keeper: Keeper) -> None:
    """Without its record nobody would remove that any more."""
    keeper.make("n1")
    leave(keeper, "n2")
    keeper.give_up()
    keeper.nodes["n2"] = replace(OTHER, state="down")
    keeper.round(3, 60)
    assert "until an older copy on host-n2 is removed" in keeper.there().status.message
    keeper.nodes["n2"] = OTHER
    keeper.remove_with(Outcome.REMOVED)
    keeper.round(3)
    assert len(keeper.removals()) == 1
    assert keeper.home() is None


def test_what_was_left_on_a_node_that_has_left_is_nobodys_matter(keeper: Keeper) -> None:
    """If it comes back, it does under another id."""
    keeper.make("n1")
    leave(keeper, "n2")
    keeper.nodes = {"n1": NODE}
    keeper.round()
    assert keeper.there().status.leftovers == ()


def test_a_failure_calls_nothing_back_that_is_on_its_way(keeper: Keeper) -> None:
    """What was not asked for in such a round may still be wanted."""
    keeper.make("n1")
    leave(keeper, "n2")
    keeper.round(2)
    assert len(keeper.swarm.errands(keeper.store.uid)) == 1
    failing = EngineError(Kind.UNAVAILABLE, "The engine does not answer.")
    with mock.patch.object(keeper.keeper, "_look_after", side_effect=failing):
        keeper.round()
    assert len(keeper.swarm.errands(keeper.store.uid)) == 1


def test_what_a_move_has_left_here_is_removed_by_its_uid(keeper: Keeper) -> None:
    """A volume that is another's stays."""
    home = keeper.make("n2")
    keeper.volumes = [FoundVolume(name="jupyterhub-ada")]
    left = {"leftovers": (Place(node_id="n1", node="host-n1"),)}
    for uid, stays in (("another", True), (home.metadata.uid, False)):
        keeper.swarm.volumes["jupyterhub-ada"] = {"swarmhub.uid": uid}
        keeper.put(keeper.there().status.model_copy(update=left))
        keeper.round()
        assert ("jupyterhub-ada" in keeper.swarm.volumes) == stays
        assert keeper.there().status.leftovers == ()


def test_the_place_where_a_home_is_is_never_a_leftover(keeper: Keeper) -> None:
    """Whatever the record says."""
    keeper.make("n2")
    left = {"leftovers": (Place(node_id="n2", node="host-n2"),)}
    keeper.put(keeper.there().status.model_copy(update=left))
    keeper.round(3)
    assert keeper.removals() == []
    assert keeper.there().status.leftovers == ()


def test_a_home_that_was_given_up_is_bound_to_no_node(keeper: Keeper) -> None:
    """Once: a later start may bind it to the very same node."""
    keeper.make("n2")
    keeper.store.order_home("jupyterhub-ada", forgotten=("n2",))
    keeper.round()
    status = keeper.there().status
    assert (status.phase, status.node_id, status.forgotten) == (HomePhase.PENDING, None, 1)
    assert keeper.there().spec.orders == HomeOrders(forgotten=("n2",))
    keeper.put(status.model_copy(update={"phase": HomePhase.BOUND, "node_id": "n2"}))
    keeper.round(2)
    assert keeper.there().status.node_id == "n2"


def test_a_home_in_use_is_not_given_up(keeper: Keeper) -> None:
    """Not before its server has been stopped."""
    keeper.make("n2")
    keeper.store.set_desired("ada", Desired.RUNNING)
    keeper.store.order_home("jupyterhub-ada", forgotten=("n2",))
    keeper.round(2)
    assert keeper.there().status.node_id == "n2"
    keeper.store.set_desired("ada", Desired.STOPPED)
    keeper.round()
    assert keeper.there().status.node_id is None


def test_a_user_who_is_gone_leaves_a_home_that_no_server_of_theirs_carries(keeper: Keeper) -> None:
    """The default server was never started, say; what its reclaim policy says is then done."""
    keeper.make(reclaim=Reclaim.RETAIN)
    keeper.store.request_deletion("somebody-else", last_of="bob")
    keeper.round()
    assert keeper.there().status.phase is HomePhase.BOUND
    keeper.store.request_deletion("never-started", last_of="ada")
    keeper.round()
    assert keeper.there().status.phase is HomePhase.RELEASED
    keeper.store.request_home_deletion("jupyterhub-ada")


def test_a_home_in_use_keeps_its_user(keeper: Keeper) -> None:
    """Until the last server that mounts it has ended; and a start takes it back."""
    keeper.make()
    keeper.store.set_desired("ada", Desired.RUNNING)
    keeper.store.request_deletion("never-started", last_of="ada")
    keeper.round()
    assert keeper.there().status.phase is HomePhase.BOUND
    homes = {"jupyterhub-ada": HomeSpec(user="ada", reclaim=Reclaim.DELETE)}
    keeper.store.apply_notebook(spec("ada"), homes=homes)
    keeper.store.set_desired("ada", Desired.STOPPED)
    keeper.round()
    assert keeper.there().status.phase is HomePhase.BOUND
