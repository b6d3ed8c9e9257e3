"""Spans of time and text that is safe to print."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from swarmhub_crds.readable import age, span
from swarmhub_operator.cli.text import safe, until, when

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-9, "0s"),
        (5.9, "5s"),
        (119, "119s"),
        (180, "3m"),
        (7199, "119m"),
        (7200, "2h"),
        (172799, "47h"),
        (4 * 86400, "4d"),
        (1000 * 86400, "1000d"),
    ],
)
def test_a_span_is_one_number_and_one_unit(seconds: float, text: str) -> None:
    """Spans look as kubectl's ages do, and a clock that is behind gives no negative one."""
    assert span(seconds) == text


def test_times_are_told_from_now() -> None:
    """Past and future times are shown as distances; a time that does not exist as a dash."""
    assert age(None, NOW) == "-"
    assert until(NOW + timedelta(seconds=12), NOW) == "in 12s"
    assert until(NOW - timedelta(seconds=12), NOW) == "now"
    assert when(NOW - timedelta(hours=3), NOW) == "2026-03-01 09:00:00 UTC (3h ago)"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("José 日本", "José 日本"),
        ("[bold]x[/bold]", "[bold]x[/bold]"),
        ("a\x1b[2J", r"a\u001b[2J"),
        ("two\nlines", r"two\nlines"),
        ("\u202eright", r"\u202eright"),
        ("\x7f\x9b", r"\u007f\u009b"),
        ("\udc80", r"\udc80"),
    ],
)
def test_unprintable_characters_are_escapes(raw: str, shown: str) -> None:
    """What could steer a terminal is shown as an escape, everything else as it is."""
    assert safe(raw) == shown


@given(st.text())
def test_safe_text_is_printable(text: str) -> None:
    """Whatever is in a record, its safe form is printable."""
    assert safe(text).isprintable()
