"""Moving homes: step by step, and what comes between."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest
from swarmhub_crds.home import Home, HomePhase, Place
from swarmhub_crds.inventory import FoundVolume
from swarmhub_crds.notebook import Desired
from swarmhub_crds.store import Store
from swarmhub_operator.decide.removals import Outcome
from swarmhub_operator.engine.errors import EngineError, Kind
from unit.operator.keeper import OTHER, Keeper

VOLUME = "jupyterhub-ada"
DONE = {"entries": 7, "bytes": 4096, "digest": "ab" * 32}


class Move(Keeper):
    """A Swarm in which ada's home is on n1, and is to go to n2."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.taken: tuple[int, str] | None = None  # what the errand says that fetches
        self.given: tuple[int, str] | None = None  # and the one that gives
        self.swarm.errand = self.copying
        uid = self.make("n1").metadata.uid
        self.swarm.volumes[VOLUME] = {"swarmhub.uid": uid}
        self.round(3)

    def copying(self, node: str, command: list[str]) -> tuple[int, str] | None:
        """Do an errand."""
        if command[0] == "send":
            return self.given
        if command[0] == "receive":
            return self.taken
        return self.inventory(node, command)

    def order(self, node: str = "n2") -> None:
        """Order a move, as the command does."""
        orders = self.there().spec.orders
        self.store.order_home(VOLUME, move_to=node, moves=orders.moves + 1)

    def kinds(self) -> list[tuple[str, str]]:
        """Return what was sent, but for the inventories: kind and node."""
        return [(command[0], node) for node, command in self.swarm.sent if len(command) > 1]

    def secrets(self) -> int:
        """Return how many tokens there are."""
        return 1 if self.swarm.find_secret(f"swarmhub-move-{self.there().metadata.uid}"[:64]) else 0


@pytest.fixture
def move(tmp_path: Path) -> Iterator[Move]:
    """Yield a home on n1."""
    store = Store.open(f"sqlite:///{tmp_path}/state.db")
    made = Move(store)
    yield made
    made.close()
    store.close()


def where(home: Home) -> tuple[HomePhase, str | None, list[str]]:
    """Return the phase of a home, its node, and the nodes of its leftovers."""
    return home.status.phase, home.status.node_id, [p.node_id for p in home.status.leftovers]


def test_a_home_moves_once_its_copy_is_verified(move: Move) -> None:
    """Until then it is where it was; then what is left there is removed."""
    move.order()
    move.round(6)
    assert move.kinds() == [("send", "n1"), ("receive", "n2")]
    assert where(move.there()) == (HomePhase.MOVING, "n1", ["n2"])
    assert move.secrets() == 1
    receive = move.swarm.sent[-1][1]
    assert receive[-1] == "http://10.0.0.9:8090"
    move.taken = (0, json.dumps(DONE))
    move.round()
    home = move.there()
    assert where(home)[:2] == (HomePhase.BOUND, "n2")
    assert (home.status.size, home.status.moves) == (4096, 1)
    assert "7 files and folders, 4096 bytes, verified by checksum" in home.status.message
    move.round(3)
    assert where(move.there()) == (HomePhase.BOUND, "n2", [])
    assert move.secrets() == 0
    assert move.swarm.errands(move.store.uid) == ()


def test_a_copy_that_fails_leaves_the_home_where_it_is(move: Move) -> None:
    """The reason is told, the copy is removed, and nothing is tried again by itself."""
    move.order()
    move.round(6)
    move.taken = (1, json.dumps({"error": "The disk is full."}))
    move.round()
    home = move.there()
    assert where(home) == (HomePhase.BOUND, "n1", ["n2"])
    assert "on host-n1 as before: The disk is full." in home.status.message
    move.round(5)
    assert [kind for kind, _ in move.kinds()] == ["send", "receive", "remove"]
    assert move.secrets() == 0


@pytest.mark.parametrize(
    "taken", [(0, ""), (0, "cut"), (1, json.dumps(DONE)), (0, json.dumps({"error": "no"}))]
)
def test_only_a_copy_that_says_so_is_verified(move: Move, taken: tuple[int, str]) -> None:
    """Both the exit code and the last word have to."""
    move.order()
    move.round(6)
    move.taken = taken
    move.round()
    assert where(move.there())[:2] == (HomePhase.BOUND, "n1")


def test_a_sender_that_ends_too_early_ends_the_move(move: Move) -> None:
    """And says why."""
    move.order()
    move.round(4)
    move.given = (1, json.dumps({"error": "A file cannot be read."}))
    move.round()
    assert "A file cannot be read" in move.there().status.message
    assert where(move.there())[:2] == (HomePhase.BOUND, "n1")


def test_a_sender_may_end_before_its_content_is_verified(move: Move) -> None:
    """It is told that all has been fetched; what the other says is what counts."""
    move.order()
    move.round(6)
    move.given = (0, json.dumps(DONE))
    move.round(2)
    assert where(move.there())[0] is HomePhase.MOVING
    move.taken = (0, json.dumps(DONE))
    move.round()
    assert where(move.there())[:2] == (HomePhase.BOUND, "n2")


def test_a_sender_that_ends_before_anybody_came_ends_the_move(move: Move) -> None:
    """Nothing can be fetched from it."""
    move.order()
    move.given = (0, json.dumps(DONE))
    move.round(6)
    assert "an errand ended too early" in move.there().status.message
    assert ("receive", "n2") not in move.kinds()


def test_a_volume_that_is_there_already_is_never_filled(move: Move) -> None:
    """It may be somebody else's, or an older home that was given up."""
    move.volumes = [FoundVolume(name=VOLUME, uid=move.there().metadata.uid)]
    move.order()
    move.round(6)
    assert "has a volume of this name already" in move.there().status.message
    assert where(move.there()) == (HomePhase.BOUND, "n1", [])
    assert move.kinds() == []


def test_a_server_that_runs_is_not_disturbed(move: Move) -> None:
    """The move waits until it is stopped."""
    move.store.set_desired("ada", Desired.RUNNING)
    move.order()
    move.round(3)
    assert where(move.there())[0] is HomePhase.BOUND
    assert "once its server is stopped" in move.there().status.message
    assert move.kinds() == []
    move.store.set_desired("ada", Desired.STOPPED)
    move.round(6)
    assert len(move.kinds()) == 2


def test_a_server_that_ends_only_now_is_waited_for(move: Move) -> None:
    """What it writes at its end would be in neither the copy nor the home."""
    move.ending = frozenset({"ada"})
    move.order()
    move.round(3)
    assert where(move.there())[0] is HomePhase.BOUND
    assert move.kinds() == []
    move.ending = frozenset({"zoe"})
    move.round(6)
    assert len(move.kinds()) == 2


@pytest.mark.parametrize(("source", "target"), [("n1", "n2"), ("n2", "n1")])
def test_a_volume_that_is_gone_is_told_and_not_moved(move: Move, source: str, target: str) -> None:
    """The engine would make an empty one for the errand, and its copy would pass for the home."""
    home = move.there()
    move.put(home.status.model_copy(update={"node_id": source, "node": f"host-{source}"}))
    move.swarm.volumes.clear()
    move.order(target)
    move.round(6)
    assert move.kinds() == []
    assert where(move.there()) == (HomePhase.LOST, source, [])
    assert f"no longer on host-{source}" in move.there().status.message
    assert move.there().status.moves == 1


def test_who_comes_at_the_last_moment_keeps_the_home_in_place(move: Move) -> None:
    """Who mounts it is asked once more after the phase was written."""
    written: list[str] = []
    put = move.store.put_home_status

    def putting(name: str, *rest: object, **more: object) -> object:
        done = put(name, *rest, **more)  # type: ignore[arg-type]
        if not written:
            written.append(name)
            move.store.set_desired("ada", Desired.RUNNING)
        return done

    move.store.put_home_status = putting  # type: ignore[assignment, method-assign]
    move.order()
    move.round()
    assert written
    assert where(move.there())[0] is HomePhase.BOUND
    assert move.kinds() == []


@pytest.mark.parametrize("node", ["n1", "n2"])
def test_a_move_waits_for_both_nodes(move: Move, node: str) -> None:
    """Nobody waits for it meanwhile."""
    there = move.nodes[node]
    move.nodes[node] = replace(there, state="down")
    move.order()
    move.round(2)
    assert f"once the node host-{node} takes tasks" in move.there().status.message
    assert where(move.there())[0] is HomePhase.BOUND
    move.nodes[node] = there
    move.round(6)
    assert len(move.kinds()) == 2


def _written_by_hand(move: Move, **values: object) -> None:
    """Change a home's spec in the table itself, as a hub that was taken over can."""
    spec = move.there().spec.model_copy(update=values).model_dump_json(by_alias=True)
    with closing(sqlite3.connect(move.store.url.removeprefix("sqlite:///"))) as table, table:
        table.execute("UPDATE homes SET spec = ?", (spec,))


@pytest.mark.parametrize("under_way", [False, True])
@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"driver_options": {"type": "none", "o": "bind", "device": "/"}},
            "reach the node's own files",
        ),
        ({"driver_options": {"size": "1G"}}, "reach the node's own files"),
        ({"driver": "elsewhere", "driver_options": {}}, "volume driver elsewhere"),
    ],
)
def test_a_hostile_home_is_not_moved(
    move: Move, values: dict[str, object], words: str, *, under_way: bool
) -> None:
    """An errand is root with it, so the policy is asked, also of a move that claims to go on."""
    move.order()
    if under_way:
        move.put(move.there().status.model_copy(update={"phase": HomePhase.MOVING}))
    _written_by_hand(move, **values)
    move.round(3)
    assert move.kinds() == []
    home = move.there()
    assert (home.status.phase, home.status.node_id) == (HomePhase.BOUND, "n1")
    if values.get("driver") is None:
        assert words in home.status.message


@pytest.mark.parametrize(("target", "words"), [("n1", ""), ("n9", "has left the Swarm")])
def test_an_order_that_comes_to_nothing_is_dealt_with(move: Move, target: str, words: str) -> None:
    """Once."""
    move.order(target)
    move.round(2)
    assert move.there().status.moves == 1
    assert words in move.there().status.message
    assert move.kinds() == []


@pytest.mark.parametrize("gone", ["n1", "n2"])
def test_a_node_that_leaves_ends_the_move(move: Move, gone: str) -> None:
    """Who waits for the home goes on."""
    move.order()
    move.round(6)
    del move.nodes[gone]
    move.round()
    assert where(move.there())[:2] == (HomePhase.BOUND, "n1")
    assert "has left the Swarm" in move.there().status.message


def test_a_move_that_was_called_off_ends(move: Move) -> None:
    """By an order to be where it is."""
    move.order()
    move.round(6)
    move.order("n1")
    move.round()
    assert "called off" in move.there().status.message
    assert where(move.there()) == (HomePhase.BOUND, "n1", ["n2"])


def test_a_move_outlives_the_operator(move: Move) -> None:
    """The next one finds errands and token by their names."""
    move.order()
    move.round(6)
    move.start()
    move.swarm.errand = move.copying
    move.round(2)
    assert len(move.kinds()) == 2
    move.taken = (0, json.dumps(DONE))
    move.round()
    assert where(move.there())[:2] == (HomePhase.BOUND, "n2")


def arrive_and_leave_all(move: Move) -> None:
    """Bring a home over by an operator that then can remove nothing of what it has sent."""
    move.order()
    move.round(6)
    move.taken = (0, json.dumps(DONE))
    failing = EngineError(Kind.UNAVAILABLE, "The engine does not answer.")
    with mock.patch.object(move.swarm, "remove_service", side_effect=failing):
        move.round()


def test_a_copy_that_was_verified_is_made_once(move: Move) -> None:
    """The record says so before anything is cleared away, whatever comes between."""
    arrive_and_leave_all(move)
    assert where(move.there()) == (HomePhase.BOUND, "n2", ["n1"])
    move.volumes = [FoundVolume(name=VOLUME)]
    move.start()
    move.swarm.errand = move.copying
    move.round(4)
    assert [kind for kind, _ in move.kinds()].count("receive") == 1
    assert where(move.there()) == (HomePhase.BOUND, "n2", [])
    assert (move.secrets(), move.swarm.errands(move.store.uid)) == (0, ())


def test_what_another_operator_sent_is_ended_though_it_uses_the_secret(move: Move) -> None:
    """The secret goes after it, not before: else both would stay for ever."""
    arrive_and_leave_all(move)
    move.start()
    move.swarm.errand = move.copying
    remove = move.swarm.remove_secret

    def refuse(secret_id: str) -> None:
        if move.swarm.errands(move.store.uid):
            raise EngineError(Kind.IN_USE, "It is still in use.")
        remove(secret_id)

    move.volumes = [FoundVolume(name=VOLUME)]
    with mock.patch.object(move.swarm, "remove_secret", side_effect=refuse):
        move.round(4)
    assert where(move.there()) == (HomePhase.BOUND, "n2", [])
    assert (move.secrets(), move.swarm.errands(move.store.uid)) == (0, ())


def test_who_is_deleted_in_the_midst_of_a_move_leaves_nothing(move: Move) -> None:
    """Neither half of a copy nor its secret."""
    move.order()
    move.round(6)
    uid = move.give_up().metadata.uid
    move.remove_with(Outcome.REMOVED)
    move.round(4, 60)
    assert move.home() is None
    assert move.removals() == [("n2", ["remove", VOLUME, uid])]
    assert move.swarm.find_secret(f"swarmhub-move-{uid}"[:64]) is None
    assert move.swarm.volumes == {}


def test_a_home_does_not_go_back_over_what_it_has_left(move: Move) -> None:
    """The removal of that could arrive late, and take the home along."""
    status = move.there().status
    left = {"leftovers": (Place(node_id="n2", node="host-n2"),)}
    move.put(status.model_copy(update=left))
    move.nodes["n2"] = replace(OTHER, state="down")
    move.order()
    move.round(2)
    assert "once an older copy there is removed" in move.there().status.message


def test_progress_is_told(move: Move) -> None:
    """Now and then."""
    move.order()
    move.round(6)
    said = json.dumps({"progress": 5 * 2**20})
    move.swarm.task_output = lambda task_id: said if task_id else ""  # type: ignore[method-assign]
    move.round(3)
    assert "5 MiB copied" in move.there().status.message
