"""The sentences that people read, and how a status is written."""

from __future__ import annotations

from datetime import timedelta

import pytest
from support.records import NOW, condition, later, node, status, task, truth
from swarmhub_crds.base import ConditionStatus, find_condition
from swarmhub_crds.notebook import ConditionType, Phase
from swarmhub_operator.decide import sentences
from swarmhub_operator.decide.verdict import failed, mark, pending
from swarmhub_operator.engine.observed import TaskState

READY = ConditionType.READY
AWAY = "assigned node no longer meets constraints"


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (12, "12th"),
        (13, "13th"),
        (21, "21st"),
        (102, "102nd"),
        (111, "111th"),
        (113, "113th"),
    ],
)
def test_places_are_english_ordinals(place: int, words: str) -> None:
    """1st, 2nd, 3rd, 11th."""
    assert sentences.position(place) == f"{words} in line to start."


@pytest.mark.parametrize(
    ("line", "away"),
    [
        (
            "[C 2026-03-01 SingleUserNotebookApp] Failed to connect to my Hub at http://hub:8081",
            True,
        ),
        ("Error connecting to http://hub:8081/hub/api: refused", True),
        ("Traceback (most recent call last):", False),
        ("I love my hub", False),
    ],
)
def test_a_hub_that_is_away_is_known_by_the_log(line: str, away: bool) -> None:
    """These are the words of jupyterhub-singleuser."""
    assert sentences.hub_unreachable(("first", line, "last")) is away


@pytest.mark.parametrize(
    ("state", "code", "error", "sentence"),
    [
        (TaskState.FAILED, 1, "task: non-zero exit (1)", "failed on host-n1 with exit code 1."),
        (TaskState.FAILED, 137, "", "killed on host-n1 (exit code 137), likely out of memory."),
        (TaskState.FAILED, 0, "starting container failed: no sh", "not start on host-n1: starting"),
        (TaskState.COMPLETE, 0, "", "by itself on host-n1 with exit code 0 before it answered."),
        (TaskState.REJECTED, None, "no space left.", "on host-n1: no space left."),
        (TaskState.REJECTED, None, "", "on host-n1: no reason given."),
        (
            TaskState.REJECTED,
            None,
            f"{AWAY}.",
            f"back on host-n1, since that node was changed: {AWAY}",
        ),
        (TaskState.ORPHANED, None, "", "was lost with its node on host-n1."),
        (TaskState.SHUTDOWN, None, "", "was stopped on host-n1 by the Swarm."),
        (TaskState.REMOVE, None, "", "was stopped on host-n1 by the Swarm."),
    ],
)
def test_each_end_has_its_sentence(
    state: TaskState, code: int | None, error: str, sentence: str
) -> None:
    """How it ended, where, and what is known of why."""
    ended = task(state, exit_code=code, error=error)
    assert sentence in sentences.failure(ended, node(), "lab")
    assert "None" not in sentences.failure(ended, None, "lab")


def test_the_image_in_the_sentence_carries_no_digest() -> None:
    """People know the image by its name."""
    gone = task(TaskState.REJECTED, error="No such image: lab:1@sha256:aa")
    assert "The image lab:1 could not" in sentences.failure(gone, None, "lab:1@sha256:aa")


def test_every_state_on_its_way_has_words() -> None:
    """No state falls through without a sentence."""
    ended = {"complete", "shutdown", "failed", "rejected", "remove", "orphaned"}
    for state in set(TaskState) - ended:
        assert sentences.step(task(state), None).endswith(".")


def test_the_transition_time_moves_only_with_the_answer() -> None:
    """Another reason or message is no transition."""
    first = mark(status(), READY, False, "A", "one", NOW)
    same = mark(first, READY, False, "B", "two", later(5))
    turned = mark(same, READY, True, "C", "", later(9))
    times = []
    for state in (first, same, turned):
        found = find_condition(state.conditions, READY)
        assert found is not None
        times.append(found.last_transition_time)
    assert times == [NOW, NOW, later(9)]
    assert len(turned.conditions) == 1


def test_none_is_unknown() -> None:
    """Kubernetes' third answer."""
    assert truth(mark(status(), READY, None, "X", "", NOW), READY) == "Unknown"


def test_giving_up_says_why_and_that_it_is_not_ready() -> None:
    """The cause's condition and Ready both tell it."""
    verdict = failed(status(address="x"), ConditionType.ACCEPTED, "Refused", "No.", NOW)
    found = verdict.status
    assert (found.phase, found.message, found.address) == (Phase.FAILED, "No.", None)
    assert truth(found, ConditionType.ACCEPTED) == truth(found, READY) == "False"
    assert verdict.actions == ()
    assert verdict.look_again is None


def test_what_is_pending_claims_neither_ready_nor_started() -> None:
    """A spawn page shows the message as the reason; what was never started is not mentioned."""
    before = status(
        conditions=(condition(READY), condition(ConditionType.STARTED)), address="http://x"
    )
    found = pending(before, "Soon.", NOW)
    assert truth(found, READY) == truth(found, ConditionType.STARTED) == "False"
    ready = find_condition(found.conditions, READY)
    assert ready is not None
    assert (ready.status, ready.message) == (ConditionStatus.FALSE, "Soon.")
    assert found.address is None
    assert truth(pending(status(), "Soon.", NOW), ConditionType.STARTED) is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (9.0, "pulling the image if it is not there yet."),
        (10.0, "pulling the image for 10 s now."),
        (49.0, "pulling the image for 40 s now."),
        (-30.0, "pulling the image if it is not there yet."),
    ],
)
def test_a_long_pull_says_for_how_long(seconds: float, said: str) -> None:
    """In steps, since each sentence is written to the store; the node's clock may be ahead."""
    at_work = task(TaskState.PREPARING)
    now = at_work.changed_at + timedelta(seconds=seconds)
    assert sentences.step(at_work, node(), now) == f"Preparing on host-n1: {said}"


def test_what_the_registry_said_is_the_reason() -> None:
    """An image that could not be pulled has been asked for at its registry before."""
    ended = task(TaskState.REJECTED, error="No such image: r/lab:1")
    said = sentences.failure(ended, node(), "r/lab:1", "The registry r wants a login.")
    assert said == (
        "The image r/lab:1 could not be pulled on host-n1. The registry r wants a login."
    )
    assert "check its name" in sentences.failure(ended, node(), "r/lab:1")
