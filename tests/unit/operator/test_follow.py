"""What the newest task of a right service means."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.records import (
    IMAGE,
    NOW,
    context,
    crashed,
    home,
    home_mount,
    later,
    node,
    notebook,
    observed,
    ready_status,
    reason,
    running,
    service,
    status,
    task,
    truth,
    wanted,
)
from swarmhub_crds.notebook import ConditionType, NotebookStatus, Phase
from swarmhub_operator.decide import actions
from swarmhub_operator.decide.build import Placement
from swarmhub_operator.decide.inputs import Observed
from swarmhub_operator.decide.plan import plan
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.decide.verdict import SLOW, SOON, UNDERWAY, Verdict
from swarmhub_operator.engine.observed import Task, TaskState

READY = ConditionType.READY
FAST = {"budget": 2, "first_delay": 0, "base_delay": 2, "max_delay": 60}


def look(state: NotebookStatus, seen: Observed, now: float = 0, **policy: object) -> Verdict:
    """Plan a notebook of this status that was seen so, `now` seconds after NOW."""
    return plan(wanted(notebook(status=state)), seen, context(later(now), **policy))


def test_a_restart_that_is_asked_for_is_done_once() -> None:
    """Of the task that was there when it was asked for; no failure is counted."""
    record = notebook(status=ready_status())
    meta = record.metadata.model_copy(update={"restart_of": task().id})
    asked = wanted(record.model_copy(update={"metadata": meta}))
    verdict = plan(asked, running(), context(NOW))
    (update,) = verdict.actions
    assert isinstance(update, actions.UpdateService)
    assert (update.why, update.repair) == ("an administrator asked for a restart", False)
    assert (update.placement.force_update, update.placement.supersedes) == (1, task().id)
    assert (verdict.status.phase, verdict.status.failures) == (Phase.PENDING, 0)
    another = plan(asked, running(at=replace(task(), id="another")), context(NOW))
    assert another.actions == ()


# -- on its way


@pytest.mark.parametrize(
    ("state", "phase", "message"),
    [
        (TaskState.NEW, Phase.PENDING, "Waiting for a network address."),
        (TaskState.PENDING, Phase.PENDING, "Waiting for a node."),
        (TaskState.ASSIGNED, Phase.STARTING, "Placed on host-n1."),
        (TaskState.ACCEPTED, Phase.STARTING, "Accepted by host-n1."),
        (
            TaskState.PREPARING,
            Phase.STARTING,
            "Preparing on host-n1: pulling the image if it is not there yet.",
        ),
        (TaskState.READY, Phase.STARTING, "Ready to start on host-n1."),
        (TaskState.STARTING, Phase.STARTING, "Starting on host-n1."),
        (TaskState.UNKNOWN, Phase.STARTING, "In a state that this operator does not know."),
        (TaskState.RUNNING, Phase.STARTING, "Started; waiting for the server to answer."),
    ],
)
def test_each_step_of_a_start_has_its_words(state: TaskState, phase: Phase, message: str) -> None:
    """A person sees where the start is; nothing is done but wait."""
    verdict = look(status(), running(at=task(state)))
    assert (verdict.status.phase, verdict.status.message) == (phase, message)
    assert truth(verdict.status, READY) == "False"
    assert verdict.actions == ()
    assert verdict.look_again in (SOON, UNDERWAY, SLOW)


def test_a_service_without_a_task_is_waited_for() -> None:
    """Swarm makes the task a moment after the service; nothing is ready before."""
    verdict = look(ready_status("t0"), observed(service=service(), unchanged=59))
    assert verdict.actions == ()
    assert verdict.status.phase is Phase.PENDING
    assert truth(verdict.status, READY) == "False"
    assert verdict.look_again == SOON


def test_a_service_that_has_lost_its_task_gets_a_new_one() -> None:
    """A Swarm that keeps no history clears ended tasks away; the wait for one is bounded."""
    verdict = look(status(), observed(service=service(), unchanged=60))
    placement = Placement(image=IMAGE, force_update=1)
    assert verdict.actions == (
        actions.UpdateService("s1", 7, placement, "Swarm has no task of it"),
    )


def test_a_task_that_finds_no_node_gives_swarms_reason() -> None:
    """Why it waits is Swarm's to say, and it is looked at calmly."""
    stuck = task(TaskState.PENDING, node_id=None, error="no suitable node (insufficient memory)")
    verdict = look(status(), running(at=stuck))
    assert verdict.status.message == ("Waiting for a node: no suitable node (insufficient memory).")
    assert truth(verdict.status, ConditionType.SCHEDULED) == "False"
    assert verdict.look_again == SLOW


@pytest.mark.parametrize(("seconds", "told"), [(9, False), (11, True)])
def test_a_task_that_gets_no_address_says_so(seconds: float, told: bool) -> None:
    """Swarm gives no reason of its own; an address that is there is given within milliseconds."""
    verdict = look(status(), running(at=task(TaskState.NEW, node_id=None)), seconds)
    assert ("has no free address left" in verdict.status.message) is told
    assert (verdict.look_again == SLOW) is told
    assert verdict.status.phase is Phase.PENDING
    assert verdict.actions == ()
    if told:
        assert reason(verdict.status, ConditionType.SCHEDULED) == "NoAddress"


@pytest.mark.parametrize(
    ("change", "words"),
    [({"state": "down"}, "is down"), ({"availability": "drain"}, "is drained")],
)
def test_a_task_that_waits_for_the_homes_node_says_so(change: dict[str, str], words: str) -> None:
    """The user is told that the home's node is the reason."""
    record = wanted(notebook(mounts=(home_mount(),)), home(node="n1"))
    stuck = task(TaskState.PENDING, node_id=None, error="no suitable node (...)")
    seen = running(record, at=stuck, nodes={"n1": node(**change), "n2": node("n2")})
    found = plan(record, seen, context()).status
    assert "home" in found.message
    assert "host-n1" in found.message
    assert words in found.message
    assert truth(found, ConditionType.HOME_READY) == "False"


def test_a_node_that_is_not_in_the_list_is_not_called_none() -> None:
    """The list of nodes may be some seconds old."""
    found = look(status(), running(nodes={})).status
    assert "None" not in "".join(c.message for c in found.conditions)


# -- running


def test_an_answer_makes_it_ready() -> None:
    """Ready, with address, node and time."""
    verdict = look(status(), running(answering=True), now=5)
    found = verdict.status
    assert found.phase is Phase.RUNNING
    assert found.message == ""
    assert truth(found, READY) == "True"
    assert found.address == "http://jupyter-ada---g1:8888"
    assert (found.node_id, found.node, found.task_id) == ("n1", "host-n1", "t1")
    assert found.ready_at == later(5)
    assert found.image == IMAGE
    assert verdict.look_again is None


def test_what_is_ready_need_not_answer_again() -> None:
    """A restarted operator does not take readiness back."""
    found = look(ready_status(), running(), now=99).status
    assert truth(found, READY) == "True"
    assert found.ready_at == NOW


def test_another_task_is_not_ready_because_the_last_was() -> None:
    """Readiness belongs to one task."""
    found = look(ready_status("t0"), running()).status
    assert truth(found, READY) == "False"
    assert found.phase is Phase.STARTING
    assert found.ready_at is None


def test_a_dying_task_does_not_become_ready() -> None:
    """It still answers for some seconds after Swarm has told it to end."""
    dying = task(desired_state="shutdown")
    assert truth(look(status(), running(at=dying, answering=True)).status, READY) == "False"
    assert truth(look(ready_status(), running(at=dying)).status, READY) == "True"


@pytest.mark.parametrize("state", [TaskState.PREPARING, TaskState.RUNNING])
def test_a_task_beside_its_home_is_left_and_one_elsewhere_is_moved(state: TaskState) -> None:
    """Two servers of one user may have started at once, before the home had a node."""
    record = wanted(notebook(mounts=(home_mount(),)), home(node="n2"))
    nodes = {"n1": node("n1"), "n2": node("n2")}
    beside = running(record, at=task(state, node_id="n2"), nodes=nodes)
    assert plan(record, beside, context()).actions == ()
    elsewhere = running(record, at=task(state), nodes=nodes, answering=True)
    verdict = plan(record, elsewhere, context())
    placement = Placement(image=IMAGE, pin="n2", force_update=1, supersedes="t1")
    assert verdict.actions == (
        actions.UpdateService("s1", 7, placement, "its home lies elsewhere"),
    )
    assert verdict.status.phase is Phase.PENDING
    assert truth(verdict.status, READY) == "False"
    assert verdict.status.failures == 0
    asked = service(record, placement=placement)
    again = plan(record, replace(elsewhere, service=asked, unchanged=1), context(later(1)))
    assert again.actions == ()


@pytest.mark.parametrize("state", [TaskState.ASSIGNED, TaskState.PREPARING, TaskState.READY])
def test_a_start_does_not_wait_for_a_node_that_died_before_it_began(state: TaskState) -> None:
    """Nothing of it is on that node yet; Swarm places it on another one, and no failure counts."""
    dead = {"n1": node(state="down"), "n2": node("n2")}
    seen = running(at=task(state), nodes=dead)
    verdict = look(status(), seen)
    placement = Placement(image=IMAGE, force_update=1, supersedes="t1")
    assert verdict.actions == (actions.UpdateService("s1", 7, placement, "its node is down"),)
    assert "went down before it began" in verdict.status.message
    assert verdict.status.failures == 0
    asked = service(placement=placement)
    again = look(verdict.status, replace(seen, service=asked, unchanged=1), now=1)
    assert again.actions == ()


def test_a_node_that_comes_back_is_asked_again() -> None:
    """After NodeDown the same task must answer anew."""
    down = look(ready_status(), running(nodes={"n1": node(state="down")})).status
    back = look(down, running(), now=5).status
    assert back.phase is Phase.STARTING
    ready = look(back, running(answering=True), now=6).status
    assert ready.ready_at == later(6)


# -- ended: the same task may be looked at many times


def test_a_failure_is_counted_once_however_often_it_is_seen() -> None:
    """The count is stored before the restart follows."""
    state = ready_status()
    for number in range(5):
        verdict = look(state, running(at=crashed()), now=number / 10, restart={"first_delay": 5})
        state = verdict.status
    assert state.failures == 1
    assert state.failed_task_id == "t1"
    assert state.phase is Phase.BACK_OFF
    assert verdict.actions == ()
    assert verdict.look_again == pytest.approx(4.6)


def test_a_restart_raises_force_update_and_names_the_task_it_replaces() -> None:
    """One more restart, of this very version of the service."""
    verdict = look(ready_status(), running(at=crashed()), restart=FAST)
    placement = Placement(image=IMAGE, force_update=1, supersedes="t1")
    assert verdict.actions == (actions.UpdateService("s1", 7, placement, "restart"),)
    assert verdict.status.phase is Phase.BACK_OFF
    assert verdict.look_again == SOON


def test_the_wait_doubles_up_to_its_maximum() -> None:
    """0, 2, 4, 8, ... 60 seconds."""
    policy = Policy().restart
    assert [policy.delay(n) for n in range(8)] == [0, 0, 2, 4, 8, 16, 32, 60]
    assert policy.delay(10_000) == 60


def test_nothing_restarts_before_its_time() -> None:
    """Back-off waits for the exact rest, and the time stays put."""
    state = look(ready_status(failures=1), running(at=crashed()), restart=FAST).status
    assert state.next_restart_at == later(2)
    early = look(state, running(at=crashed()), now=1.5, restart=FAST)
    assert (early.actions, early.look_again) == ((), 0.5)
    due = look(early.status, running(at=crashed()), now=2, restart=FAST)
    assert len(due.actions) == 1


def test_out_of_budget_it_is_given_up_with_code_and_log() -> None:
    """The reason is readable: exit code, count and the last lines."""
    seen = running(at=crashed(7), log=("Traceback", "boom"))
    verdict = look(ready_status(failures=2), seen, restart=FAST)
    found = verdict.status
    assert verdict.actions == ()
    assert found.phase is Phase.FAILED
    assert reason(found, READY) == "CrashLoop"
    assert found.exit_code == 7
    assert found.last_log == ("Traceback", "boom")
    assert "exit code 7" in found.message
    assert "3 times in a row" in found.message
    assert (found.next_restart_at, found.address) == (None, None)


def test_a_budget_of_nothing_gives_up_at_the_first_failure() -> None:
    """For those who want no restarts."""
    verdict = look(ready_status(), running(at=crashed()), restart={"budget": 0})
    assert verdict.status.phase is Phase.FAILED


def test_a_stable_run_forgets_earlier_failures() -> None:
    """Ten minutes of answering is a new beginning."""
    state = ready_status(failures=5)
    ended = crashed(changed_at=later(601))
    found = look(state, running(at=ended), now=602).status
    assert found.failures == 1


def test_a_short_run_does_not_forget() -> None:
    """Answering for a moment between crashes is a crash loop all the same."""
    ended = crashed(changed_at=later(599))
    assert look(ready_status(failures=2), running(at=ended), now=600).status.failures == 3


def test_a_task_that_never_answered_was_not_stable_because_its_predecessor_was() -> None:
    """Else a crash loop after one good run would go on for ever."""
    state = ready_status("t1")
    state = look(state, running(at=crashed(changed_at=later(700))), now=700).status
    assert state.failures == 1
    restarted = running(at=task(id="t2", changed_at=later(701)))
    state = look(state, restarted, now=701).status
    assert state.phase is Phase.STARTING
    again = running(at=crashed(id="t2", changed_at=later(702)))
    assert look(state, again, now=702).status.failures == 2


def test_one_that_ended_on_its_way_was_not_stable_either() -> None:
    """A task seen while it was prepared carries no readiness of the last one."""
    state = look(ready_status("t1", failures=1), running(at=task(TaskState.PREPARING, id="t2")))
    ended = running(at=crashed(id="t2", changed_at=later(900)))
    assert look(state.status, ended, now=900).status.failures == 2


@pytest.mark.parametrize("state", [TaskState.SHUTDOWN, TaskState.REMOVE, TaskState.ORPHANED])
def test_what_the_swarm_ended_costs_no_budget(state: TaskState) -> None:
    """A drained or lost node is not the notebook's fault, and it restarts at once."""
    verdict = look(ready_status(failures=1), running(at=task(state)))
    assert verdict.status.failures == 1
    assert len(verdict.actions) == 1


@pytest.mark.parametrize(
    "error",
    [
        "assigned node no longer meets constraints",
        "node is missing network attachments, ip addresses may be exhausted",
    ],
)
def test_what_swarm_takes_back_is_asked_for_again(error: str) -> None:
    """However often: a node that is changed is no fault of the notebook."""
    back = task(TaskState.REJECTED, error=error)
    first = look(status(failures=2), running(at=back), restart=FAST).status
    assert (first.phase, first.failures) == (Phase.BACK_OFF, 2)
    assert first.next_restart_at == later(SLOW)
    verdict = look(first, running(at=back), now=SLOW, restart=FAST)
    assert [type(a) for a in verdict.actions] == [actions.UpdateService]


def test_a_hub_that_was_away_costs_no_budget() -> None:
    """The server waits a little and tries again, however often."""
    lines = ("[C] Failed to connect to my Hub at http://hub:8081/hub/api.", "exiting")
    verdict = look(ready_status(failures=5), running(at=crashed(), log=lines))
    assert verdict.status.failures == 5
    assert verdict.status.phase is Phase.BACK_OFF
    assert "could not reach the hub" in verdict.status.message
    assert verdict.look_again == 5.0


def test_out_of_memory_is_called_likely() -> None:
    """The engine does not tell; 137 is what it leaves."""
    found = look(ready_status(), running(at=crashed(137))).status
    assert found.message == (
        "The server was killed on host-n1 (exit code 137), likely out of memory."
    )


@pytest.mark.parametrize(
    "error",
    [
        "No such image: registry/nope:1",
        "pull access denied for nope, repository does not exist or may require 'docker login'",
        "manifest unknown: manifest unknown",
    ],
)
def test_an_image_that_is_not_there_is_final(error: str) -> None:
    """Trying again would not make it appear."""
    rejected = task(TaskState.REJECTED, error=error)
    verdict = look(status(), running(at=rejected))
    assert verdict.actions == ()
    assert verdict.status.phase is Phase.FAILED
    assert reason(verdict.status, READY) == "ImageNotFound"
    assert f"The image {IMAGE} could not be found or pulled" in verdict.status.message


def test_another_rejection_is_tried_again() -> None:
    """A node may refuse for a passing reason."""
    rejected = task(TaskState.REJECTED, error="failed to allocate gateway")
    verdict = look(status(), running(at=rejected))
    assert verdict.status.failures == 1
    assert verdict.status.exit_code is None
    assert "failed to allocate gateway" in verdict.status.message
    assert len(verdict.actions) == 1


def test_a_server_that_ends_after_it_answered_has_stopped() -> None:
    """The user chose File, Shut Down."""
    done = task(TaskState.COMPLETE, exit_code=0)
    verdict = look(ready_status(), running(at=done))
    assert verdict.status.phase is Phase.STOPPED
    assert verdict.status.exit_code == 0
    assert verdict.status.failures == 0
    assert reason(verdict.status, READY) == "Completed"
    assert verdict.actions == ()


def test_a_server_that_ends_before_it_answered_has_failed() -> None:
    """Exit code 0 is no success for a server that nobody could reach."""
    done = task(TaskState.COMPLETE, exit_code=0)
    verdict = look(status(), running(at=done))
    assert verdict.status.failures == 1
    assert "before it answered" in verdict.status.message


@pytest.mark.parametrize(
    "ended",
    [
        task(TaskState.COMPLETE, exit_code=0, updated_at=later(60)),
        crashed(255, updated_at=later(60)),
        task(TaskState.FAILED, error="No such container: jupyter-ada.1.t1", exit_code=0),
    ],
    ids=["obeyed SIGTERM", "lost its power", "forgotten"],
)
@pytest.mark.parametrize("was", ["ready", "node-down", "told-late", "silent"])
def test_a_restarted_engine_is_no_fault_of_the_server(ended: Task, was: str) -> None:
    """It is started again, and its budget is untouched; "ended by itself" is said of none."""
    nodes = {"n1": node(updated_at=later(58))}
    state = ready_status()
    if was == "node-down":
        gone = running(at=task(), nodes={"n1": node(state="down")})
        state = look(state, gone, now=30).status
    elif was != "ready":  # that it answered is not forgotten by what a late list shows of it
        state = look(state, running(at=task(TaskState.PREPARING)), now=30).status
    if was == "silent":
        state = look(state, running(at=task()), now=31).status
    verdict = look(state, running(at=ended, nodes=nodes), now=61)
    assert verdict.status.phase is Phase.BACK_OFF
    assert verdict.status.failures == 0
    down = was == "node-down"
    words = "host-n1 was down for a while" if down else "engine on host-n1 was restarted"
    assert words in verdict.status.message
    assert len(verdict.actions) == 1


def test_a_server_that_ends_long_after_its_engine_joined_ended_by_itself() -> None:
    """A node's last change is usually long ago."""
    done = task(TaskState.COMPLETE, exit_code=0, updated_at=later(60))
    seen = running(at=done, nodes={"n1": node(updated_at=later(30))})
    assert look(ready_status(), seen, now=61).status.phase is Phase.STOPPED


def test_a_server_that_never_answered_is_not_excused_by_its_engine() -> None:
    """Else one that always fails would be started again and again for nothing."""
    nodes = {"n1": node(updated_at=later(58))}
    seen = running(at=crashed(1, updated_at=later(60)), nodes=nodes)
    assert look(status(), seen, now=61).status.failures == 1


# -- superseded


def superseding(*, since: float) -> Observed:
    """Return a look at a service that asked for a task in t1's stead `since` seconds ago."""
    placement = Placement(image=IMAGE, force_update=1, supersedes="t1")
    return observed(service=service(placement=placement), task=crashed(), unchanged=since)


def test_a_task_that_was_replaced_already_is_not_restarted_again() -> None:
    """Between the update and the new task the old one is still the newest."""
    state = look(ready_status(), running(at=crashed())).status
    verdict = look(state, superseding(since=1))
    assert verdict.actions == ()
    assert verdict.status.phase is Phase.PENDING
    assert verdict.status.message == "Starting again."
    assert verdict.status.restarts == 1
    assert verdict.look_again == SOON


def test_a_replacement_that_never_comes_is_asked_for_again_but_counted_once() -> None:
    """An update that Swarm lost is repeated after a while."""
    state = look(ready_status(), running(at=crashed())).status
    verdict = look(state, superseding(since=60))
    assert state.failures == verdict.status.failures == 1
    (update,) = verdict.actions
    assert isinstance(update, actions.UpdateService)
    assert update.placement.force_update == 2


def test_a_list_that_came_late_takes_no_restart_back() -> None:
    """The service was read before its last update; another service counts by itself."""
    was = status(Phase.STARTING, service_id=service().id, restarts=2)
    assert look(was, running()).status.restarts == 2
    assert look(was.model_copy(update={"service_id": "other"}), running()).status.restarts == 0


def test_the_task_that_followed_is_judged_by_itself() -> None:
    """The label names the old task; the new one's end is a new failure."""
    state = look(ready_status(), running(at=crashed())).status
    seen = replace(superseding(since=1), task=crashed(id="t2"))
    assert look(state, seen).status.failures == 2


def test_a_clock_set_back_delays_no_restart() -> None:
    """A wait that is longer than any that was ever asked for is over."""
    state = status(Phase.BACK_OFF, failed_task_id="t1", failures=2, next_restart_at=later(3600))
    verdict = look(state, running(at=crashed()))
    assert [type(a).__name__ for a in verdict.actions] == ["UpdateService"]
    state = status(Phase.BACK_OFF, failed_task_id="t1", failures=2, next_restart_at=later(60))
    assert look(state, running(at=crashed())).look_again == 60


@pytest.mark.parametrize("ahead", [-3600, 3600])
def test_no_wall_clock_says_how_long_swarm_has_had(ahead: float) -> None:
    """One that jumps ends no wait early and draws none out."""
    made = replace(service(), updated_at=later(ahead))
    assert look(status(), observed(service=made, unchanged=1)).actions == ()
    (update,) = look(status(), observed(service=made, unchanged=61)).actions
    assert isinstance(update, actions.UpdateService)
