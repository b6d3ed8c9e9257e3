"""A campaign tells what failed, how to repeat it, and when it had enough."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
from simulation import campaign, replay
from simulation.campaign import Case
from simulation.sample import play


def test_failures_are_told_with_the_command_that_repeats_them() -> None:
    """What returns a message and what raises has failed; what passes is only counted."""
    cases = [Case("sample", (word,), 3) for word in ("fine", "odd", "raises")]
    report = campaign.run(cases, play)
    assert report.runs == 3
    with pytest.raises(AssertionError, match="2 of 3 runs") as told:
        report.check()
    assert "broken" in str(told.value)
    assert "simulation.replay sample odd 3" in str(told.value)


def test_enough_failures_end_an_endless_campaign() -> None:
    """Nobody reads hundreds of them."""
    cases = (Case("sample", ("odd",), seed) for seed in itertools.count())
    report = campaign.run(cases, play)
    assert campaign.ENOUGH <= len(report.failures) < report.runs < 20 * campaign.ENOUGH


def test_time_ends_an_endless_campaign() -> None:
    """What is under way is finished."""
    cases = (Case("sample", ("fine",), seed) for seed in itertools.count())
    report = campaign.run(cases, play, seconds=0.2)
    report.check()
    assert report.runs > 0


def test_a_case_is_repeated_by_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    """The command does what the campaign did."""
    words = Case("sample", ("odd",), 3).command.split()
    assert replay.main([replay.LOG, *words[words.index("simulation.replay") + 1 :]]) == 1
    assert capsys.readouterr().out == "odd\n"
    assert replay.main([replay.LOG, "sample", "odd", "4"]) == 0


def test_sets_have_the_order_that_they_had() -> None:
    """Else a failure that depends on it could not be repeated."""
    (failed,) = campaign.run([Case("sample", ("order",), 1)], play).failures
    module, *words = failed.case.command.split()[failed.case.command.split().index("-m") + 1 :]
    command = [sys.executable, "-m", module, *words]
    tests = Path(campaign.__file__).parents[1]
    environment = {k: v for k, v in os.environ.items() if k != campaign.ORDER}
    again = subprocess.run(
        command, cwd=tests, env=environment, capture_output=True, text=True, check=False
    )
    assert again.stdout == f"{failed.message}\n"
