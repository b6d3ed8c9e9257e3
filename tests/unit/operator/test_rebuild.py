"""Which records are made again from what runs, and which are not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from support.records import (
    NOW,
    STORE,
    context,
    home,
    home_mount,
    later,
    node,
    notebook,
    observed,
    relabelled,
    secret,
    service,
    task,
    wanted,
)
from swarmhub_crds.home import Home, HomePhase, Reclaim
from swarmhub_crds.notebook import Notebook, NotebookStatus, Phase
from swarmhub_crds.sqlstore.codec import Broken
from swarmhub_operator.decide.plan import plan
from swarmhub_operator.decide.rebuild import Rebuilt, Stored, rebuild
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.observed import Service, Volume
from swarmhub_operator.engine.snapshot import index

RECORD = notebook(generation=5, mounts=(home_mount(),), environment={"A": "1"})
HOME = home(reclaim=Reclaim.DELETE, server="lab")
MADE = service(wanted(RECORD, HOME), created_at=later(60))


def run(services: Iterable[Service], *volumes: Volume, **stored: Any) -> Rebuilt:
    """Rebuild from services whose tasks run on n1; the engine's own node is n2."""
    found = tuple(services)
    tasks = tuple(task(id=f"t-{s.id}", service_id=s.id) for s in found)
    nodes = (node("n1"), node("n2"))
    return rebuild(index(0, found, tasks, (), nodes), volumes, Stored(**stored), "n2", STORE)


def volume(name: str = "home-ada", **values: Any) -> Volume:
    """Return a volume of a home, as the engine lists it."""
    own = {labels.STORE: STORE, labels.HOME: name, labels.UID: f"uid-{name}", labels.USER: "ada"}
    given = {"labels": own, "driver": "local", "options": {}, "created_at": NOW, **values}
    return Volume(name=name, **given)


def names(found: Rebuilt) -> list[str]:
    """Return the names of all records that are written."""
    notebooks = [one.record.metadata.name for one in found.notebooks]
    return notebooks + [one.record.metadata.name for one in found.homes]


def test_a_lost_record_and_its_home_come_back_as_they_were() -> None:
    """Identity, generation, spec, reclaim policy, and the node that holds the home."""
    found = run([MADE])
    (one,), (kept,) = found.notebooks, found.homes
    assert (one.expected, kept.expected, found.left) == (None, None, ())
    assert one.record.spec == RECORD.spec
    assert (one.record.metadata.uid, one.record.metadata.generation) == ("uid-ada", 5)
    assert (kept.record.metadata.uid, kept.record.spec) == ("uid-home-ada", HOME.spec)
    status = kept.record.status
    assert (status.phase, status.node_id, status.node) == (HomePhase.BOUND, "n1", "host-n1")


def test_the_operator_finds_nothing_to_do_then() -> None:
    """No restart, no update, no secret removed: it only asks whether the task answers."""
    found = run([MADE])
    made = wanted(found.notebooks[0].record, found.homes[0].record)
    look = observed(service=MADE, task=task(), secrets=(secret(RECORD),), answering=True)
    verdict = plan(made, look, context(later(600)))
    assert verdict.actions == ()
    assert verdict.status.phase is Phase.RUNNING


def test_what_the_store_knows_is_not_touched() -> None:
    """Run twice, the second time nothing is written."""
    first = run([MADE])
    again = run(
        [MADE],
        notebooks={"ada": first.notebooks[0].record},
        homes={"home-ada": first.homes[0].record},
    )
    assert again == Rebuilt((), (), ())


def test_an_older_record_is_replaced_by_the_version_that_was_read() -> None:
    """Also a blank status: what the old one said was of an earlier start."""
    old = notebook(generation=3, status=NotebookStatus(phase=Phase.STOPPED, observed_generation=5))
    (one,) = run([MADE], notebooks={"ada": old}, homes={"home-ada": HOME}).notebooks
    assert one.expected == ("uid-ada", 1)
    assert one.record.status == NotebookStatus()


@pytest.mark.parametrize(("uid", "told"), [("uid-ada", 0), ("uid-new", 1)])
def test_a_newer_record_is_never_overwritten(uid: str, told: int) -> None:
    """Who started anew since the loss has their own record, and it is said."""
    meta = notebook(uid=uid, generation=6).metadata
    newer = Notebook(
        metadata=meta.model_copy(update={"spec_written_at": later(90)}), spec=RECORD.spec
    )
    found = run([MADE], notebooks={"ada": newer}, homes={"home-ada": HOME})
    assert (found.notebooks, found.homes) == ((), ())
    assert len(found.left) == told
    assert all("newer" in one.why for one in found.left)


def test_a_record_that_cannot_be_read_is_left_with_its_reason() -> None:
    """It is its user's to write anew."""
    broken = Broken("Notebook", "ada", None, "It is broken; mend it", None, 1, None)
    (left,) = run([MADE], notebooks={"ada": broken}).left
    assert "It is broken; mend it." in left.why


@pytest.mark.parametrize(
    "changes",
    [
        {"RECORD": None},
        {"RECORD": "{"},
        {"SPEC_HASH": "another"},
        {"GENERATION": "4"},
        {"NOTEBOOK": "No Name"},
        {"UID": ""},
    ],
)
def test_labels_that_do_not_fit_together_make_no_record(changes: dict[str, str | None]) -> None:
    """A record of another hash would have the running server replaced."""
    found = run([relabelled(MADE, **changes)])
    assert found.notebooks == ()
    assert [one.what for one in found.left] == ["service jupyter-ada"]
    assert "swarmhub gc" in found.left[0].why


def test_what_was_deleted_does_not_come_back() -> None:
    """Neither a notebook nor a home that the store remembers to have removed."""
    found = run([MADE], removed={"uid-ada"})
    assert names(found) == []
    assert "deleted" in found.left[0].why
    assert names(run([MADE], volume(), removed={"uid-home-ada"})) == ["ada"]


def test_a_second_service_of_one_notebook_makes_no_second_record() -> None:
    """The operator removes it once the first has its record."""
    second = service(wanted(RECORD, HOME), id="s2", created_at=later(99))
    found = run([MADE, second])
    assert names(found) == ["ada", "home-ada"]
    assert [one.why for one in found.left] == ["It is a second service of one notebook."]


def test_a_home_comes_back_from_its_volume_alone() -> None:
    """On the engine's own node, under its own uid, and never to be removed by itself."""
    (one,) = run([], volume()).homes
    made: Home = one.record
    assert (made.metadata.name, made.metadata.uid) == ("home-ada", "uid-home-ada")
    assert (made.spec.user, made.spec.reclaim) == ("ada", Reclaim.RETAIN)
    assert (made.status.phase, made.status.node_id) == (HomePhase.BOUND, "n2")


def test_what_a_notebook_says_of_its_home_goes_before_what_the_volume_says() -> None:
    """It knows the reclaim policy and the node."""
    (one,) = run([MADE], volume()).homes
    assert one.record.spec.reclaim is Reclaim.DELETE
    assert one.record.status.node_id == "n1"


@pytest.mark.parametrize(
    "label",
    [
        {labels.STORE: STORE, labels.HOME: "another", labels.UID: "u", labels.USER: "ada"},
        {labels.STORE: STORE, labels.HOME: "home-ada", labels.UID: "u"},
        {labels.STORE: STORE, labels.HOME: "home-ada", labels.USER: "ada"},
        {labels.STORE: "x", labels.HOME: "home-ada", labels.UID: "u", labels.USER: "ada"},
        {},
    ],
)
def test_a_volume_that_is_no_home_of_ours_makes_no_record(label: dict[str, str]) -> None:
    """Labels that lack the user or the uid, name another volume, or are of another store."""
    assert names(run([], volume(labels=label))) == []
