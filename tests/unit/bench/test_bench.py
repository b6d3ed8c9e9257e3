"""What the measurements make of their samples."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bench import budget, page, results
from bench.alternate import turns
from bench.budget import Budget, Limit
from bench.parts import PARTS, Moments, calls, epoch
from bench.results import Figure, Machine, Results
from bench.stats import quantile, spread

ROOT = Path(__file__).parents[3]
MACHINE = Machine(processor="a processor", cores=2, memory=2**34, engine="20.10", packages={})


def made(*samples: tuple[str, str, str, list[float]]) -> Results:
    """Return results of these scenarios, contenders, measures and samples."""
    figures = [
        Figure(scenario=scenario, contender=who, measure=what, samples=tuple(taken))
        for scenario, who, what, taken in samples
    ]
    return Results(date="2026-01-05", machine=MACHINE, figures=tuple(figures))


@given(st.lists(st.integers(), min_size=1, max_size=5, unique=True), st.integers(1, 10))
def test_each_has_a_turn_in_each_round_and_each_begins(who: list[int], rounds: int) -> None:
    """So that a drift of the machine falls on all."""
    order = turns(who, rounds)
    by_round = [order[at : at + len(who)] for at in range(0, len(order), len(who))]
    assert len(by_round) == rounds
    assert all(sorted(one) == sorted(who) for one in by_round)
    begins = [one[0] for one in by_round]
    assert begins == [who[number % len(who)] for number in range(rounds)]


def test_nobody_is_measured_in_no_round() -> None:
    """That would be no figure."""
    for who, rounds in ([], 1), (["a"], 0):
        with pytest.raises(ValueError, match="at least one"):
            turns(who, rounds)


def test_a_spread_needs_finite_samples() -> None:
    """A run that failed has no number."""
    one = spread([3.0, 1.0, 2.0])
    assert (one.median, one.low, one.high, one.count) == (2, 1, 3, 3)
    for wrong in [], [1.0, float("inf")], [float("nan")]:
        with pytest.raises(ValueError, match=r"sample"):
            spread(wrong)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_quantile_is_a_sample_that_enough_do_not_exceed(samples: list[float], at: float) -> None:
    """And no smaller one is."""
    found = quantile(samples, at)
    assert found in samples
    assert sum(sample <= found for sample in samples) >= at * len(samples)
    below = [sample for sample in samples if sample < found]
    assert not below or sum(s <= max(below) for s in samples) < at * len(samples)


def test_a_figure_has_samples() -> None:
    """An empty one cannot be made, let alone be written."""
    with pytest.raises(ValidationError):
        made(("one", "floor", "ready", []))


def test_a_later_run_replaces_the_scenarios_that_it_has(tmp_path: Path) -> None:
    """And keeps the others."""
    first = made(("one", "floor", "ready", [1.0]), ("crash", "floor", "ready", [2.0]))
    path = tmp_path / "folder" / "results.json"
    results.save(first, path)
    second = made(("one", "swarmhub", "ready", [3.0]))
    both = results.load(path).merged(second)
    assert [figure.key for figure in both.figures] == ["crash/floor/ready", "one/swarmhub/ready"]


def test_a_budget_is_kept_or_not() -> None:
    """By ratio, by difference, by value; what was not measured is not kept."""
    found = made(("s", "we", "ready", [1.2]), ("s", "floor", "ready", [1.0]))
    limit = {"figure": "s/we/ready", "what": "…"}
    than = {**limit, "than": "s/floor/ready"}
    lines = Budget.model_validate(
        {
            "limit": [
                {**than, "by": "ratio", "most": 1.2},
                {**than, "by": "ratio", "most": 1.1},
                {**than, "by": "difference", "most": 0.3},
                {**limit, "by": "value", "most": 1.1},
                {**limit, "figure": "s/they/ready", "by": "value", "most": 1},
            ]
        }
    )
    verdicts = budget.judge(lines, found, made(("s", "we", "ready", [1.1])))
    assert [verdict.kept for verdict in verdicts] == [True, False, True, False, False]
    assert [verdict.before for verdict in verdicts] == [None, None, None, 1.1, None]
    said = page.verdict_lines(verdicts)
    assert said[1].startswith("OVER  1.2 of 1.1")
    assert "not measured" in said[4]
    assert "before 1.1" in said[3]


def test_the_budget_is_one() -> None:
    """Each line of it names figures as scenarios make them."""
    lines = budget.load(ROOT / "bench" / "budget.toml").limit
    assert all(line.figure.count("/") == 2 for line in lines)
    assert all((line.by == "value") == (line.than is None) for line in lines)


def test_a_limit_is_about_something() -> None:
    """Zero would never be kept."""
    with pytest.raises(ValidationError):
        Limit(what="…", figure="a/b/c", by="value", most=0)


def test_the_parts_of_a_start_are_all_of_it() -> None:
    """In order; a part that ends before it begins is an error of the measurement."""
    at = [100.0, 100.25, 100.5, 101.0, 102.0, 102.5, 104.0, 104.25, 104.5]
    parts = Moments(*at).parts()
    assert list(parts) == [name for name, _ in PARTS]
    assert sum(parts.values()) == at[-1] - at[0]
    with pytest.raises(ValueError, match="scheduling"):
        replace(Moments(*at), created=103.0).parts()


def test_times_are_read_as_docker_and_records_write_them() -> None:
    """To the nanosecond, with a zone or without."""
    same = ("2026-01-05T09:00:00.25Z", "2026-01-05T09:00:00.250000123Z", "2026-01-05T09:00:00.25")
    assert {epoch(text) for text in same} == {1767603600.25}


def test_the_operators_calls_are_found_in_its_log() -> None:
    """Those for one notebook, with begin and end."""
    line = {
        "event": "action",
        "notebook": "ada",
        "action": "CreateService",
        "duration": 0.25,
        "timestamp": "2026-01-05T09:00:00.500000Z",
    }
    other = {**line, "notebook": "bob"}
    log = ["Traceback (most recent call last):", json.dumps(other), json.dumps(line)]
    assert calls(log, "ada") == [("CreateService", 1767603600.25, 1767603600.5)]


def test_the_page_takes_what_was_measured(tmp_path: Path) -> None:
    """Between its marks, again and again; a page without them is refused."""
    path = tmp_path / "performance.md"
    marks = ("machine", "budget", "starts", "class", "width", "size", "figures")
    path.write_text("\n".join(f"<!-- {m}: begin -->\nold\n<!-- {m}: end -->" for m in marks))
    lines = budget.load(ROOT / "bench" / "budget.toml")
    for _ in range(2):
        page.write(made(("crash", "floor", "ready", [1.5])), lines, path)
    text = path.read_text()
    assert "old" not in text
    assert "| crash | floor | ready | 1.5 s | 1.5 s | 1.5 s | 1 |" in text
    assert "| - | not measured |" in text
    path.write_text("nothing here")
    with pytest.raises(ValueError, match="has no place"):
        page.write(made(("crash", "floor", "ready", [1.5])), lines, path)
