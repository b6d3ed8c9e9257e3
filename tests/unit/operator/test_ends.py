"""Which tasks have come to an end, and what an event tells."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import Mock

from support.records import STORE, crashed, task
from swarmhub_operator.engine.ends import Ends
from swarmhub_operator.engine.news import News, read
from swarmhub_operator.engine.observed import TaskState


def test_each_end_is_told_once() -> None:
    """Also that a task which was to end has done so; what Swarm has forgotten is no news."""
    engine = Mock()
    ada = replace(crashed(), id="t1", notebook="ada")
    bob = replace(task(TaskState.RUNNING), id="t2", notebook="bob", desired_state="shutdown")
    ends = Ends(engine, STORE)
    told = []
    for listed in ((), (ada,), (ada, bob), (ada, bob), (replace(bob, state=TaskState.SHUTDOWN),)):
        engine.ending_tasks.return_value = listed
        told.append(ends.news())
    assert told == [set(), {"ada"}, {"bob"}, set(), {"bob"}]
    assert {call.args for call in engine.ending_tasks.call_args_list} == {(STORE,)}


def test_what_a_list_took_is_told() -> None:
    """By which it is asked for the less often, the longer it takes."""
    engine, now = Mock(), iter((10.0, 10.5))
    engine.ending_tasks.return_value = ()
    ends = Ends(engine, STORE, lambda: next(now))
    ends.news()
    assert ends.cost == 0.5


def test_an_event_of_a_container_tells_whose_it_is() -> None:
    """One of a service has its id alone; and nothing is expected of any."""
    of_container = {"swarmhub.notebook": "ada", "image": "lab"}
    about = {"ID": "c1", "Attributes": of_container}
    event = {"Type": "container", "Action": "die", "Actor": about}
    assert read(event) == News("container", "die", "c1", "ada")
    about = {"ID": "s1", "Attributes": {"name": "jupyter-ada"}}
    event = {"Type": "service", "Action": "update", "Actor": about}
    assert read(event) == News("service", "update", "s1")
    assert read({"Type": "node", "Actor": None}) == News("node")
    assert read({}) == News("")
