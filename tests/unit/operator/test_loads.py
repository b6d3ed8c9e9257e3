"""What each node has given away, put together from what is known best."""

from __future__ import annotations

from collections.abc import Mapping

from support.records import GIB, home, home_mount, notebook, service, task, wanted
from swarmhub_crds.notebook import Resources
from swarmhub_operator.decide.build import Placement
from swarmhub_operator.decide.loads import Expected, loads
from swarmhub_operator.engine.amounts import Amounts
from swarmhub_operator.engine.observed import Reservation, Service, Task, TaskState
from swarmhub_operator.engine.snapshot import Snapshot, index
from swarmhub_operator.engine.tally import Load

HELD = Amounts(memory=GIB, generic={"gpu": 1})


def made(name: str, pin: str | None = None) -> Service:
    """Return the service of a notebook that is guaranteed what `HELD` says."""
    record = notebook(
        name,
        mounts=(home_mount(),),
        resources=Resources(mem_guarantee=GIB, generic={"gpu": 1}),
    )
    placement = Placement("lab", pin=pin)
    return service(wanted(record, home()), placement=placement, id=f"s-{name}")


def look(*services: Service, tasks: tuple[Task, ...] = ()) -> Snapshot:
    """Return a look at services and tasks."""
    return index(0.0, services, tasks, (), ())


def counted(
    seen: Snapshot, *held: Reservation, but: str = "me", **expected: Expected
) -> Mapping[str, Load]:
    """Return the loads for the notebook `but`."""
    return loads(seen, held, expected, but)


def test_what_others_hold_is_told_by_the_whole_swarm() -> None:
    """Foreign services, and what is left of our own removed ones; no notebook is counted."""
    found = counted(look(), Reservation("x", "n1", HELD), Reservation("y", "n1", HELD))
    assert found == {"n1": Load(Amounts(memory=2 * GIB, generic={"gpu": 2}), 0)}


def test_our_own_are_told_by_the_look() -> None:
    """The other list is older, and must not count them twice."""
    own = made("ada")
    on = task(service_id=own.id, node_id="n2")
    found = counted(look(own, tasks=(on,)), Reservation(own.id, "n1", HELD))
    assert found == {"n2": Load(HELD, 1)}


def test_a_first_start_counts_where_it_is_to_be() -> None:
    """Before Swarm has made a task of it or placed it; one that has ended counts nowhere."""
    own = made("ada", pin="n1")
    waits = task(TaskState.PENDING, service_id=own.id, node_id=None)
    ended = task(TaskState.FAILED, service_id=own.id, node_id="n1")
    assert counted(look(own)) == {"n1": Load(HELD, 1)}
    assert counted(look(own, tasks=(waits,))) == {"n1": Load(HELD, 1)}
    assert counted(look(own, tasks=(ended,))) == {}
    assert counted(look(made("ada"))) == {}


def test_a_replaced_task_counts_until_it_has_ended() -> None:
    """Swarm takes its share back no sooner."""
    own = made("ada")
    old = task(id="old", service_id=own.id, desired_state="shutdown")
    new = task(TaskState.READY, id="new", service_id=own.id, node_id="n2")
    found = counted(look(own, tasks=(old, new)))
    assert found == {"n1": Load(HELD, 1), "n2": Load(HELD, 1)}


def test_what_is_being_made_counts_until_a_look_shows_it() -> None:
    """So two starts that are decided side by side do not take the same room."""
    coming = Expected("n1", HELD)
    assert counted(look(), ada=coming) == {"n1": Load(HELD, 1)}
    assert counted(look(made("ada", pin="n2")), ada=coming) == {"n2": Load(HELD, 1)}


def test_a_notebook_does_not_stand_in_its_own_way() -> None:
    """Neither by its service nor by what is expected of it."""
    own = made("ada", pin="n1")
    assert counted(look(own), Reservation(own.id, "n1", HELD), but="ada") == {}
    assert counted(look(), but="ada", ada=Expected("n1", HELD)) == {}
