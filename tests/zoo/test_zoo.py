"""The patches of the zoo still fit, and are checked as they should be."""

from __future__ import annotations

from pathlib import Path

import pytest
from zoo import check
from zoo.check import Bug


@pytest.mark.parametrize("bug", check.bugs(), ids=lambda bug: bug.name)
def test_each_patch_fits_and_tells_its_story(bug: Bug, tmp_path: Path) -> None:
    """Whether it is caught is a matter of minutes: `python -m zoo.check`."""
    check.copy(tmp_path)
    check.bring_back(bug, tmp_path)
    assert bug.what.endswith(".")
    assert bug.found.endswith(".")
    assert bug.catch


def test_a_bug_that_nobody_catches_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that passes whatever happens catches nothing."""
    bug = check.bugs()[0]
    monkeypatch.setattr(check, "passes", lambda *_: True)
    found = check.problem(bug)
    assert found is not None
    assert "is not caught by" in found
