"""`swarmhub homes` and the orders of an administrator, on a real store and a Swarm in memory."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest import mock

import pytest
from swarmhub_crds.base import ConditionStatus
from swarmhub_crds.home import Home, HomeOrders, Place
from swarmhub_crds.inventory import FoundVolume, Inventory
from swarmhub_crds.notebook import Desired, Notebook
from swarmhub_operator.cli import asking, homes_orders
from swarmhub_operator.cli.app import app
from swarmhub_operator.cli.homes_table import size
from swarmhub_operator.decide.inventories import lines
from swarmhub_operator.engine import docker_engine
from swarmhub_operator.engine.errors import EngineError, Kind
from typer.testing import CliRunner
from unit.cli.samples import Run, State, condition
from unit.operator.fakeswarm import NODE, FakeSwarm
from unit.operator.keeper import OTHER

IMAGE = {"SWARMHUB_ERRAND_IMAGE": "operator"}


@pytest.fixture
def swarm(monkeypatch: pytest.MonkeyPatch) -> FakeSwarm:
    """Return a Swarm of two nodes, which the command finds."""
    made = FakeSwarm()
    made.nodes_seen = (NODE, OTHER)
    monkeypatch.setattr(docker_engine, "DockerEngine", lambda _: made)
    monkeypatch.setattr(homes_orders, "engine_at", lambda _: made)
    monkeypatch.setattr(asking, "WITHIN", 1.0)
    return made


def bound(state: State, user: str, node: str = "n2", **values: object) -> Home:
    """Make a user's home, bound to a node, of a server that is stopped."""
    state.notebook(user, desired=Desired.STOPPED)
    used = datetime.now(UTC) - timedelta(days=2, minutes=1)
    given = {"phase": "Bound", "node_id": node, "node": f"host-{node}", "last_used_at": used}
    state.observe_home(f"home-{user}", **{**given, **values})
    return home(state, user)


def home(state: State, user: str) -> Home:
    """Return a user's home."""
    found = state.store.get_home(f"home-{user}")
    assert isinstance(found, Home)
    return found


def there(state: State, name: str, **values: str) -> FoundVolume:
    """Return a volume of this store."""
    return FoundVolume.model_validate({"name": name, "store": state.store.uid, **values})


def states(text: str) -> dict[str, str]:
    """Return the states that a JSON document tells, by name and node."""
    return {f"{i['name']} {i['node'] or '-'}": i["state"] for i in json.loads(text)["items"]}


# -- the list


def test_records_and_volumes_are_compared(state: State, run: Run, swarm: FakeSwarm) -> None:
    """What is known, what is missing, what is unknown, on every node as it is now."""
    for user in ("ada", "bob"):
        bound(state, user)
    bound(state, "eve", "n1")
    moved = (Place(node_id="n2", node="host-n2"),)
    bound(state, "kim", "n1", leftovers=moved)
    swarm.volumes = {name: {} for name in ("home-eve", "home-kim", "stranger")}
    on_n2 = [there(state, name, user="x") for name in ("home-ada", "home-kim", "old", "home-eve")]
    swarm.errand = lambda *_: (0, "\n".join(lines(on_n2)))
    result = run("homes", "-o", "json", **IMAGE)
    assert result.exit_code == 0, result.output
    assert states(result.stdout) == {
        "home-ada host-n2": "Bound",
        "home-bob host-n2": "Missing",
        "home-eve host-n1": "Bound",
        "home-eve host-n2": "Unknown",
        "home-kim host-n1": "Bound",
        "home-kim host-n2": "Leftover",
        "old host-n2": "Unknown",
    }
    assert {n["node"] for n in json.loads(result.stdout)["nodes"]} == {"host-n1", "host-n2"}
    assert swarm.errands(state.store.uid) == ()
    assert [node for node, _ in swarm.sent] == ["n2"]


def test_a_node_that_is_down_is_told_from_what_it_had(
    state: State, run: Run, swarm: FakeSwarm
) -> None:
    """With the time of that; one that never told is said to be unknown."""
    bound(state, "ada")
    down = replace(OTHER, state="down")
    swarm.nodes_seen = (NODE, down, replace(down, id="n3", hostname="host-n3"))
    when = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
    known = Inventory(
        node_id="n2", node="host-n2", taken_at=when, volumes=(there(state, "home-ada"),)
    )
    state.store.put_inventory(known, fence=state.lease.token)
    result = run("homes", "-o", "json", **IMAGE)
    assert states(result.stdout) == {"home-ada host-n2": "Bound"}
    silent = json.loads(result.stdout)["silent"]
    assert "is of 2026-01-05 09:30 UTC" in silent["n2"]
    assert silent["n3"] == "it is down and cannot be asked. What it has is not known."


def test_an_older_inventory_misses_no_newer_home(state: State, run: Run, swarm: FakeSwarm) -> None:
    """Neither one from before the home was made, nor one that a node gives just then."""
    told = Inventory(node_id="n2", node="host-n2", taken_at=datetime(2026, 1, 5, tzinfo=UTC))
    state.store.put_inventory(told, fence=state.lease.token)
    bound(state, "ada")
    assert states(run("homes", "--cached", "-o", "json").stdout) == {"home-ada host-n2": "Bound"}

    def bob_comes_meanwhile(*_: object) -> tuple[int, str]:
        bound(state, "bob")
        return 0, "\n".join(lines([there(state, "home-ada")]))

    swarm.errand = bob_comes_meanwhile
    assert states(run("homes", "-o", "json", **IMAGE).stdout) == {
        "home-ada host-n2": "Bound",
        "home-bob host-n2": "Bound",
    }


def test_one_node_can_be_chosen(state: State, run: Run, swarm: FakeSwarm) -> None:
    """By its hostname or its id; one that nobody knows is an error."""
    bound(state, "ada")
    bound(state, "eve", "n1")
    swarm.volumes = {"home-eve": {}}
    swarm.errand = lambda *_: (0, "\n".join(lines([there(state, "home-ada")])))
    for name in ("host-n2", "n2"):
        assert list(states(run("homes", "--node", name, "-o", "json", **IMAGE).stdout)) == [
            "home-ada host-n2"
        ]
    result = run("homes", "--node", "nowhere", **IMAGE)
    assert result.exit_code == 1
    assert "`swarmhub nodes` lists them" in result.stderr


def test_without_an_engine_the_last_word_is_told(state: State, run: Run, swarm: FakeSwarm) -> None:
    """And that it is not of now."""

    def broken(_: str) -> None:
        raise EngineError(Kind.UNAVAILABLE, "The engine cannot be reached; start dockerd.")

    swarm.before = broken
    bound(state, "ada")
    result = run("homes", **IMAGE)
    assert result.exit_code == 0
    assert "home-ada" in result.stdout
    assert "The nodes cannot be asked. The engine cannot be reached" in result.stderr


def test_a_node_that_does_not_answer_is_waited_for_a_while(
    state: State, run: Run, swarm: FakeSwarm
) -> None:
    """Then its errand is removed, and the rest told."""
    bound(state, "ada")
    result = run("homes", **IMAGE)
    assert result.exit_code == 0
    assert "has not told what it has within 1 s" in result.stderr
    assert swarm.errands(state.store.uid) == ()


def test_the_table_is_read_by_people(
    now: datetime, state: State, run: Run, swarm: FakeSwarm
) -> None:
    """Sizes and ages are short; what users wrote cannot steer the terminal."""
    bound(state, "ada", size=1536 * 2**20)
    state.notebook("b\x1bob", volume="home-bob", desired=Desired.STOPPED)
    lines_ = run("homes", "--cached").stdout.splitlines()
    assert lines_[0].split() == [
        *("NAME", "USER", "SERVER", "NODE", "STATE", "SIZE", "LAST-USED", "AGE")
    ]
    assert lines_[1].split() == ["home-ada", "ada", "-", "host-n2", "Bound", "1.5GiB", "2d", "0s"]
    assert "b\\u001bob" in lines_[2]
    assert swarm.calls.total() == 0
    assert run("homes", "--cached", "-o", "name").stdout == "home/home-ada\nhome/home-bob\n"


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, ""), (0, "0B"), (1023, "1023B"), (1024, "1KiB"), (5 * 2**40, "5TiB")],
)
def test_sizes(count: int | None, text: str) -> None:
    """As a person reads them."""
    assert size(count) == text


def test_no_homes_are_said_to_be_none(run: Run, state: State, swarm: FakeSwarm) -> None:
    """Not an empty screen."""
    result = run("homes", "--cached")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "There are no homes yet." in result.stderr


def test_help_names_the_verbs() -> None:
    """Each with an example."""
    text = CliRunner().invoke(app, ["homes", "--help"]).stdout
    for verb in ("backup", "restore", "move", "forget", "prune"):
        assert verb in text
        assert f"swarmhub homes {verb}" in CliRunner().invoke(app, ["homes", verb, "-h"]).stdout


def test_homes_are_measured_when_asked(state: State, run: Run, swarm: FakeSwarm) -> None:
    """On each node; else what a move has counted is told."""
    bound(state, "ada", size=7)
    bound(state, "eve", "n1")
    swarm.volumes = {"home-eve": {}}

    def errand(_: str, command: list[str]) -> tuple[int, str]:
        size = 2048 if command == ["inventory", "--measured"] else None
        here = there(state, "home-ada").model_copy(update={"size": size})
        return 0, "\n".join(lines([here]))

    swarm.errand = errand

    def sizes(*words: str) -> list[int | None]:
        text = run("homes", "-o", "json", *words, **IMAGE).stdout
        return [item["sizeBytes"] for item in json.loads(text)["items"]]

    assert sizes() == [7, None]
    assert sizes("--size") == [2048, 3]


# -- orders


def test_a_move_is_ordered_and_waited_for(state: State, run: Run, swarm: FakeSwarm) -> None:
    """The order is a new one each time; how it went is told."""
    bound(state, "ada", moves=3)
    result = run("homes", "move", "ada", "host-n1", "--yes", "--no-wait")
    assert result.exit_code == 0, result.output
    assert home(state, "ada").spec.orders == HomeOrders(move_to="n1", moves=4)
    assert "home/home-ada is to be moved to host-n1" in result.stdout
    again = run("homes", "move", "ada", "n1", "-y", "--timeout", "1s")
    assert again.exit_code == 1
    assert "was not moved within 1s; the operator goes on" in again.stderr
    assert home(state, "ada").spec.orders.moves == 5


def test_a_move_to_where_it_is_is_none(state: State, run: Run, swarm: FakeSwarm) -> None:
    """Nothing is written."""
    before = bound(state, "ada")
    result = run("homes", "move", "ada", "host-n2")
    assert (result.exit_code, "already" in result.stdout) == (0, True)
    assert home(state, "ada") == before


def test_a_move_is_called_off_by_the_node_where_the_home_is(
    state: State, run: Run, swarm: FakeSwarm
) -> None:
    """Until it has arrived that is where it comes from."""
    bound(state, "ada", moves=1)
    assert run("homes", "move", "ada", "host-n1", "--yes", "--no-wait").exit_code == 0
    result = run("homes", "move", "ada", "host-n2", "--yes", "--no-wait")
    assert (result.exit_code, result.stdout) == (0, "home/home-ada stays on host-n2\n")
    assert home(state, "ada").spec.orders == HomeOrders(move_to="n2", moves=3)


@pytest.mark.parametrize("phase", ["Released", "Lost", "Deleting"])
def test_a_home_that_has_lost_its_user_or_its_volume_is_not_moved(
    state: State, run: Run, swarm: FakeSwarm, phase: str
) -> None:
    """The order would lie there until somebody had forgotten it."""
    before = bound(state, "ada", phase=phase)
    result = run("homes", "move", "ada", "host-n1", "--yes")
    assert result.exit_code == 1
    assert f"is {phase.lower()} and cannot be moved" in result.stderr
    assert home(state, "ada").spec.orders == before.spec.orders


def test_a_wrong_length_of_time_orders_nothing(state: State, run: Run, swarm: FakeSwarm) -> None:
    """It is read first."""
    before = bound(state, "ada")
    assert run("homes", "move", "ada", "host-n1", "--yes", "--timeout", "10").exit_code == 2
    assert home(state, "ada") == before


def test_who_orders_a_move_reads_that_nobody_does_it(
    state: State, run: Run, swarm: FakeSwarm
) -> None:
    """No operator leads."""
    bound(state, "ada")
    state.store.release_lease(state.lease)
    result = run("homes", "move", "ada", "host-n1", "--yes", "--no-wait")
    assert result.exit_code == 0
    assert "No operator leads" in result.stderr


def test_a_refusal_is_told_again(state: State, run: Run, swarm: FakeSwarm) -> None:
    """Although its words are those of the time before."""
    said = {
        "phase": "Bound",
        "node_id": "n2",
        "node": "host-n2",
        "message": "It was not moved: why.",
    }
    bound(state, "ada", **said)
    asked: list[int] = []
    order = state.store.order_home

    def refuse(name: str, **orders: object) -> Home:
        found = order(name, **orders)
        asked.append(1)
        state.observe_home(name, moves=found.spec.orders.moves, **said)
        return found

    with mock.patch("swarmhub_crds.store.Store.order_home", lambda _, *a, **k: refuse(*a, **k)):
        result = run("homes", "move", "ada", "host-n1", "-y", "--timeout", "5s")
    assert (asked, result.exit_code) == ([1], 1)
    assert "It was not moved: why." in result.stdout


def test_a_move_that_failed_is_told(state: State, run: Run, swarm: FakeSwarm) -> None:
    """By the exit code, too."""
    bound(state, "ada")

    def fail(call: str) -> None:
        if call == "nodes":
            state.observe_home(
                "home-ada",
                phase="Bound",
                node_id="n2",
                node="host-n2",
                moves=1,
                message="It was not moved.",
            )

    swarm.before = fail
    state.store.order_home("home-ada", move_to="n1", moves=0)
    result = run("homes", "move", "ada", "host-n1", "-y", "--timeout", "1s")
    assert result.exit_code == 1


@pytest.mark.parametrize("words", [("ada", "nowhere"), ("nobody", "host-n1")])
def test_what_is_not_there_is_not_moved(
    state: State, run: Run, swarm: FakeSwarm, words: tuple[str, str]
) -> None:
    """Each in a sentence."""
    bound(state, "ada")
    result = run("homes", "move", *words, "-y")
    assert (result.exit_code, "There is no" in result.stderr) == (1, True)


def test_a_person_is_asked_first(state: State, run: Run, swarm: FakeSwarm) -> None:
    """And may say no."""
    before = bound(state, "ada")
    for words in (("move", "ada", "host-n1"), ("forget", "ada")):
        assert run("homes", *words).exit_code == 1
    assert home(state, "ada") == before


def test_giving_up_says_what_is_lost(state: State, run: Run) -> None:
    """It stops the server that waits for the home, and touches no volume."""
    bound(state, "ada")
    state.store.set_desired("ada", Desired.RUNNING)
    result = run("homes", "forget", "ada", "--yes")
    assert result.exit_code == 0, result.output
    assert "User ada loses what is in home-ada on host-n2 (last used 2d ago)" in result.stdout
    assert "Stopped for it: ada." in result.stdout
    assert home(state, "ada").spec.orders.forgotten == ("n2",)
    record = state.store.get_notebook("ada")
    assert isinstance(record, Notebook)
    assert record.spec.desired is Desired.STOPPED


def test_what_is_on_no_node_cannot_be_given_up(state: State, run: Run) -> None:
    """There is nothing to lose."""
    state.notebook("ada", desired=Desired.STOPPED)
    result = run("homes", "forget", "ada", "--yes")
    assert (result.exit_code, "nothing to give up" in result.stderr) == (1, True)


def released(state: State, user: str, days: float) -> None:
    """Make a home that lost its user so long ago."""
    bound(state, user)
    since = datetime.now(UTC) - timedelta(days=days, minutes=1)
    gone = condition("Released", ConditionStatus.TRUE, "OwnerDeleted")
    why = gone.model_copy(update={"last_transition_time": since})
    state.observe_home(
        f"home-{user}", phase="Released", node_id="n2", node="host-n2", conditions=(why,)
    )


def marked(state: State) -> set[str]:
    """Return the homes that are to be removed."""
    return {
        h.metadata.name
        for h in state.store.list_homes()
        if isinstance(h, Home) and h.metadata.deletion_requested_at
    }


def test_only_old_homes_without_a_user_are_pruned(state: State, run: Run) -> None:
    """First they are listed; `--dry-run` does no more."""
    released(state, "ada", 31)
    released(state, "bob", 29)
    bound(state, "eve")
    listed = run("homes", "prune", "--released", "--dry-run")
    assert listed.stdout == (
        "home/home-ada of ada on host-n2, without its user for 31d\n1 would be removed.\n"
    )
    assert marked(state) == set()
    done = run("homes", "prune", "--released", "--older-than", "30d", "--yes")
    assert done.exit_code == 0
    assert marked(state) == {"home-ada"}
    assert run("homes", "prune", "--released", "--older-than", "1d", "-y").exit_code == 0
    assert marked(state) == {"home-ada", "home-bob"}


@pytest.mark.parametrize("words", [(), ("--released", "--older-than", "soon")])
def test_pruning_has_to_be_said_exactly(state: State, run: Run, words: tuple[str, ...]) -> None:
    """Wrong usage removes nothing."""
    released(state, "ada", 100)
    assert run("homes", "prune", "-y", *words).exit_code == 2
    assert marked(state) == set()
