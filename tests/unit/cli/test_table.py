"""Tables of spaces."""

from __future__ import annotations

from rich.cells import cell_len
from swarmhub_operator.cli.table import CUT, Table, cut


def mark(text: str, word: str) -> str:
    """Paint visibly."""
    return f"<{text}>" if word == "Failed" else text


def test_columns_align_by_terminal_cells() -> None:
    """Wide characters take two cells, and colour codes take none."""
    table = Table(("NAME", "PHASE", "NODE"), mark)
    rows = [("日本", "Running", "n1"), ("a", "Failed", "-")]
    table.fit(rows)
    assert [table.header(), *map(table.line, rows)] == [
        "NAME   PHASE     NODE",
        "日本   Running   n1",
        "a      <Failed>    -",
    ]


def test_the_last_column_wraps_under_itself() -> None:
    """On a narrow terminal a long last cell goes on below, not at the left edge."""
    table = Table(("TYPE", "MESSAGE"), mark)
    row = ("Ready", "one two three four five six seven")
    table.fit([row])
    assert table.wrapped(row, 32).splitlines() == [
        "Ready   one two three four five",
        "        six seven",
    ]
    assert table.wrapped(row, 20) == table.line(row)


def test_long_cells_are_cut() -> None:
    """No cell is longer than the limit, in terminal cells."""
    assert cut("x" * CUT) == "x" * CUT
    assert cut("x" * 200) == "x" * (CUT - 1) + "…"
    assert cell_len(cut("日" * 200)) <= CUT
