"""What a person reads while a start goes on and when it fails."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from swarmhub_crds.base import Condition, ConditionStatus, Metadata
from swarmhub_crds.notebook import Desired, Notebook, NotebookSpec, NotebookStatus, Phase
from swarmhub_spawner.messages import (
    Event,
    Explanation,
    explanation,
    failure_text,
    timed_out_text,
    waiting_events,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def condition(kind: str, status: str, message: str = "") -> Condition:
    """Return a condition of this kind."""
    return Condition(
        type=kind,
        status=ConditionStatus(status),
        reason="Because",
        message=message,
        last_transition_time=NOW,
    )


def notebook(
    *conditions: Condition, generation: int = 1, desired: Desired = Desired.RUNNING, **status: Any
) -> Notebook:
    """Return a record at `generation`, observed at 1 unless said otherwise."""
    status.setdefault("observed_generation", 1)
    return Notebook(
        metadata=Metadata(
            name="ada",
            uid="u1",
            generation=generation,
            resource_version=1,
            created_at=NOW,
            updated_at=NOW,
        ),
        spec=NotebookSpec(user="ada", desired=desired, image="i", command=("c",), networks=("n",)),
        status=NotebookStatus(conditions=conditions, **status),
    )


def events(record: Notebook, seen: datetime | None = NOW) -> list[Event]:
    """Return the events of a record, with the operator seen just now."""
    return waiting_events(record, now=NOW, operator_seen_at=seen)


def test_stages_come_in_order_with_the_operators_sentences() -> None:
    """Stages reached are told in order; the operator's sentence is preferred to ours."""
    record = notebook(
        condition("Ready", "False", "Jupyter does not answer yet."),
        condition("Scheduled", "True"),
        condition("Accepted", "True"),
        condition("HomeReady", "True", "Your home is on node w1."),
        condition("Started", "True"),
        node="w1",
    )
    assert events(record) == [
        Event(20, "The request was accepted."),
        Event(35, "Your home is on node w1."),
        Event(50, "Placed on node w1."),
        Event(75, "The container runs; Jupyter is starting."),
        Event(75, "Jupyter does not answer yet."),
    ]


def test_the_reason_of_a_wait_is_told() -> None:
    """What holds a start up is the last thing that is said."""
    record = notebook(
        condition("Accepted", "True"),
        condition("Scheduled", "False", "No node has 64 GiB of memory free."),
        condition("Started", "Unknown", "never said"),
    )
    assert events(record)[-1] == Event(20, "No node has 64 GiB of memory free.")


def test_back_off_is_told() -> None:
    """A restart that is waited for is no silence."""
    record = notebook(phase=Phase.BACK_OFF, message="It crashed; again in 4 s.")
    assert events(record) == [Event(10, "It crashed; again in 4 s.")]


def test_an_older_status_says_nothing_about_this_start() -> None:
    """Before the operator has seen the generation, its conditions are history."""
    record = notebook(condition("Ready", "True"), generation=2)
    assert events(record) == [Event(10, "The request is written down; waiting for the operator.")]


def test_a_silent_operator_is_named() -> None:
    """Nobody should look at a bar that stands still without knowing why."""
    unseen = notebook(generation=2)
    late = events(unseen, NOW - timedelta(minutes=2))[0].message
    assert "has not been seen since 2026-03-01 11:58:00 UTC" in late
    assert "no operator has ever run" in events(unseen, None)[0].message


def test_events_are_safe_to_show_as_html() -> None:
    """A sentence that quotes a user's text cannot carry markup onto the page."""
    assert Event(20, "<b>&").as_dict() == {
        "progress": 20,
        "message": "<b>&",
        "html_message": "&lt;b&gt;&amp;",
    }


def test_a_failure_has_sentence_exit_code_and_log() -> None:
    """Exit code and last log lines reach the person, escaped where HTML is shown."""
    status = NotebookStatus(
        phase=Phase.FAILED,
        message="The notebook crashed five times.",
        exit_code=3,
        last_log=("<script>", "boom"),
    )
    text = failure_text(status)
    assert text.plain == (
        "The notebook crashed five times (exit code 3). Last lines of its log: <script> | boom"
    )
    assert text.html == (
        "The notebook crashed five times (exit code 3).<pre>&lt;script&gt;\nboom</pre>"
    )


def test_a_failure_without_a_sentence_takes_the_conditions() -> None:
    """A condition's message serves when the status has none; else we say where to look."""
    refused = NotebookStatus(conditions=(condition("Accepted", "False", "Image is not allowed."),))
    assert failure_text(refused).plain == "Image is not allowed."
    assert "operator's log" in failure_text(NotebookStatus()).plain


def test_an_exit_code_is_not_said_twice() -> None:
    """The operator's own sentence may already hold it."""
    status = NotebookStatus(message="Ended with exit code 137.", exit_code=137)
    assert failure_text(status).plain == "Ended with exit code 137."


def test_a_time_out_tells_how_far_it_came() -> None:
    """The last thing known is part of the reason."""
    text = timed_out_text("ada", 59.4, [Event(1, "first"), Event(50, "Placed on <w1>.")])
    assert text.plain == "The server was not ready after 59 seconds (record ada): Placed on <w1>."
    assert text.html.endswith("Placed on &lt;w1&gt;.")
    assert "the operator has not answered" in timed_out_text("ada", 5, []).plain


# -- in place of a server that does not answer


def test_what_has_become_of_a_server_is_the_records_sentence() -> None:
    """While it waits for its node, is restarted, or has failed."""
    down = "Its node w1 is down since 10:31 UTC; it waits."
    waiting = notebook(condition("Ready", "False", down), phase=Phase.PENDING, message=down)
    assert explanation(waiting, events(waiting)) == Explanation(ready=False, message=down)
    crashed = notebook(phase=Phase.FAILED, message="It crashed.", exit_code=3)
    assert explanation(crashed, []).message == "It crashed (exit code 3)."


def test_a_server_that_runs_is_worth_another_try() -> None:
    """Its page is loaded anew."""
    assert explanation(notebook(phase=Phase.RUNNING), []).ready


def test_a_start_that_nobody_has_acted_upon_is_told_as_such() -> None:
    """An older status says nothing of it."""
    fresh = notebook(generation=2, phase=Phase.RUNNING, message="Old.")
    told = explanation(fresh, events(fresh))
    assert told == Explanation(
        ready=False, message="The request is written down; waiting for the operator."
    )
    assert explanation(fresh, []).message == "Your server is on its way."


def test_what_is_stopped_or_gone_can_be_started_again() -> None:
    """The hub has not noticed yet."""
    for record in (None, notebook(desired=Desired.STOPPED)):
        assert "start it again" in explanation(record, []).message
