"""Each bucket of the plan: deleted, stopped, settled, missing, outdated, drifted, kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.records import (
    DIGEST,
    IMAGE,
    NOW,
    TERMS,
    context,
    crashed,
    home,
    home_mount,
    node,
    notebook,
    observed,
    ready_status,
    reason,
    relabelled,
    running,
    secret,
    service,
    status,
    task,
    truth,
    wanted,
)
from swarmhub_crds.home import Home, HomeStatus
from swarmhub_crds.notebook import ConditionType, Desired, NotebookStatus, Phase, Resources
from swarmhub_operator.decide import actions
from swarmhub_operator.decide.build import Placement
from swarmhub_operator.decide.placing import pin
from swarmhub_operator.decide.plan import plan
from swarmhub_operator.decide.verdict import SLOW, SOON, Verdict, failed
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import TaskState

READY = ConditionType.READY


def kinds(verdict: Verdict) -> list[str]:
    """Return the names of the planned actions, in order."""
    return [type(a).__name__ for a in verdict.actions]


# -- missing


def test_a_new_notebook_gets_its_secret_before_its_service() -> None:
    """The service refers to the secret, so the secret comes first."""
    verdict = plan(wanted(), observed(secrets=()), context())
    assert verdict.actions == (
        actions.CreateSecret(secret().name),
        actions.CreateService(Placement(image=IMAGE, terms=TERMS)),
    )
    assert verdict.status.phase is Phase.PENDING
    assert verdict.status.observed_generation == 1
    assert truth(verdict.status, ConditionType.ACCEPTED) == "True"
    assert verdict.look_again == SOON


def test_a_secret_that_exists_is_not_made_twice() -> None:
    """A crash between secret and service leaves the secret to be used."""
    assert kinds(plan(wanted(), observed(), context())) == ["CreateService"]


def test_a_notebook_without_secret_environment_gets_none() -> None:
    """Nothing secret, no Swarm secret."""
    record = wanted(notebook(secret_digest=""))
    assert kinds(plan(record, observed(secrets=()), context())) == ["CreateService"]


def test_the_resolved_image_is_used() -> None:
    """The service runs the digest that the registry gave, not the tag."""
    verdict = plan(wanted(), observed(image="registry/lab:1@sha256:aa"), context())
    assert verdict.actions[-1] == actions.CreateService(
        Placement(image="registry/lab:1@sha256:aa", terms=TERMS)
    )


def test_an_image_that_nobody_resolved_is_used_as_it_is_written() -> None:
    """An image that is only on the nodes still starts."""
    verdict = plan(wanted(), observed(image=""), context())
    assert verdict.actions[-1] == actions.CreateService(Placement(image=IMAGE, terms=TERMS))


def test_a_removed_service_is_made_again_with_its_restarts() -> None:
    """`docker service rm` loses neither the count nor the way back; it is not ready meanwhile."""
    verdict = plan(wanted(notebook(status=ready_status(restarts=2))), observed(), context())
    assert verdict.actions == (
        actions.CreateService(Placement(image=IMAGE, force_update=2, terms=TERMS)),
    )
    assert verdict.status.phase is Phase.PENDING
    assert truth(verdict.status, READY) == "False"
    assert verdict.status.address is None
    assert verdict.status.task_id is None


def test_a_start_that_must_wait_says_its_place() -> None:
    """The gate's line is told, and nothing is made yet."""
    verdict = plan(wanted(), observed(place=3), context())
    assert verdict.actions == ()
    assert verdict.status.message == "3rd in line to start."
    assert verdict.status.phase is Phase.PENDING

    def again(place: int) -> float | None:
        return plan(wanted(), observed(place=place), context()).look_again

    assert [again(place) for place in (1, 2, 3, 9, 40)] == [SLOW, SLOW, 3.0, 9.0, 10.0]


def test_a_refused_notebook_fails_with_the_sentence() -> None:
    """Policy is asked before anything is made."""
    verdict = plan(wanted(), observed(), context(allowed_images=("other/*",)))
    assert verdict.actions == ()
    assert verdict.status.phase is Phase.FAILED
    assert truth(verdict.status, ConditionType.ACCEPTED) == "False"
    assert truth(verdict.status, READY) == "False"
    assert "is not allowed here" in verdict.status.message


def test_a_refusal_is_told_even_to_one_who_waits_in_line() -> None:
    """Nobody waits for a refusal."""
    verdict = plan(wanted(), observed(place=9), context(allowed_images=()))
    assert verdict.status.phase is Phase.FAILED


def test_a_guarantee_that_no_node_has_fails_at_once() -> None:
    """Waiting for a node that does not exist is not offered."""
    record = wanted(notebook(resources=Resources(mem_guarantee=2**40)))
    verdict = plan(record, observed(), context())
    assert verdict.status.phase is Phase.FAILED
    assert reason(verdict.status, ConditionType.SCHEDULED) == "InsufficientResources"
    assert "No node is large enough" in verdict.status.message


# -- homes and places


def test_a_bound_home_pins_its_notebook() -> None:
    """A local volume is where it was first used."""
    record = wanted(notebook(mounts=(home_mount(),)), home(node="n1"))
    verdict = plan(record, observed(), context())
    assert verdict.actions == (
        actions.CreateService(Placement(image=IMAGE, pin="n1", terms=TERMS)),
    )


@pytest.mark.parametrize(
    "free",
    [
        home(),
        home(driver="nfs-plugin", status=HomeStatus(node_id="n1")),
        home(driver_options={"type": "nfs"}, status=HomeStatus(node_id="n1")),
    ],
)
def test_a_home_that_is_nowhere_or_everywhere_pins_nothing(free: Home) -> None:
    """Unbound homes and shared drivers float."""
    assert pin(wanted(notebook(mounts=(home_mount(),)), free)) is None


def test_a_home_without_a_readable_record_starts_nothing() -> None:
    """Where the home lies is not known then, and elsewhere it would be empty."""
    record = wanted(notebook(mounts=(home_mount(),)))
    verdict = plan(record, observed(), context())
    assert verdict.actions == ()
    assert verdict.status.phase is Phase.PENDING
    assert truth(verdict.status, ConditionType.HOME_READY) == "False"
    assert "home-ada" in verdict.status.message
    assert verdict.look_again == SLOW


def test_two_homes_on_different_nodes_are_not_started_with_an_empty_one() -> None:
    """One of them would be empty on the other's node."""
    mounts = (home_mount("h-a", "/a"), home_mount("h-b", "/b"))
    record = wanted(notebook(mounts=mounts), home("h-a", node="n1"), home("h-b", node="n2"))
    nodes = {"n1": node("n1"), "n2": node("n2")}
    verdict = plan(record, observed(nodes=nodes), context())
    assert verdict.actions == ()
    assert verdict.status.phase is Phase.FAILED
    assert truth(verdict.status, ConditionType.HOME_READY) == "False"


def test_a_home_whose_node_has_left_the_swarm_is_told() -> None:
    """The user is told; an empty home elsewhere is never given instead."""
    record = wanted(notebook(mounts=(home_mount(),)), home(node="n7"))
    verdict = plan(record, observed(), context())
    assert verdict.actions == ()
    assert verdict.status.phase is Phase.FAILED
    assert truth(verdict.status, ConditionType.HOME_READY) == "False"
    assert "n7" in verdict.status.message


# -- settled


@pytest.mark.parametrize("phase", [Phase.FAILED, Phase.STOPPED])
def test_a_settled_generation_is_left_alone(phase: Phase) -> None:
    """Given up or ended by itself: nothing happens until the spec changes."""
    settled = status(phase, message="why")
    for seen in (observed(), running(at=crashed())):
        assert plan(wanted(notebook(status=settled)), seen, context()) == Verdict(settled)


def test_a_new_generation_forgets_the_old_status() -> None:
    """A start after a failure begins with a full budget."""
    old = status(Phase.FAILED, failures=9, restarts=4, message="old", last_log=("x",))
    verdict = plan(wanted(notebook(generation=2, status=old)), observed(), context())
    assert verdict.status.observed_generation == 2
    assert verdict.status.failures == 0
    assert verdict.status.last_log == ()
    assert verdict.actions[-1] == actions.CreateService(Placement(image=IMAGE, terms=TERMS))


def test_a_record_that_can_be_read_again_is_no_longer_given_up() -> None:
    """Its server ran on while the record could not be read, and must not be stopped for it."""
    broken = failed(ready_status(), ConditionType.VALID, "InvalidRecord", "Unreadable.", NOW).status
    verdict = plan(wanted(notebook(status=broken)), running(), context())
    assert verdict.status.phase is Phase.STARTING
    assert truth(verdict.status, ConditionType.VALID) != "False"


# -- outdated


def test_a_service_of_an_earlier_generation_is_removed_first() -> None:
    """The next look finds no service and makes the new one."""
    record = wanted(notebook(generation=2, status=ready_status()))
    verdict = plan(record, running(notebook()), context())
    assert verdict.actions == (actions.RemoveService("s1", "outdated"),)
    assert verdict.status.phase is Phase.PENDING
    assert verdict.look_again == 0.0


def test_a_service_of_a_dead_record_of_the_same_name_is_replaced() -> None:
    """A record made anew has another uid; the service's name is taken until the old one goes."""
    record = wanted(notebook(uid="new"))
    verdict = plan(record, running(notebook(uid="old")), context())
    assert verdict.actions == (actions.RemoveService("s1", "outdated"),)


def test_a_service_whose_hash_was_taken_away_is_replaced_and_not_ready_meanwhile() -> None:
    """What cannot be told to be ours is made anew."""
    found = relabelled(service(), SPEC_HASH=None)
    record = wanted(notebook(status=ready_status()))
    verdict = plan(record, observed(service=found, task=task()), context())
    assert kinds(verdict) == ["RemoveService"]
    assert truth(verdict.status, READY) == "False"
    assert verdict.status.address is None


# -- drifted


def test_drift_is_repaired_and_named() -> None:
    """Only the changed field is named, and the task that goes is superseded."""
    wrong = service()
    container = {**wrong.spec["TaskTemplate"]["ContainerSpec"], "Image": "evil"}
    template = {**wrong.spec["TaskTemplate"], "ContainerSpec": container}
    found = replace(wrong, spec={**wrong.spec, "TaskTemplate": template})
    record = wanted(notebook(status=ready_status()))
    verdict = plan(record, observed(service=found, task=task()), context())
    placement = Placement(image=IMAGE, supersedes="t1")
    why = "changed behind our back: TaskTemplate.ContainerSpec.Image"
    assert verdict.actions == (actions.UpdateService("s1", 7, placement, why, repair=True),)
    assert verdict.look_again == SOON


def test_a_service_scaled_to_nothing_is_scaled_back() -> None:
    """Its ended task is superseded, so that it counts as no failure."""
    found = replace(service(), spec={**service().spec, "Mode": {"Replicated": {"Replicas": 0}}})
    ended = task(TaskState.SHUTDOWN)
    verdict = plan(wanted(), observed(service=found, task=ended), context())
    (update,) = verdict.actions
    assert isinstance(update, actions.UpdateService)
    assert update.why.endswith("Mode.Replicated.Replicas")
    assert update.placement.supersedes == "t1"
    assert verdict.status.failures == 0


def test_a_changed_label_is_put_right_without_a_new_task() -> None:
    """Labels of a service touch no task, so none is superseded."""
    found = relabelled(service(), USER="eve")
    verdict = plan(wanted(), observed(service=found, task=task()), context())
    (update,) = verdict.actions
    assert isinstance(update, actions.UpdateService)
    assert update.placement.supersedes == ""


def test_a_repair_keeps_force_update_and_image() -> None:
    """A repair is no restart and no upgrade."""
    made = Placement(image="registry/lab:1@sha256:aa", force_update=3)
    found = relabelled(service(placement=made), USER="eve")
    verdict = plan(wanted(), observed(service=found, task=task()), context())
    (update,) = verdict.actions
    assert isinstance(update, actions.UpdateService)
    assert update.placement == made


def test_what_is_as_wanted_is_left_alone() -> None:
    """A ready notebook in its right form asks for nothing and for no further look."""
    record = wanted(notebook(status=ready_status()))
    first = plan(record, running(), context())
    again = plan(wanted(notebook(status=first.status)), running(), context())
    assert again.actions == ()
    assert again.look_again is None
    assert again.status == first.status


# -- kept, with things to tidy


def test_a_second_service_of_one_notebook_goes() -> None:
    """There is at most one service a notebook."""
    stray = service(id="s2")
    verdict = plan(wanted(), running(strays=(stray,)), context())
    assert [a.service_id for a in verdict.actions if isinstance(a, actions.RemoveService)] == ["s2"]


def test_secrets_of_earlier_starts_go() -> None:
    """Only the secret of this generation stays."""
    old = secret(id="secret-0", name="jupyter-ada-old")
    verdict = plan(wanted(), running(secrets=(secret(), old)), context())
    assert verdict.actions == (actions.RemoveSecret("secret-0", "jupyter-ada-old"),)


def test_a_repair_comes_before_the_removal_of_the_secret_that_it_frees() -> None:
    """A secret in use cannot be removed: the engine's refusal must not stop the repair."""
    old = secret(id="secret-0", name="jupyter-ada-old")
    found = service(secret_id="secret-0")
    seen = observed(service=found, task=task(), secrets=(secret(), old))
    assert kinds(plan(wanted(), seen, context())) == ["UpdateService"]
    repaired = running(secrets=(secret(), old))
    assert kinds(plan(wanted(), repaired, context())) == ["RemoveSecret"]


def test_a_secret_missing_from_one_look_is_no_drift() -> None:
    """The lists of one look are taken one after the other."""
    verdict = plan(wanted(), running(secrets=()), context())
    assert verdict.actions == ()


# -- stopped


def test_a_stop_removes_the_service_first() -> None:
    """The secret is in use until the service is gone."""
    record = wanted(notebook(generation=2, desired=Desired.STOPPED, status=ready_status()))
    verdict = plan(record, running(notebook(), strays=(service(id="s2"),)), context())
    assert verdict.actions == (
        actions.RemoveService("s1", "stopped"),
        actions.RemoveService("s2", "stopped"),
    )
    assert verdict.status.phase is Phase.STOPPING
    assert verdict.status.observed_generation == 2
    assert verdict.look_again == 0.0


def test_a_stop_then_removes_secrets_and_erases_the_environment() -> None:
    """Stopped is only said once nothing secret is left."""
    record = wanted(notebook(generation=2, desired=Desired.STOPPED, status=ready_status()))
    verdict = plan(record, observed(), context())
    assert verdict.actions == (
        actions.RemoveSecret("secret-1", secret().name),
        actions.EraseSecretEnvironment(2),
    )
    assert verdict.act_first
    stopped = verdict.status
    assert stopped.phase is Phase.STOPPED
    assert (stopped.service_id, stopped.task_id, stopped.address) == (None, None, None)
    assert truth(stopped, READY) == "False"
    assert verdict.look_again is None


def test_what_is_stopped_stays_stopped_without_a_word() -> None:
    """A stopped notebook plans nothing and its status does not move."""
    record = notebook(generation=2, desired=Desired.STOPPED, status=ready_status())
    stopped = plan(wanted(record), observed(secrets=()), context()).status
    again = record.model_copy(update={"status": stopped})
    verdict = plan(wanted(again), observed(secrets=()), context())
    assert (verdict.actions, verdict.status) == ((), stopped)


def test_a_secret_that_turns_up_late_is_removed_from_a_stopped_notebook() -> None:
    """A secret made by an operator that died in between is not forgotten."""
    record = notebook(desired=Desired.STOPPED, status=status(Phase.STOPPED))
    verdict = plan(wanted(record), observed(), context())
    assert actions.RemoveSecret("secret-1", secret().name) in verdict.actions


def test_a_failure_stays_readable_after_the_hub_stopped_the_notebook() -> None:
    """The hub stops what failed; the reason must outlive that."""
    why = status(Phase.FAILED, message="Out of luck.", exit_code=3, last_log=("boom",))
    record = notebook(generation=2, desired=Desired.STOPPED, status=why)
    going = plan(wanted(record), running(notebook()), context())
    assert going.status.phase is Phase.FAILED
    gone = plan(wanted(record), observed(secrets=()), context()).status
    assert (gone.phase, gone.message, gone.exit_code) == (Phase.FAILED, "Out of luck.", 3)
    assert gone.last_log == ("boom",)


# -- deleted


def test_a_deletion_stops_first() -> None:
    """The record stays as long as something of it runs."""
    record = wanted(notebook(deleted=True, status=ready_status()))
    assert kinds(plan(record, running(), context())) == ["RemoveService"]


def test_a_deletion_ends_with_the_homes_released_and_the_record_gone() -> None:
    """All that is left goes in one step, the record last."""
    mounts = (home_mount(), home_mount("home-x", "/x"))
    record = wanted(notebook(deleted=True, mounts=mounts), home(), home("home-x"))
    verdict = plan(record, observed(), context())
    assert kinds(verdict) == [
        "RemoveSecret",
        "EraseSecretEnvironment",
        "ReleaseHomes",
        "RemoveRecord",
    ]
    assert actions.ReleaseHomes(("home-ada", "home-x")) in verdict.actions
    assert verdict.act_first


def test_volumes_that_are_no_homes_are_not_released() -> None:
    """A course's shared volume belongs to nobody who could be deleted."""
    shared = home_mount().model_copy(update={"home": False})
    verdict = plan(wanted(notebook(deleted=True, mounts=(shared,))), observed(), context())
    assert actions.ReleaseHomes(()) in verdict.actions


def test_a_deletion_of_what_never_ran_needs_no_look_at_the_past() -> None:
    """A record that was never acted on is removed all the same."""
    record = wanted(notebook(deleted=True, secret_digest="", status=NotebookStatus()))
    assert kinds(plan(record, observed(secrets=()), context())) == ["ReleaseHomes", "RemoveRecord"]


def test_a_service_that_is_changed_again_and_again_is_repaired_with_pauses() -> None:
    """Whoever always changes it back does not get it restarted ten times a second."""
    wrong = service()
    found = replace(wrong, spec={**wrong.spec, "Mode": {"Replicated": {"Replicas": 0}}})
    record = wanted(notebook(status=ready_status()))
    seen = observed(service=found, task=task(), since_repair=1.0)
    verdict = plan(record, seen, context())
    assert verdict.actions == ()
    assert verdict.look_again == 5.0
    assert "again and again" in verdict.status.message


@pytest.mark.parametrize("drifted", [True, False], ids=["repair", "restart"])
def test_no_update_carries_what_the_policy_refuses(drifted: bool) -> None:
    """A hub that wrote another spec under the same hash, or a policy that was made narrower."""
    record = notebook(image="evil", status=status(Phase.RUNNING))
    placement = Placement(image="good" if drifted else "evil")
    seen = observed(service=service(record, placement=placement), task=crashed())
    if drifted:
        made = relabelled(seen.service, IMAGE="evil") if seen.service else None
        seen = replace(seen, service=made)
    assert "UpdateService" in kinds(plan(wanted(record), seen, context()))
    verdict = plan(wanted(record), seen, context(allowed_images=("good",)))
    assert kinds(verdict) == []
    assert verdict.status.phase is Phase.FAILED
    assert "The image evil is not allowed here" in verdict.status.message
    assert truth(verdict.status, ConditionType.ACCEPTED) == "False"


def test_a_server_that_a_narrower_policy_forbids_runs_on() -> None:
    """Whoever changes its service does not end it: it is left as it is, until it ends by itself."""
    record = notebook(image="evil", status=ready_status())
    found = relabelled(service(record, placement=Placement(image="evil")), USER="eve")
    seen = observed(service=found, task=task())
    verdict = plan(wanted(record), seen, context(allowed_images=("good",)))
    assert verdict.actions == ()
    assert verdict.status.phase is Phase.RUNNING
    assert "not put right: The image evil is not allowed here" in verdict.status.message
    assert "not put right" not in plan(wanted(record), seen, context()).status.message


def test_a_secret_that_the_service_mounts_is_never_removed() -> None:
    """Whatever it is called: a list that misses a name must not set off a removal."""
    odd = secret(name="jupyter-ada-ffffffffffff")
    seen = observed(service=service(secret_id=odd.id), task=task(), secrets=(odd,))
    verdict = plan(wanted(notebook(status=ready_status())), seen, context())
    assert not [a for a in verdict.actions if isinstance(a, actions.RemoveSecret)]


def test_a_service_without_its_image_label_is_not_restarted() -> None:
    """It was made by an operator that wrote none, or somebody removed it: it runs on as it is."""
    digest = f"{IMAGE}@sha256:{DIGEST}"
    found = relabelled(service(placement=Placement(image=digest)), IMAGE=None)
    record = wanted(notebook(status=ready_status()))
    verdict = plan(record, observed(service=found, task=task()), context())
    (update,) = verdict.actions
    assert isinstance(update, actions.UpdateService)
    assert (update.placement.image, update.placement.supersedes) == (digest, "")
    assert update.why.endswith(labels.IMAGE)
