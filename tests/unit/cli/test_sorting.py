"""`get --sort-by`."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from swarmhub_operator.cli.sorting import natural
from unit.cli.samples import Run, State
from unit.cli.test_selector import names

USERS = ("user10", "user2", "Ada")


@pytest.fixture
def fleet(state: State) -> State:
    """Three, the newest last."""
    for number, user in enumerate(USERS):
        state.notebook(user, labels={"my.team": f"t{9 - number}"})
    state.observe("user10", phase="Running", restarts=3, node="n10")
    state.observe("user2", phase="Failed", restarts=20, node="n9")
    return state


@pytest.mark.parametrize(
    ("by", "order"),
    [
        ("user", ["Ada", "user2", "user10"]),
        ("restarts", ["Ada", "user10", "user2"]),
        (".status.restarts", ["Ada", "user10", "user2"]),
        ("{.status.restarts}", ["Ada", "user10", "user2"]),
        ("{status.restarts}", ["Ada", "user10", "user2"]),
        ("node", ["user2", "user10", "Ada"]),  # who has none comes last
        ("PHASE", ["user2", "Ada", "user10"]),
        (".metadata.createdAt", ["user10", "user2", "Ada"]),
        ("age", ["Ada", "user2", "user10"]),  # the youngest first
        (r".spec.labels.my\.team", ["Ada", "user2", "user10"]),
        (".spec.mounts[0].volume", ["Ada", "user2", "user10"]),
    ],
)
def test_rows_are_in_order(fleet: State, run: Run, by: str, order: list[str]) -> None:
    """Of a column as it is meant, not as it is written; of a field as kubectl does."""
    users = run("get", "nb", "--sort-by", by, "-o", "wide").stdout.splitlines()[1:]
    assert [line.split()[1] for line in users] == order


@pytest.mark.parametrize("by", ["nonsense", ".no.such", ".status[", "{.a", ".items[?(@.x)]", ""])
def test_what_is_no_order_is_said(fleet: State, run: Run, by: str) -> None:
    """Wrong usage, with what there is."""
    result = run("get", "nb", "--sort-by", by)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "sort-by" in result.stderr
    assert "Traceback" not in result.stderr


def test_homes_have_columns_of_their_own(fleet: State, run: Run) -> None:
    """And none of notebooks."""
    assert run("get", "homes", "--sort-by", "driver").exit_code == 0
    assert run("get", "homes", "--sort-by", "restarts").exit_code == 2
    assert names(run, "homes", "--sort-by", "name")[0].endswith("Ada")


def test_what_cannot_be_read_comes_last(fleet: State, run: Run) -> None:
    """It has no fields, and is shown all the same."""
    fleet.sql("UPDATE notebooks SET spec = '{' WHERE name LIKE '%10'")
    rows = run("get", "nb", "--sort-by", "user").stdout.splitlines()
    assert "Invalid" in rows[-1]


VALUES = st.one_of(st.integers(), st.booleans(), st.text(), st.lists(st.integers()))


@given(st.lists(VALUES))
def test_any_values_can_be_compared(values: list[object]) -> None:
    """Whatever a field holds."""
    assert sorted(map(natural, values)) == sorted(map(natural, values[::-1]))


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_numbers_in_names_count_as_numbers(one: int, other: int) -> None:
    """Not by their first digit."""
    assert (natural(f"n{one}") < natural(f"n{other}")) is (one < other)
