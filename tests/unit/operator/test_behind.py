"""A store that went back in time: what was started later is left alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.records import (
    NOW,
    context,
    crashed,
    home,
    home_mount,
    later,
    metadata,
    notebook,
    observed,
    ready_status,
    reason,
    relabelled,
    secret,
    service,
    status,
    task,
    wanted,
)
from swarmhub_crds.notebook import ConditionType, Desired, Notebook, Phase
from swarmhub_operator.decide import actions, recorded
from swarmhub_operator.decide.behind import is_behind, is_later
from swarmhub_operator.decide.build import secret_name, spec_hash
from swarmhub_operator.decide.inputs import Observed
from swarmhub_operator.decide.plan import REPAIR_EVERY, plan
from swarmhub_operator.engine.observed import Service

READY = ConditionType.READY


def written(record: Notebook, seconds: float) -> Notebook:
    """Return the record with its spec written that long after NOW."""
    meta = record.metadata.model_copy(update={"spec_written_at": later(seconds)})
    return record.model_copy(update={"metadata": meta})


def later_start(generation: int = 5, seconds: float = 60) -> Service:
    """Return the service of a start that the store has forgotten."""
    return service(
        notebook(generation=generation, image="registry/lab:2"), created_at=later(seconds)
    )


def seen(found: Service, **values: object) -> Observed:
    """Return a look at a service with a running task."""
    return observed(**{"service": found, "task": task(), **values})


# -- which of the two is older


@pytest.mark.parametrize(
    ("generation", "made", "behind"),
    [(5, 60, True), (4, 60, True), (3, 60, False), (2, 60, False), (5, -60, False)],
)
def test_a_later_generation_made_after_the_spec_is_newer(
    generation: int, made: float, behind: bool
) -> None:
    """The same record: the generation decides, and a spec that was written since wins."""
    record = written(notebook(generation=3), 0).metadata
    assert is_behind(record, later_start(generation, made), frozenset()) is behind


@pytest.mark.parametrize(
    ("made", "removed", "behind"), [(60, "", True), (60, "dead", False), (-60, "", False)]
)
def test_a_server_of_another_record_is_newer_unless_it_is_known_to_be_deleted(
    made: float, removed: str, behind: bool
) -> None:
    """A backup from before the notebook was deleted and made again."""
    found = relabelled(later_start(1, made), UID="dead")
    assert is_behind(written(notebook(), 0).metadata, found, {removed}) is behind


def test_a_spec_of_unknown_age_is_as_old_as_its_record() -> None:
    """Written by a version that did not note it: nobody has written it since."""
    assert is_behind(metadata(generation=3), later_start(), frozenset())
    assert not is_behind(metadata(generation=3), later_start(5, -1), frozenset())


@pytest.mark.parametrize("label", [None, "", "x", "-5", "5 ", "9" * 99])
def test_a_generation_that_cannot_be_read_is_none(label: str | None) -> None:
    """A service of this record is then judged as ever: outdated."""
    found = relabelled(later_start(), GENERATION=label)
    assert found.generation == 0
    assert not is_behind(metadata(generation=3), found, frozenset())


@pytest.mark.parametrize(
    ("made", "uid", "later_one"),
    [(60, "uid-old", True), (60, "uid-ada", False), (60, None, False), (-60, "uid-old", False)],
)
def test_an_unreadable_deletion_takes_no_later_server_along(
    made: float, uid: str | None, later_one: bool
) -> None:
    """Of another record, made after the deletion was asked for."""
    assert is_later(later_start(5, made), uid, NOW) is later_one


# -- what is done about it


@pytest.mark.parametrize(
    "record",
    [
        notebook(generation=3),
        notebook(generation=3, desired=Desired.STOPPED),
        notebook(generation=3, deleted=True),
        notebook(generation=3, status=status(Phase.FAILED, observed_generation=3)),
        notebook(generation=3, status=ready_status(observed_generation=3)),
        notebook(uid="uid-of-old", generation=3),
    ],
)
def test_it_is_neither_removed_nor_replaced_nor_stopped(record: Notebook) -> None:
    """Whatever the old record says; the status says what to do, and stays."""
    verdict = plan(wanted(record), seen(later_start()), context())
    assert verdict.actions == ()
    assert verdict.status.phase is Phase.RUNNING
    assert verdict.status.observed_generation == 5
    assert reason(verdict.status, READY) == "StoreBehind"
    assert "`swarmhub state rebuild`" in verdict.status.message
    assert verdict.status.address == "http://jupyter-ada---g5:8888"
    again = record.model_copy(update={"status": verdict.status})
    assert plan(wanted(again), seen(later_start()), context(later(99))) == verdict


def test_a_later_start_is_reached_by_its_own_name() -> None:
    """The record knows another certificate than the one that its server has."""
    newer = notebook(generation=5, certificate="0123456789ab")
    made = replace(later_start(), spec=service(newer).spec)
    verdict = plan(wanted(notebook(certificate="ba9876543210")), seen(made), context())
    assert verdict.status.address == "https://jupyter-ada---s0123456789ab:8888"


def test_one_that_ended_is_not_restarted_by_an_old_record() -> None:
    """Its own record would say how; nothing is known of it here."""
    verdict = plan(wanted(), seen(later_start(), task=crashed()), context())
    assert verdict.actions == ()
    assert (verdict.status.phase, verdict.status.address) == (Phase.PENDING, None)


def test_a_newer_stray_is_not_removed() -> None:
    """Nor is anything else then."""
    stray = replace(later_start(), id="s2")
    verdict = plan(wanted(), seen(service(), strays=(stray,)), context())
    assert verdict.actions == ()


def test_who_starts_anew_since_then_gets_the_new_server() -> None:
    """The record that was written after the restore wins."""
    record = written(notebook(generation=6), 120)
    verdict = plan(wanted(record), seen(later_start()), context())
    assert verdict.actions == (actions.RemoveService("s1", "outdated"),)


def test_who_stops_it_since_then_has_it_stopped() -> None:
    """Likewise."""
    record = written(notebook(generation=6, desired=Desired.STOPPED), 120)
    verdict = plan(wanted(record), seen(later_start()), context())
    assert verdict.actions == (actions.RemoveService("s1", "stopped"),)


def test_what_a_remembered_removal_left_behind_is_replaced() -> None:
    """A late call of a paused operator made it; it is newer and yet garbage."""
    found = relabelled(later_start(1), UID="dead")
    verdict = plan(wanted(), seen(found, removed=frozenset({"dead"})), context())
    assert verdict.actions == (actions.RemoveService("s1", "outdated"),)


# -- the record that a service carries


FULL = notebook(
    generation=7,
    user="Ädä {{.Node.ID}}",
    environment={"A": "{{.Service.Name}}\n'\""},
    mounts=(home_mount(),),
)


def test_the_label_gives_the_record_back() -> None:
    """The same identity, the same hash, the same secret: its service is as wanted."""
    record = written(FULL, 3)
    found = recorded.read(service(wanted(record, home(node="n1"))))
    assert found is not None
    again, homes = found
    assert again.spec == record.spec
    kept = {"name", "uid", "generation", "created_at", "spec_written_at"}
    assert again.metadata.model_dump(include=kept) == record.metadata.model_dump(include=kept)
    assert (spec_hash(again), secret_name(again)) == (spec_hash(record), secret_name(record))
    assert [(h.metadata.uid, h.spec) for h in homes] == [("uid-home-ada", home().spec)]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"spec":{}}', "9" * 5000])
def test_a_label_that_cannot_be_read_gives_none(text: str) -> None:
    """As the services of an older operator, which have none."""
    assert recorded.read(relabelled(service(), RECORD=text)) is None
    assert recorded.read(relabelled(service(), RECORD=None)) is None


def test_a_record_that_is_too_long_for_a_label_has_none() -> None:
    """The engine would refuse the change; the start is worth more."""
    long = notebook(environment={"A": "x" * recorded.LONGEST})
    assert recorded.label(long, ()) == {}
    found = seen(service(long))
    assert plan(wanted(long), found, context()).actions == ()


def test_a_service_without_the_label_gets_it_and_keeps_its_task() -> None:
    """An older operator made it: nothing but labels changes, not even a pin that it lacks."""
    record = wanted(notebook(status=ready_status(), mounts=(home_mount(),)), home(node="n1"))
    unpinned = wanted(record.notebook, home())
    found = relabelled(service(unpinned), RECORD=None)
    verdict = plan(record, seen(found), context(NOW))
    (update,) = verdict.actions
    assert isinstance(update, actions.UpdateService)
    assert (update.repair, update.placement.pin, update.placement.force_update) == (True, None, 0)
    assert verdict.status.phase is Phase.RUNNING
    assert verdict.status.message == ""
    soon = replace(seen(found), since_repair=REPAIR_EVERY / 2)
    assert plan(record, soon, context()).actions == ()


def test_no_label_is_noted_on_what_policy_refuses_by_now() -> None:
    """It runs on, as it would without the label."""
    found = seen(relabelled(service(), RECORD=None))
    record = wanted(notebook(status=ready_status()))
    verdict = plan(record, found, context(allowed_images=("other",)))
    assert (verdict.actions, verdict.status.phase) == ((), Phase.RUNNING)


def test_a_restart_notes_the_label_on_its_way() -> None:
    """One update does both."""
    found = seen(relabelled(service(), RECORD=None), task=crashed())
    verdict = plan(wanted(), found, context())
    assert [type(a).__name__ for a in verdict.actions] == ["UpdateService"]


def test_a_secret_of_the_record_survives_the_loss_of_its_content() -> None:
    """It is mounted and named by the record; a restart goes on with it."""
    record = notebook()
    held = secret(record)
    verdict = plan(wanted(record), seen(service(record), secrets=(held,)), context())
    assert verdict.actions == ()
    restarted = plan(wanted(record), seen(service(record), task=crashed()), context())
    assert [type(a).__name__ for a in restarted.actions] == ["UpdateService"]
