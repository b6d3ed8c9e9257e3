"""What a user is told that a restart would change."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from swarmhub_spawner.pending import (
    amount,
    certain,
    changes,
    memory,
    opaque,
    restart_text,
)

settings = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["1", "2", "none"]))


def test_the_sentences() -> None:
    """They name what is different, when the server was started, and what to do."""
    before = {"image": "a", "memory limit": "2 GiB", "volumes": opaque(1) or "", "CPU limit": "1"}
    now = {"image": "b", "memory limit": "none", "volumes": opaque(2) or "", "CPU limit": "1"}
    started = datetime(2026, 5, 4, 7, 8, tzinfo=UTC)
    assert restart_text(changes(before, now), started) == (
        "Changed since this server was started at 2026-05-04 07:08 UTC: the image (now b), "
        "the memory limit (now none) and the volumes. It goes on as it is; stop it and start it "
        "again to use what is new."
    )
    assert restart_text([], started) == ""


@given(settings, settings)
def test_only_what_is_known_of_both_sides_differs(
    before: dict[str, str], now: dict[str, str]
) -> None:
    """Nothing differs from itself, nor from what is not known."""
    assert changes(before, before) == []
    told = {sentence.split()[1] for sentence in changes(before, now)}
    assert told == {n for n in before.keys() & now.keys() if before[n] != now[n]}


@given(settings, settings)
def test_what_a_hook_decided_is_not_certain(
    configured: dict[str, str], used: dict[str, str]
) -> None:
    """Only what came as it was configured is."""
    assert certain(configured, used).items() == configured.items() & used.items()


def test_values_are_shown_or_compared() -> None:
    """Amounts as people write them; what holds a callable cannot be compared."""
    assert [memory(n) for n in (None, 0, 512, 3 * 2**29)] == ["none", "none", "512 B", "1.5 GiB"]
    assert [amount(n) for n in (None, 0, 0.5, 2.0)] == ["none", "none", "0.5", "2"]
    assert opaque({"b": 1, "a": [2]}) == opaque({"a": [2], "b": 1}) != opaque({"a": [2]})
    assert opaque([test_the_sentences]) is None
