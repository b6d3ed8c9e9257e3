"""From statuses to what a person reads: progress events and the reason of a failure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Final

from swarmhub_crds.base import Condition, ConditionStatus
from swarmhub_crds.notebook import ConditionType, Desired, Notebook, NotebookStatus, Phase

OPERATOR_SILENT_AFTER: Final = 15.0  # seconds without a sign of life before we say so


@dataclass(frozen=True)
class Text:
    """A sentence as plain text and, with more detail, as HTML that is safe to show."""

    plain: str
    html: str = ""


@dataclass(frozen=True)
class Event:
    """One line of the progress page; `progress` is in percent and never falls on the page."""

    progress: int
    message: str

    def as_dict(self) -> dict[str, int | str]:
        """Return the form that JupyterHub sends to the browser."""
        return {
            "progress": self.progress,
            "message": self.message,
            "html_message": escape(self.message),
        }


@dataclass(frozen=True)
class Explanation:
    """What has become of a server; `ready`: it answers, as far as its record says."""

    ready: bool
    message: str


# In the order in which a start passes them: percent when reached, sentence when the operator
# gives none.
_STAGES: Final = (
    (ConditionType.ACCEPTED, 20, "The request was accepted."),
    (ConditionType.HOME_READY, 35, "Your home is ready."),
    (ConditionType.SCHEDULED, 50, "A place on a node was found."),
    (ConditionType.STARTED, 75, "The container runs; Jupyter is starting."),
    (ConditionType.READY, 95, "Jupyter answers."),
)
_WRITTEN: Final = 10


def waiting_events(
    notebook: Notebook, *, now: datetime, operator_seen_at: datetime | None
) -> list[Event]:
    """Return what can be said about a start so far, in order; the last one is the newest.

    `operator_seen_at` is when the operator gave its last sign of life, None if never.
    """
    if notebook.status.observed_generation < notebook.metadata.generation:
        return [_unobserved(now, operator_seen_at)]
    return list(_observed(notebook.status))


def _unobserved(now: datetime, seen: datetime | None) -> Event:
    if seen is None:
        text = (
            "The request is written down, but no operator has ever run; "
            "an administrator must start the operator service."
        )
    elif (now - seen).total_seconds() > OPERATOR_SILENT_AFTER:
        text = (
            "The request is written down, but the operator has not been seen since "
            f"{seen:%Y-%m-%d %H:%M:%S} UTC; your server starts when it is back."
        )
    else:
        text = "The request is written down; waiting for the operator."
    return Event(_WRITTEN, text)


def _observed(status: NotebookStatus) -> Iterator[Event]:
    conditions = {c.type: c for c in status.conditions}
    reached = _WRITTEN
    for kind, percent, default in _STAGES:
        condition = conditions.get(kind)
        if condition is None:
            continue
        if condition.status is not ConditionStatus.TRUE:
            yield from _reason(reached, condition)
            break
        reached = percent
        yield Event(percent, _stage_sentence(condition, status, default))
    if status.phase is Phase.BACK_OFF and status.message:
        yield Event(reached, status.message)


def _reason(reached: int, condition: Condition) -> Iterator[Event]:
    if condition.message:
        yield Event(reached, condition.message)


def _stage_sentence(condition: Condition, status: NotebookStatus, default: str) -> str:
    if condition.message:
        return condition.message
    if condition.type == ConditionType.SCHEDULED and status.node:
        return f"Placed on node {status.node}."
    return default


def explanation(notebook: Notebook | None, events: Sequence[Event]) -> Explanation:
    """Return what has become of a server that did not answer; `events`: how its start goes on."""
    if notebook is None or notebook.spec.desired is not Desired.RUNNING:
        return Explanation(ready=False, message="Your server was stopped; start it again.")
    status = notebook.status
    current = status.observed_generation >= notebook.metadata.generation
    if current and status.phase is Phase.RUNNING:
        text = (
            "Your server should answer by now; trying again. If it does not, its node may be down."
        )
        return Explanation(ready=True, message=text)
    if current and status.phase is Phase.FAILED:
        return Explanation(ready=False, message=failure_text(status).plain)
    message = status.message if current else ""
    return Explanation(ready=False, message=message or _last(events))


def _last(events: Sequence[Event]) -> str:
    return events[-1].message if events else "Your server is on its way."


def store_trouble_event(reason: str) -> Event:
    """Return the line shown while the state database cannot be used."""
    return Event(_WRITTEN, f"{sentence(reason)} Your server starts when this is over.")


def sentence(text: str) -> str:
    """Return `text` with a full stop, so that another sentence can follow."""
    return text if text.endswith((".", "!", "?")) else text + "."


def failure_text(status: NotebookStatus) -> Text:
    """Return why a notebook failed, with exit code and last log lines as far as known."""
    reason = status.message or _condition_reason(status)
    if status.exit_code is not None and "exit code" not in reason.lower():
        reason = f"{reason.rstrip('.')} (exit code {status.exit_code})."
    if not status.last_log:
        return Text(reason, escape(reason))
    log = "\n".join(status.last_log)
    return Text(
        f"{sentence(reason)} Last lines of its log: {' | '.join(status.last_log)}",
        f"{escape(reason)}<pre>{escape(log)}</pre>",
    )


def _condition_reason(status: NotebookStatus) -> str:
    for condition in status.conditions:
        if condition.status is ConditionStatus.FALSE and condition.message:
            return condition.message
    return "The server failed to start; an administrator finds more in the operator's log."


def timed_out_text(record: str, seconds: float, events: Sequence[Event]) -> Text:
    """Return why a start was given up after `seconds`; `events` tell how far it came."""
    last = events[-1].message if events else "the operator has not answered."
    text = f"The server was not ready after {seconds:.0f} seconds (record {record}): {last}"
    return Text(text, escape(text))


@dataclass(frozen=True)
class SlowMessage:
    """What is told of a slow start: after `threshold` seconds, then every `frequency` seconds."""

    text: str
    threshold: int
    frequency: int


def slow_start_events(message: SlowMessage, seconds: float) -> list[Event]:
    """Return what is to be told after so many seconds; the same text until it is due again."""
    if not message.text or not message.threshold or seconds < message.threshold:
        return []
    due = seconds - (seconds - message.threshold) % message.frequency
    return [Event(0, message.text.replace("{seconds}", str(int(due))))]
