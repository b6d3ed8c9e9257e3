"""Selectors: what they mean, and that what is printed is what was read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from swarmhub_crds.notebook import Notebook
from swarmhub_operator.cli.get import RowPrinter
from swarmhub_operator.cli.records import Kind, Record, name_of
from swarmhub_operator.cli.selector import Operator, Requirement, Selector, SelectorError, parse
from swarmhub_operator.cli.watch import Event, Happening, differences
from unit.cli.samples import Run, State

WORDS = st.text("abin!-_.@/9ü", min_size=1, max_size=6).filter(lambda word: "!" not in word)
VALUES = st.one_of(st.just(""), WORDS)
SETS = st.builds(
    Requirement,
    WORDS,
    st.sampled_from([Operator.IN, Operator.NOT_IN]),
    st.lists(VALUES, min_size=1, max_size=3).map(tuple),
)
FLAGS = st.builds(Requirement, WORDS, st.sampled_from([Operator.EXISTS, Operator.ABSENT]))
REQUIREMENTS = st.one_of(SETS, FLAGS)
SELECTORS = st.lists(REQUIREMENTS, min_size=1, max_size=4).map(lambda r: Selector(tuple(r)))
LABELS = st.dictionaries(WORDS, VALUES, max_size=4)


@pytest.mark.parametrize(
    ("text", "labels", "selected"),
    [
        ("a=b", {"a": "b"}, True),
        ("a==b", {"a": "b"}, True),
        ("a = b", {"a": "c"}, False),
        ("a=", {"a": ""}, True),
        ("a=", {}, False),
        ("a!=b", {"a": "b"}, False),
        ("a!=b", {}, True),
        ("a in (x,y)", {"a": "y"}, True),
        ("a in ( x , y )", {"a": "x"}, True),
        ("a in (x)", {}, False),
        ("a notin (x,y)", {"a": "y"}, False),
        ("a notin (x)", {}, True),
        ("a", {"a": ""}, True),
        ("a", {"b": "a"}, False),
        ("!a", {"b": "a"}, True),
        ("! a", {"a": "a"}, False),
        ("a=b,c!=d,e in (x,y),f notin (x),g,!h", {"a": "b", "e": "x", "g": ""}, True),
        ("a=b,c!=d,e in (x,y),f notin (x),g,!h", {"a": "b", "e": "x"}, False),
        ("user=ada@x.org", {"user": "ada@x.org"}, True),
        ("in in (in),notin", {"in": "in", "notin": ""}, True),
    ],
)
def test_what_kubectl_users_expect(text: str, labels: dict[str, str], selected: bool) -> None:
    """Equality, sets, existence; of who has no such label "not" is true."""
    assert parse(text).matches(labels) is selected


@pytest.mark.parametrize(
    "text", ["", " ", ",", "a,", "a=b=c", "!", "=b", "a in x", "a in (x", "a b", "a in (x y)", "a)"]
)
def test_what_is_no_selector_is_said_in_one_sentence(text: str) -> None:
    """With what one may write instead."""
    with pytest.raises(SelectorError, match=r"selector.*(;|such as)"):
        parse(text)


@given(SELECTORS)
def test_what_is_printed_is_read_again(selector: Selector) -> None:
    """Whatever it is."""
    assert parse(str(selector)) == selector


@given(SELECTORS, LABELS)
def test_all_requirements_have_to_be_met(selector: Selector, labels: dict[str, str]) -> None:
    """Their order does not matter."""
    each = [Selector((one,)).matches(labels) for one in selector.requirements]
    assert selector.matches(labels) is all(each)
    assert Selector(selector.requirements[::-1]).matches(labels) is all(each)


@given(WORDS, st.lists(VALUES, min_size=1, max_size=3).map(tuple), LABELS)
def test_in_and_notin_are_opposites(
    key: str, values: tuple[str, ...], labels: dict[str, str]
) -> None:
    """As are a label that is there and one that is not."""
    within = Requirement(key, Operator.IN, values).matches(labels)
    assert within is not Requirement(key, Operator.NOT_IN, values).matches(labels)
    there = Requirement(key, Operator.EXISTS).matches(labels)
    assert there is not Requirement(key, Operator.ABSENT).matches(labels)
    assert there or not within


@given(st.text("a=!,() in", max_size=12))
def test_anything_is_read_or_refused(text: str) -> None:
    """With no other error."""
    try:
        assert parse(str(parse(text))) == parse(text)
    except SelectorError as error:
        assert str(error)  # noqa: PT017  # that it is refused is the other good end


@pytest.fixture
def fleet(state: State) -> State:
    """Three notebooks, one of which carries a label that lies."""
    state.notebook("ada", labels={"team": "math"})
    state.notebook("ada", "lab", labels={"team": "math", "user": "bob"})
    state.notebook("bob")
    state.observe("ada", phase="Running", node="worker-1")
    state.observe("ada--lab", phase="Failed", message="It broke.")
    state.observe("bob", phase="Running", node="worker-2")
    return state


def names(run: Run, *words: str) -> list[str]:
    """Return what `get` names."""
    return [line.partition("/")[2] for line in run("get", *words, "-o", "name").stdout.split()]


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("team=math", ["ada", "ada--lab"]),
        ("user=ada", ["ada", "ada--lab"]),
        ("user=bob", ["bob"]),
        ("user=ada,server=", ["ada"]),
        ("phase=Running,node in (worker-2,worker-3)", ["bob"]),
        ("!node", ["ada--lab"]),
        ("home=home-bob", ["bob"]),
        ("team=none", []),
    ],
)
def test_notebooks_are_selected(fleet: State, run: Run, selector: str, found: list[str]) -> None:
    """By what the hub wrote and by what follows from the record, which wins."""
    assert names(run, "notebooks", "-l", selector) == found


def test_homes_are_selected(fleet: State, run: Run) -> None:
    """By what follows from the record."""
    fleet.observe_home("home-bob", phase="Bound", node="worker-2")
    assert names(run, "homes", "-l", "phase=Bound,node=worker-2,user=bob") == ["home-bob"]


def test_nothing_selected_is_no_error(fleet: State, run: Run) -> None:
    """As with kubectl; a document has no items."""
    result = run("get", "nb", "-l", "user=nobody")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No notebook has such labels" in result.stderr
    assert '"items": []' in run("get", "nb", "-l", "user=nobody", "-o", "json").stdout


def test_bad_input_is_wrong_usage(fleet: State, run: Run) -> None:
    """One sentence, exit code 2."""
    for words in (("get", "nb", "-l", "a b"), ("get", "nb", "ada", "-l", "user=ada")):
        result = run(*words)
        assert result.exit_code == 2
        assert "Traceback" not in result.stderr
    assert "is no part of a selector" in " ".join(run("status", "-l", "a b").stderr.split())


def test_the_status_of_some(fleet: State, run: Run) -> None:
    """Whose is the failure that is not selected does not matter."""
    everyone = run("status")
    assert "notebook ada--lab: Failed" in everyone.stdout
    assert everyone.exit_code == 1
    result = run("status", "-l", "user=bob")
    assert "Notebooks:  1: 1 Running" in result.stdout
    assert "ada" not in result.stdout
    assert result.exit_code == 0


def test_one_that_is_selected_no_more_leaves_the_watch(fleet: State) -> None:
    """It is told as Kubernetes does, and as it is now; its record is still there."""
    only = parse("phase=Running")
    seen: dict[str, Record] = {}
    first = differences(seen, {name_of(record): record for record in readable(fleet)}, only)
    assert [name_of(event.record) for event in first] == ["ada", "bob"]
    fleet.observe("bob", phase="Failed")
    now = fleet.store.get_notebook("bob")
    assert now is not None
    assert differences(seen, {"bob": now}, only) == [Event(Happening.DELETED, now, there=True)]
    fleet.observe("bob", phase="Running")
    back = differences(seen, {"bob": fleet.store.get_notebook("bob")}, only)
    assert [event.happening for event in back] == [Happening.ADDED]
    assert not differences(seen, {"bob": None}, only)[0].there


def test_its_row_shows_what_it_has_become(fleet: State, capsys: pytest.CaptureFixture[str]) -> None:
    """And not that it was removed."""
    show = RowPrinter(Kind.NOTEBOOK, wide=False)
    show([Event(Happening.DELETED, one, there=there) for one, there in
          zip(readable(fleet), (True, False, False), strict=True)])  # fmt: skip
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[3] for row in rows if row.startswith("bob")] == ["Removed"]
    assert "Running" in rows[1]


def readable(state: State) -> list[Notebook]:
    """Return the notebooks."""
    return [n for n in state.store.list_notebooks() if isinstance(n, Notebook)]


def test_some_are_stopped(fleet: State, run: Run) -> None:
    """Those that should run; names and a selector do not go together."""
    result = run("stop", "-l", "team=math", "--dry-run")
    assert result.stdout.splitlines() == [
        "notebook/ada would be stopped",
        "notebook/ada--lab would be stopped",
    ]
    assert run("stop", "-l", "user=nobody", "--yes").exit_code == 0
    assert run("stop", "ada", "-l", "user=ada").exit_code == 2
    assert run("stop").exit_code == 2
