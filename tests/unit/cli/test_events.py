"""`swarmhub events`, and what `describe` shows of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from queue import Queue
from typing import Any

import pytest
import yaml
from swarmhub_crds.event import Event
from swarmhub_operator.cli import events
from unit.cli.samples import Run, State

SOON = 20.0  # seconds that a busy machine is given


def event(name: str, reason: str, message: str, **values: Any) -> Event:
    """Return an event about a notebook, of five minutes ago and once; `ago` and `over` move it."""
    last = datetime.now(UTC) - timedelta(seconds=values.pop("ago", 305))
    first = last - timedelta(seconds=values.pop("over", 0))
    given = {"kind": "Notebook", "name": name, "reason": reason, "message": message}
    return Event.model_validate(given | {"first_seen": first, "last_seen": last} | values)


def put(state: State, *new: Event) -> None:
    """Write events, as the operator does."""
    state.store.put_events(new, fence=state.lease.token)


@pytest.fixture
def told(state: State) -> State:
    """A store that tells of two users, the home of one, and the operator."""
    state.notebook("ada", "lab")
    state.notebook("bob")
    put(
        state,
        event("manager", "LeaseAcquired", "It took the lease.", kind="Operator", ago=7300),
        event("ada--lab", "Ready", "It answers."),
        event("home-ada", "Bound", "Its volume is on n1.", kind="Home"),
        event("bob", "BackOff", "It failed.", type="Warning", count=3, over=120, ago=185),
    )
    return state


def objects(text: str) -> list[str]:
    """Return the objects of a table of events, in their order."""
    return [word for line in text.splitlines() for word in line.split() if "/" in word]


def test_events_are_a_table_with_the_newest_last(told: State, run: Run) -> None:
    """What happened more than once says how often, and in which time."""
    result = run("events")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "LAST SEEN         TYPE      REASON          OBJECT              MESSAGE",
        "2h                Normal    LeaseAcquired   operator/manager    It took the lease.",
        "5m                Normal    Ready           notebook/ada--lab   It answers.",
        "5m                Normal    Bound           home/home-ada       Its volume is on n1.",
        "3m (x3 over 2m)   Warning   BackOff         notebook/bob        It failed.",
    ]


def test_other_forms(told: State, run: Run) -> None:
    """Wide has a column for the count, JSON and YAML have all."""
    header, *rows = run("events", "-o", "wide").stdout.splitlines()
    titles = "LAST SEEN   TYPE   REASON   OBJECT   COUNT   FIRST SEEN   MESSAGE"
    assert " ".join(header.split()) == " ".join(titles.split())
    assert " ".join(rows[-1].split()) == "3m Warning BackOff notebook/bob 3 5m It failed."
    content = json.loads(run("events", "-o", "json").stdout)
    assert (content["apiVersion"], content["kind"]) == ("swarmhub/v1", "EventList")
    last = content["items"][-1]
    assert (last["name"], last["count"], last["type"]) == ("bob", 3, "Warning")
    assert {"firstSeen", "lastSeen", "message", "reason", "kind"} <= set(last)
    assert yaml.safe_load(run("events", "-o", "yaml").stdout)["items"][-1]["name"] == "bob"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("bob", ["notebook/bob"]),
        ("ada", ["home/home-ada"]),
        ("ada/lab", ["notebook/ada--lab", "home/home-ada"]),
        ("ada--lab", ["notebook/ada--lab"]),
        ("notebook/ada--lab", ["notebook/ada--lab"]),
        ("nb/ada/lab", ["notebook/ada--lab"]),
        ("home/ada", ["home/home-ada"]),
        ("home/home-ada", ["home/home-ada"]),
    ],
)
def test_one_is_asked_for_by_any_of_its_names(
    told: State, run: Run, name: str, found: list[str]
) -> None:
    """As with `describe`, and of a user also the homes."""
    assert objects(run("events", "--for", name).stdout) == found


def test_what_is_no_more_is_told_of_still(told: State, run: Run) -> None:
    """That is when one asks what has become of it."""
    told.remove("bob")
    told.remove("ada--lab")
    assert objects(run("events", "--for", "bob").stdout) == ["notebook/bob"]
    assert "notebook/ada--lab" in objects(run("events", "--for", "ada/lab").stdout)


def test_a_name_that_nobody_has_is_an_error(told: State, run: Run) -> None:
    """But not one about which nothing has happened yet."""
    result = run("events", "--for", "zoe")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "There is no notebook or home 'zoe'" in result.stderr
    told.notebook("zoe")
    result = run("events", "--for", "zoe")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No event is known that fits." in result.stderr
    items = json.loads(run("events", "--for", "zoe", "-o", "json").stdout)["items"]
    assert items == []


def test_fewer_are_asked_for_by_number_or_age(told: State, run: Run) -> None:
    """The newest, and those of the last while."""
    assert objects(run("events", "--limit", "2").stdout) == ["home/home-ada", "notebook/bob"]
    assert objects(run("events", "--since", "4m").stdout) == ["notebook/bob"]
    assert len(objects(run("events", "--since", "1h").stdout)) == 3
    assert run("events", "--since", "soon").exit_code == 2
    assert run("events", "--limit", "0").exit_code == 2
    assert run("events", "-o", "name").exit_code == 2


def test_what_users_wrote_does_not_steer_the_terminal(state: State, run: Run) -> None:
    """Sentences quote images, nodes and engines."""
    put(state, event("ada\x1b[2J", "Refused", "The image \x1b[31mlab\n is not allowed."))
    for words in (("events",), ("events", "-o", "wide"), ("events", "-o", "json")):
        printed = run(*words).stdout
        assert "\x1b" not in printed
        assert "\\u001b[31mlab\\n" in printed


def test_the_operator_may_be_down(told: State, run: Run) -> None:
    """The events are in the store."""
    told.store.release_lease(told.lease)
    assert len(objects(run("events").stdout)) == 4


def test_describe_shows_the_last_few(state: State, run: Run) -> None:
    """Of a notebook, a home, and a record that cannot be read."""
    state.notebook("bob")
    put(state, event("home-bob", "Lost", "It is lost.", kind="Home", type="Warning"))
    put(state, *(event("bob", "Waiting", f"Attempt {n}.") for n in range(12)))
    lines = run("describe", "notebook", "bob").stdout.splitlines()
    own = lines[lines.index("Events:") + 1 :]
    assert own[0].split() == ["LAST", "SEEN", "TYPE", "REASON", "MESSAGE"]
    assert [line.split()[-1] for line in own[1:]] == [f"{n}." for n in range(2, 12)]
    lines = run("describe", "home", "home-bob").stdout.splitlines()
    assert lines[-1].split() == ["5m", "Warning", "Lost", "It", "is", "lost."]
    state.sql("UPDATE notebooks SET spec='{' WHERE name='bob'")
    assert "Attempt 11." in run("describe", "notebook", "bob").stdout


def test_a_look_finds_what_came_since_the_last(state: State, monkeypatch: Any) -> None:
    """Each once, a repetition again, and also after an older store was put in place."""
    monkeypatch.setattr(events, "LOOK", 0.0)
    put(state, event("ada", "Ready", "1"), event("bob", "Ready", "2"))
    looks = events._looks(state.store, 2)
    assert next(looks) == []
    put(state, event("ada", "Ready", "1"), event("cy", "Ready", "3"))
    assert [(e.name, e.count) for e in next(looks)] == [("ada", 2), ("cy", 1)]
    assert next(looks) == []
    state.sql("DELETE FROM events WHERE position > 2")
    assert next(looks) == []
    put(state, event("dan", "Ready", "4"))
    assert [e.name for e in next(looks)] == ["dan"]


@pytest.fixture
def follower(told: State) -> Iterator[subprocess.Popen[str]]:
    """A running `swarmhub events --follow`."""
    words = [sys.executable, "-m", "swarmhub_operator.cli.main"]
    # A shell's background job ignores SIGINT, and hands that on to all that it starts.
    process = subprocess.Popen(
        ["env", "--default-signal=INT", *words, "events", "-f", "--limit", "1", "--for", "bob"],
        env=os.environ | {"SWARMHUB_STATE_URL": told.store.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    yield process
    process.kill()
    process.communicate(timeout=SOON)


def test_follow_prints_what_happens_until_interrupted(
    told: State, follower: subprocess.Popen[str]
) -> None:
    """The known ones first; those about others are left out."""
    lines: Queue[str] = Queue()
    out = follower.stdout
    assert out is not None

    def read() -> None:
        for line in out:
            lines.put(line)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert lines.get(timeout=SOON).startswith("LAST SEEN")
    assert "It failed." in lines.get(timeout=SOON)
    put(told, event("ada--lab", "Ready", "It answers."), event("bob", "Ready", "It is back."))
    assert "It is back." in lines.get(timeout=SOON)
    follower.send_signal(signal.SIGINT)
    assert follower.wait(timeout=SOON) == 0
    reader.join(SOON)
    assert lines.empty()
