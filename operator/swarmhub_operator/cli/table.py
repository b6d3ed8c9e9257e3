"""Tables in kubectl's manner: columns of spaces, no lines, one record a line."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from rich.cells import cell_len, set_cell_size

GAP: Final = "   "
CUT: Final = (
    40  # terminal cells; how much of a long cell is shown, so that one user cannot stretch all rows
)
_NARROWEST: Final = 24  # a last column narrower than this is not wrapped

Paint = Callable[[str, str], str]  # (text, word that decides its colour) -> text


def cut(cell: str, limit: int = CUT) -> str:
    """Return `cell` in at most `limit` terminal cells, with an ellipsis for what is left out."""
    if cell_len(cell) <= limit:
        return cell
    return set_cell_size(cell, limit - 1).rstrip() + "…"


class Table:
    """Column widths, which grow with the rows and never shrink."""

    def __init__(self, titles: Sequence[str], paint: Paint, colored: str = "PHASE") -> None:
        self.titles = tuple(titles)
        self._widths = [len(title) for title in titles]
        self._paint = paint
        self._colored = self.titles.index(colored) if colored in self.titles else None

    def fit(self, rows: Iterable[Sequence[str]]) -> None:
        """Make the columns as wide as `rows` need."""
        for row in rows:
            for place, cell in enumerate(row):
                self._widths[place] = max(self._widths[place], cell_len(cell))

    def header(self) -> str:
        """Return the line of titles."""
        return self._join(self.titles)

    def line(self, cells: Sequence[str]) -> str:
        """Return one row, without space at its end."""
        return self._join(cells, colored=self._colored)

    def wrapped(self, cells: Sequence[str], width: int) -> str:
        """Return one row with its last column wrapped to stay within `width` terminal cells."""
        indent = sum(self._widths[:-1]) + len(GAP) * (len(self._widths) - 1)
        if width - indent < _NARROWEST:
            return self.line(cells)
        first, *more = wrap(cells[-1], width - indent)
        lines = [self.line([*cells[:-1], first]), *(" " * indent + part for part in more)]
        return "\n".join(lines)

    def _join(self, cells: Sequence[str], colored: int | None = None) -> str:
        parts = []
        last = len(cells) - 1
        for place, cell in enumerate(cells):
            pad = "" if place == last else " " * (self._widths[place] - cell_len(cell))
            text = self._paint(cell, cell) if place == colored else cell
            parts.append(text + pad)
        return GAP.join(parts).rstrip()


def wrap(text: str, width: int) -> list[str]:
    """Return `text` as lines of at most `width`, broken at spaces only; at least one line."""
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return lines or [""]
