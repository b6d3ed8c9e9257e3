"""`swarmhub gc` on a real store: what is held, and confirming exact ids of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from swarmhub_crds.held import Held, Why
from swarmhub_operator.cli.app import app
from typer.testing import CliRunner
from unit.cli.samples import Run, State


def held(ident: str, why: Why = Why.NO_RECORD, **values: object) -> Held:
    """Return a service that was made three minutes ago."""
    given: dict[str, object] = {
        "kind": "service",
        "name": f"jupyter-{ident[-3:]}",
        "user": "ada",
        "notebook": "ada",
        "message": "It has no record, and nothing says that it was deleted.",
        "made_at": datetime.now(UTC) - timedelta(minutes=3),
        **values,
    }
    return Held.model_validate({"id": ident, "why": why, **given})


ONE, TWO = "7w1x" + "a" * 18 + "ada", "7w2x" + "b" * 18 + "bob"


@pytest.fixture
def full(state: State) -> State:
    """A store of which two services are held, and one other store is seen."""
    state.store.put_held(
        [
            held(ONE),
            held(TWO, user="b\x1bob", kind="secret"),
            held("9-other", Why.OTHER_STORE, kind="store", name="4 notebooks", made_at=None),
        ],
        fence=state.lease.token,
    )
    return state


def test_nothing_held_is_said(state: State, run: Run) -> None:
    """On standard error, so that a script's list is empty."""
    result = run("gc")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "Nothing is held back." in result.stderr


def test_what_is_held_is_a_table(full: State, run: Run) -> None:
    """Ids are short as docker's, ages are kubectl's, and control characters are escaped."""
    result = run("gc")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "ID             KIND      NAME          USER        AGE   WHY",
        "7w1xaaaaaaaa   service   jupyter-ada   ada         3m    NoRecord",
        "7w2xbbbbbbbb   secret    jupyter-bob   b\\u001bob   3m    NoRecord",
        "9-other        store     4 notebooks   ada         -     OtherStore",
    ]


def test_other_forms(full: State, run: Run) -> None:
    """Wide tells the reason, JSON all, and names are whole ids."""
    assert "nothing says that it was deleted" in run("gc", "-o", "wide").stdout
    assert run("gc", "-o", "name").stdout.split() == [ONE, TWO, "9-other"]
    content = json.loads(run("gc", "-o", "json").stdout)
    assert content["kind"] == "HeldList"
    assert [item["id"] for item in content["items"]] == [ONE, TWO, "9-other"]
    assert "kind: HeldList" in run("gc", "-o", "yaml").stdout


def test_confirming_names_exact_ids(full: State, run: Run) -> None:
    """A beginning that is one's own will do; the whole id is what is confirmed."""
    result = run("gc", "--confirm", "7w1", "--confirm", "7w1", "--yes")
    assert (result.exit_code, set(full.store.confirmed_removals())) == (0, {ONE})
    assert "the operator removes 1 at its next sweep" in result.stdout


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("7w", "2 of what is held have an id that begins with '7w'"),
        ("", "Nothing that is held has"),
        ("x", "Nothing that is held has"),
        ("9-other", "4 notebooks are not this store's to remove."),
    ],
)
def test_what_is_not_one_resource_of_ours_confirms_nothing(
    full: State, run: Run, wrong: str, why: str
) -> None:
    """Nor anything else that was named beside it."""
    result = run("gc", "--yes", "--confirm", ONE, "--confirm", wrong)
    assert result.exit_code == 1
    assert why in result.stderr
    assert full.store.confirmed_removals() == frozenset()


@pytest.mark.parametrize(("answer", "confirmed"), [("y\n", {ONE}), ("n\n", set()), ("", set())])
def test_a_person_is_asked(full: State, run: Run, answer: str, confirmed: set[str]) -> None:
    """Only a yes does it; an end of input is none."""
    words = ["gc", "--confirm", ONE, "--state-url", full.store.url]
    result = CliRunner().invoke(app, words, input=answer)
    assert result.exit_code == (0 if confirmed else 1)
    assert "jupyter-ada" in result.stdout
    assert full.store.confirmed_removals() == confirmed


def test_a_dry_run_confirms_nothing(full: State, run: Run) -> None:
    """It says what it would do, and does not ask."""
    result = run("gc", "--dry-run", "--confirm", ONE)
    assert (result.exit_code, full.store.confirmed_removals()) == (0, frozenset())
    assert "1 would be removed." in result.stdout


def test_status_tells_what_is_held(full: State, run: Run) -> None:
    """What nobody remembers needs a person; another store beside this one does not."""
    result = run("status")
    assert result.exit_code == 1
    assert "  held 2 resources: NoRecord\n" in result.stdout
    assert "  held 4 notebooks: OtherStore\n" in result.stdout
    assert "Next: `swarmhub state rebuild` writes records anew" in result.stdout
    full.store.put_held([held("9-other", Why.OTHER_STORE, kind="store")], fence=full.lease.token)
    assert run("status").exit_code == 1  # this store is empty: it may have taken the other's place
    full.notebook("alice")
    assert run("status").exit_code == 0
