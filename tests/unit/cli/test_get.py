"""`swarmhub get` on a real store."""

from __future__ import annotations

import json
from datetime import datetime
from textwrap import dedent

import pytest
import yaml
from swarmhub_crds.notebook import Notebook
from unit.cli.samples import READY, Run, State


@pytest.fixture
def filled(state: State) -> State:
    """Three notebooks: one answers, one is on its way, one cannot be read."""
    state.notebook("alice")
    state.notebook("alice", "lab", volume="home-alice")
    state.notebook("broken")
    state.observe(
        "alice",
        phase="Running",
        node="worker-1",
        restarts=2,
        conditions=(READY,),
        address="http://jupyter-alice:8888",
    )
    state.observe("alice--lab", phase="Starting", message="3rd in line to start.")
    state.observe_home("home-alice", phase="Bound", node="worker-1")
    state.sql("""UPDATE notebooks SET spec='{"user": 3}' WHERE name='broken'""")
    return state


def test_notebooks_are_a_plain_table(filled: State, run: Run, aged: datetime) -> None:
    """One line a record; what cannot be read is Invalid and stops nothing else."""
    result = run("get", "notebooks")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == dedent("""\
        NAME         USER    SERVER   PHASE      READY   RESTARTS   NODE       AGE
        alice        alice   -        Running    True    2          worker-1   3h
        alice--lab   alice   lab      Starting   -       0          -          3h
        broken       -       -        Invalid    -       0          -          -
        """).replace("        NAME", "NAME")


def test_wide_adds_columns(filled: State, run: Run, aged: datetime) -> None:
    """The wide table adds image, address, generation and message."""
    lines = run("get", "nb", "-o", "wide").stdout.splitlines()
    assert lines[0].split()[8:] == ["IMAGE", "ADDRESS", "GENERATION", "MESSAGE"]
    assert lines[1].split()[8:] == [
        "127.0.0.1:5000/swarmhub/singleuser:1",
        "http://jupyter-alice:8888",
        "1",
        "-",
    ]
    assert lines[2].endswith("   1            3rd in line to start.")
    assert "cannot be read" in lines[3]


def test_a_generation_not_yet_acted_on_is_told(filled: State, run: Run) -> None:
    """The operator has acted on the first of two generations."""
    filled.notebook("alice", environment={"A": "b"})
    assert "   1/2   " in run("get", "nb", "alice", "-o", "wide").stdout


def test_homes_are_a_plain_table(filled: State, run: Run, aged: datetime) -> None:
    """Homes show driver, node, reclaim policy and last use."""
    assert run("get", "homes").stdout.splitlines() == [
        "NAME          USER     DRIVER   NODE       PHASE     RECLAIM   LAST-USED   AGE",
        "home-alice    alice    local    worker-1   Bound     Retain    -           3h",
        "home-broken   broken   local    -          Pending   Retain    -           3h",
    ]


@pytest.mark.parametrize("word", ["notebooks", "notebook", "nb", "NB"])
def test_a_kind_has_several_words(filled: State, run: Run, word: str) -> None:
    """Plural, singular and short words mean the same."""
    assert run("get", word, "-o", "name").stdout.split() == [
        "notebook/alice",
        "notebook/alice--lab",
        "notebook/broken",
    ]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("nb", "alice--lab"), "notebook/alice--lab"),
        (("nb", "alice/lab"), "notebook/alice--lab"),
        (("nb/alice/lab",), "notebook/alice--lab"),
        (("notebook/alice",), "notebook/alice"),
        (("home", "alice"), "home/home-alice"),
        (("home", "alice/lab"), "home/home-alice"),
    ],
)
def test_a_record_is_found_by_name_or_user(
    filled: State, run: Run, words: tuple[str, ...], name: str
) -> None:
    """A name, USER, USER/SERVER and KIND/NAME all lead to the record."""
    assert run("get", *words, "-o", "name").stdout.split() == [name]


def test_a_users_name_need_not_be_a_legal_one(state: State, run: Run) -> None:
    """A user whose name was mapped is found by it."""
    made = state.notebook("José@example.org", volume="home-jose")
    found = run("get", "nb", "José@example.org", "-o", "name").stdout
    assert found == f"notebook/{made.metadata.name}\n"


def test_several_homes_of_a_user_are_named(state: State, run: Run) -> None:
    """Nothing is guessed between two homes."""
    state.notebook("alice", volume="one")
    state.notebook("alice", "lab", volume="two")
    result = run("get", "home", "alice")
    assert result.exit_code == 1
    assert result.stderr == (
        "swarmhub: User 'alice' has 2 homes (one, two); give the name of one.\n"
    )


def test_json_is_the_wire_form(filled: State, run: Run) -> None:
    """One record is its own JSON, several are a List; one that cannot be read says why."""
    one = json.loads(run("get", "nb", "alice", "-o", "json").stdout)
    assert isinstance(Notebook.model_validate(one), Notebook)
    assert one["metadata"]["resourceVersion"] > 0
    everything = json.loads(run("get", "nb", "-o", "json").stdout)
    assert (everything["apiVersion"], everything["kind"]) == ("swarmhub/v1", "List")
    assert everything["items"][0] == one
    broken = everything["items"][2]
    assert broken["metadata"]["name"] == "broken"
    assert "cannot be read" in broken["invalid"]
    assert broken["status"]["phase"] == "Pending"


def test_yaml_says_the_same(filled: State, run: Run) -> None:
    """YAML and JSON hold equal values."""
    from_yaml = yaml.safe_load(run("get", "nb", "-o", "yaml").stdout)
    assert from_yaml == json.loads(run("get", "nb", "-o", "json").stdout)


@pytest.mark.parametrize("form", ["json", "yaml", "wide"])
def test_secrets_are_never_printed(filled: State, run: Run, form: str) -> None:
    """The token is in the store, and in no output."""
    assert "the-token-itself" not in run("get", "nb", "-o", form).stdout
    assert "the-token-itself" not in run("describe", "nb", "alice").stdout


@pytest.mark.parametrize("form", ["wide", "json", "yaml", "name"])
def test_hostile_text_reaches_no_terminal(state: State, run: Run, form: str) -> None:
    """Escape sequences, bidi marks and markup in a record are harmless in every form."""
    state.notebook(
        "[red]\x1b]0;x\x07\u202e\x9b", volume="home-x", environment={"A": "\x1b[2J\x7f\u2066"}
    )
    text = run("get", "nb", "-o", form).stdout
    assert text.replace("\n", "").isprintable()
    if form == "wide":
        assert r"[red]\u001b]0;x\u0007\u202e\u009b" in text


def test_hostile_json_is_still_json(state: State, run: Run) -> None:
    """What was escaped reads back as it was written."""
    nasty = "\x1b\u202e\x7f\x9b\U000e0041é"
    state.notebook("eve", environment={"A": nasty})
    for form, load in (("json", json.loads), ("yaml", yaml.safe_load)):
        text = run("get", "nb", "eve", "-o", form).stdout
        assert text.replace("\n", "").isprintable()
        assert load(text)["spec"]["environment"]["A"] == nasty


def test_an_empty_store_says_so(state: State, run: Run) -> None:
    """No records are no failure, and standard output stays empty."""
    result = run("get", "notebooks")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "swarmhub: There are no notebooks yet.\n"


def test_an_unknown_name_is_one_sentence(state: State, run: Run) -> None:
    """Not found is exit code 1 with the next step."""
    result = run("get", "nb", "nobody")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "swarmhub: There is no notebook 'nobody'; `swarmhub get notebooks` lists them.\n"
    )


@pytest.mark.parametrize(
    "words",
    [("get",), ("get", "pods"), ("get", "nb", "-o", "xml"), ("get", "nb/a", "b"), ("fly",)],
)
def test_wrong_usage_is_exit_code_2(state: State, run: Run, words: tuple[str, ...]) -> None:
    """A wrong word is told on standard error."""
    result = run(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage: " in result.stderr


def test_a_missing_store_is_one_sentence(run: Run) -> None:
    """A store error is exit code 1, a sentence and no traceback; and no file is made."""
    result = run("get", "nb")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("swarmhub: The state database ")
    assert result.stderr.count("\n") == 1


def test_the_option_beats_the_variable(filled: State, run: Run) -> None:
    """--state-url wins over SWARMHUB_STATE_URL."""
    url = filled.store.url
    assert run("get", "nb", "--state-url", url, SWARMHUB_STATE_URL="sqlite:////no").exit_code == 0
    assert run("get", "nb", SWARMHUB_STATE_URL="postgres://x").exit_code == 1


def test_deletion_is_shown_as_the_phase(filled: State, run: Run) -> None:
    """A notebook that is marked for deletion is Deleting, whatever it was."""
    filled.store.request_deletion("alice")
    assert run("get", "nb", "alice").stdout.splitlines()[1].split()[3] == "Deleting"
