"""`swarmhub status` on a real store."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from textwrap import dedent

import pytest
from unit.cli.samples import Run, State, dates_hidden

EMPTY_STATUS = {
    "Pending": 0,
    "Starting": 0,
    "Running": 0,
    "BackOff": 0,
    "Failed": 0,
    "Stopping": 0,
    "Stopped": 0,
    "Deleting": 0,
    "Invalid": 0,
}


def test_all_is_well(now: datetime, state: State, run: Run) -> None:
    """A healthy store fits on a few lines and the exit code is 0."""
    state.notebook("alice")
    state.observe("alice", phase="Running")
    state.observe_home("home-alice", phase="Bound")
    result = run("status")
    assert (result.exit_code, result.stderr) == (0, "")
    assert dates_hidden(result.stdout) == dedent(f"""\
        Store:      {state.path}
                    uid UID, revision {state.store.revision()}, schema 8 (ok)
        Operator:   manager-1/7, seen 0s ago (ok)
        Nodes:      none
        Notebooks:  1: 1 Running
        Homes:      1: 1 Bound
        Images:     none

        Nothing is wrong.
        """)


def test_what_is_wrong_has_a_next_step(state: State, run: Run) -> None:
    """Failed and unreadable records and lost homes are listed, and the exit code is 1."""
    for user in ("bob", "carol", "dora"):
        state.notebook(user)
    state.observe("bob", phase="Failed", message="The server failed on n1 with exit code 3.")
    state.observe_home("home-carol", phase="Lost", message="Node n2 is gone.")
    state.sql("UPDATE notebooks SET spec='{' WHERE name='dora'")
    result = run("status")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert "Notebooks:  3: 1 Pending, 1 Failed, 1 Invalid" in lines
    assert "Homes:      3: 2 Pending, 1 Lost" in lines
    start = lines.index("What is wrong, and what to do (3):")
    next_step = "shows its last log lines; once the cause is gone, start the server again"
    assert lines[start + 1 : start + 4] == [
        "  notebook bob: Failed",
        "    The server failed on n1 with exit code 3.",
        f"    Next: `swarmhub describe notebook bob` {next_step} in the hub.",
    ]
    assert "  notebook dora: Invalid" in lines
    assert "    Next: `swarmhub describe notebook dora` shows what can still be read." in lines
    assert lines[-3:-1] == ["  home home-carol: Lost", "    Node n2 is gone."]


def test_back_off_mends_itself(now: datetime, state: State, run: Run) -> None:
    """A notebook in back-off is listed, and needs nobody."""
    state.notebook("eve")
    again = now + timedelta(seconds=45.5)
    state.observe("eve", phase="BackOff", message="Out of memory.", next_restart_at=again)
    result = run("status")
    assert result.exit_code == 0
    assert "  notebook eve: BackOff\n    Out of memory.\n" in result.stdout
    assert "Next: It is restarted by itself in 45s; " in result.stdout


def test_an_operator_that_hangs_is_told(state: State, run: Run, aged: datetime) -> None:
    """A lease that ran out is a problem with a next step."""
    result = run("status")
    assert result.exit_code == 1
    text = dates_hidden(result.stdout)
    assert "Operator:   not seen since TIME UTC (3h ago)\n" in text
    assert "  operator manager-1/7: Expired\n" in text
    assert "    Next: `docker service ps swarmhub_operator` shows whether it runs" in text


def test_an_operator_that_stopped_is_told(state: State, run: Run) -> None:
    """A lease given back is told from one that ran out."""
    state.store.release_lease(state.lease)
    result = run("status")
    assert result.exit_code == 1
    assert "  operator: Released\n    The operator stopped at " in result.stdout


def test_a_store_without_any_operator_is_told(state: State, run: Run) -> None:
    """No lease row at all: no operator was ever seen."""
    state.sql("DELETE FROM lease")
    result = run("status")
    assert result.exit_code == 1
    assert "Operator:   never seen\n" in result.stdout


def test_json_has_a_stable_shape(state: State, run: Run) -> None:
    """The whole document, as docs/cli.md promises it."""
    state.notebook("bob", volume="vol")
    state.observe("bob", phase="Failed", message="No.")
    result = run("status", "-o", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "apiVersion": "swarmhub/v1",
        "kind": "Status",
        "healthy": False,
        "store": {
            "url": state.store.url,
            "path": str(state.path),
            "uid": state.store.uid,
            "schemaVersion": 8,
            "revision": state.store.revision(),
        },
        "operator": {
            "state": "Leading",
            "holder": "manager-1/7",
            "lastSeenAt": state.lease.renewed_at.isoformat().replace("+00:00", "Z"),
            "leaseExpiresAt": state.lease.expires_at.isoformat().replace("+00:00", "Z"),
        },
        "nodes": {
            "total": 0,
            "phases": {"ready": 0, "down": 0, "disconnected": 0, "unknown": 0},
        },
        "notebooks": {"total": 1, "phases": EMPTY_STATUS | {"Failed": 1}},
        "homes": {
            "total": 1,
            "phases": {
                "Pending": 1,
                "Bound": 0,
                "Released": 0,
                "Moving": 0,
                "Deleting": 0,
                "Lost": 0,
                "Invalid": 0,
            },
        },
        "images": {
            "total": 0,
            "phases": {"Present": 0, "Pulling": 0, "Waiting": 0, "Failed": 0, "NotPulled": 0},
        },
        "problems": [
            {
                "kind": "Notebook",
                "name": "bob",
                "phase": "Failed",
                "message": "No.",
                "nextStep": "`swarmhub describe notebook bob` shows its last log lines; "
                "once the cause is gone, start the server again in the hub.",
                "needsPerson": True,
            }
        ],
    }


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        ("UPDATE alembic_version SET version_num='9999'", "newer swarmhub"),
        ("DROP TABLE meta", "another program's database"),
    ],
)
def test_a_foreign_store_is_one_sentence(state: State, run: Run, damage: str, word: str) -> None:
    """A store that this command cannot use is told in one sentence."""
    state.sql(damage)
    result = run("status")
    assert (result.exit_code, result.stdout) == (1, "")
    assert word in result.stderr
    assert result.stderr.count("\n") == 1
