"""Manners of the simulated Swarm that no script on a real engine can show in a short time."""

from __future__ import annotations

from typing import Any

import pytest
from simswarm import states
from simswarm.api import Api
from simswarm.programs import Program, always
from simswarm.refusal import NO_LEADER, NO_SWARM
from simswarm.scripts import spec, template
from simswarm.swarm import Swarm
from simswarm.world import World


@pytest.fixture
def swarm() -> Swarm:
    """Return a Swarm of two nodes with a network."""
    made = Swarm(World(seed=3), workers=("peer",), manager="engine")
    made.networks.create("net")
    return made


def states_of(swarm: Swarm, service: str) -> list[tuple[str, str]]:
    """Return the states and desired states of a service's tasks, oldest first."""
    return [(states.state(t), t["DesiredState"]) for t in swarm.tasks_of(service)]


def anywhere(name: str, **parts: Any) -> dict[str, Any]:
    """Return a service that may run on any node."""
    return template(spec(name), Placement={}, **parts)


def test_engine_that_is_no_manager_or_has_no_leader(swarm: Swarm) -> None:
    """503 and 500, in the engine's words; what is local is still answered."""
    api = Api(swarm)
    swarm.refusal = NO_SWARM
    assert api.request("GET", "/services")[0] == 503
    assert api.request("GET", "/info")[1]["Swarm"]["ControlAvailable"] is False
    swarm.refusal = NO_LEADER
    status, answer = api.request("GET", "/v1.41/tasks")
    assert (status, "does not have a leader" in answer["message"]) == (500, True)
    assert api.request("GET", "/volumes")[0] == 200


def test_events_are_kept_replayed_and_lost(swarm: Swarm) -> None:
    """The last 256 are replayed; muted ones are gone for good."""
    for number in range(300):
        swarm.journal.muted = number == 299
        swarm.secrets.create({"Name": f"s{number}", "Data": "eA=="})
    told = [e["Actor"]["Attributes"]["name"] for e in swarm.journal.since(0.0)]
    assert told == [f"s{number}" for number in range(43, 299)]
    assert swarm.journal.since(None) == []


def test_tasks_of_a_dead_node_still_run_until_they_are_orphaned(swarm: Swarm) -> None:
    """What the managers say of a node that is off is what was true before, for a day."""
    swarm.services.create(template(spec("far"), Placement={"Constraints": ["node.role==worker"]}))
    swarm.clock.advance(3)
    swarm.nodes.power_off("peer")
    assert swarm.running() == []
    swarm.clock.advance(60)
    assert states_of(swarm, "far") == [("running", "shutdown")]
    swarm.clock.advance(24 * 3600)
    assert states_of(swarm, "far") == [("orphaned", "shutdown")]


def test_volume_keeps_the_labels_that_it_was_made_with(swarm: Swarm) -> None:
    """Labels of a mount arrive once; another node has a volume of its own."""
    for number, node in enumerate(("engine", "engine", "peer")):
        options = {"Labels": {"made-by": str(number)}}
        mount = {"Type": "volume", "Source": "home", "Target": "/d", "VolumeOptions": options}
        made = template(
            spec(f"user{number}", Mounts=[mount]),
            Placement={"Constraints": [f"node.hostname=={node}"]},
        )
        swarm.services.create(made)
        swarm.clock.advance(3)
    assert swarm.stock.volume("home").labels == {"made-by": "0"}
    assert len(swarm.stock.volumes) == 2


def test_restart_policy_any_starts_again_after_its_delay() -> None:
    """Unlike the operator's services, those of a stack restart by themselves."""
    world = World(behaviour=always(Program(runs_for=1.0, exit_code=1)))
    swarm = Swarm(world, manager="engine")
    swarm.networks.create("net")
    policy = {"Condition": "any", "Delay": 2 * 10**9}
    swarm.services.create(anywhere("web", RestartPolicy=policy))
    swarm.clock.advance(2.5)
    assert states_of(swarm, "web")[0] == ("failed", "shutdown")
    assert states_of(swarm, "web")[1][1] == "ready"
    swarm.clock.advance(2)
    assert states_of(swarm, "web")[1] == ("running", "running")


def test_container_answers_only_while_it_runs(swarm: Swarm) -> None:
    """An address answers a while after the start, and no longer than its process lives."""
    swarm.services.create(anywhere("web"))
    swarm.clock.advance(3)
    (task,) = swarm.tasks_of("web")
    address = task["NetworksAttachments"][0]["Addresses"][0].split("/")[0]
    assert swarm.answers(address)
    swarm.kill(task["ID"])
    assert not swarm.answers(address)


def test_lists_that_were_read_do_not_change(swarm: Swarm) -> None:
    """What was read stays as it was, so that a stale list is simply an old one."""
    api = Api(swarm)
    swarm.services.create(anywhere("web"))
    swarm.clock.advance(0.02)
    _, early = api.request("GET", "/tasks")
    before = [states.state(t) for t in early]
    swarm.clock.advance(5)
    assert [states.state(t) for t in early] == before != [s for s, _ in states_of(swarm, "web")]


def test_a_larger_node_takes_what_waited_for_it(swarm: Swarm) -> None:
    """Pending tasks are looked at again when a node joins; a drained one is left for good."""
    memory = 32 * 2**30
    wants = {"Reservations": {"MemoryBytes": memory}}
    swarm.services.create(anywhere("large", Resources=wants))
    swarm.clock.advance(1)
    (task,) = swarm.tasks_of("large")
    assert task["Status"]["Err"] == "no suitable node (insufficient resources on 2 nodes)"
    swarm.add_node("giant", cpus=8, memory=memory)
    swarm.clock.advance(2)
    assert states_of(swarm, "large") == [("running", "running")]
    swarm.set_availability("giant", "drain")
    swarm.clock.advance(6)
    assert states_of(swarm, "large") == [("shutdown", "shutdown")]
