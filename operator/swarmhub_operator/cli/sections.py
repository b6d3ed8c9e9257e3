"""The page of `describe`: labelled values in sections, every value safe to print."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from swarmhub_crds.base import Condition, Metadata
from swarmhub_crds.readable import NONE, age

from swarmhub_operator.cli import output
from swarmhub_operator.cli.table import Table, wrap
from swarmhub_operator.cli.text import safe, when

_LABELS = 22  # terminal cells for a label, its colon and what stands before the value
_NARROWEST = 24  # a value is not wrapped into less than this


class Page:
    """Lines that grow from top to bottom."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.lines: list[str] = []
        self._indent = ""

    def section(self, title: str) -> None:
        """Begin a section; what follows is indented."""
        self.lines.append(f"{title}:")
        self._indent = "  "

    def field(self, label: str, value: object) -> None:
        """Add a value, as one line however long it is; None and "" are shown as "-"."""
        text = NONE if value is None else safe(str(value)) or NONE
        self._labelled(label, [text])

    def phase(self, phase: str) -> None:
        """Add the phase, in its colour."""
        self._labelled("Phase", [output.paint(phase, phase)])

    def sentence(self, label: str, text: str) -> None:
        """Add words for a person, wrapped on a terminal."""
        width = output.width()
        room = max((width or 0) - _LABELS, _NARROWEST)
        self._labelled(label, wrap(safe(text), room) if width and text else [safe(text) or NONE])

    def time(self, label: str, moment: datetime | None) -> None:
        """Add a past time and how long ago it was."""
        self._labelled(label, [when(moment, self.now)])

    def items(self, label: str, values: Iterable[str]) -> None:
        """Add one value a line, as it is; "-" if there are none."""
        self._labelled(label, [safe(value) for value in values] or [NONE])

    def mapping(self, label: str, values: Mapping[str, str]) -> None:
        """Add NAME=value, one a line."""
        self.items(label, [f"{name}={value}" for name, value in sorted(values.items())])

    def table(self, title: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Add a section that is a table; its last column wraps on a terminal."""
        self.section(title)
        if not rows:
            self.lines.append("  none")
            return
        table = Table(titles, output.paint)
        printable = [[safe(cell) or NONE for cell in row] for row in rows]
        table.fit(printable)
        width = output.width()
        texts = [table.header()]
        texts += [
            table.wrapped(row, width - len("  ")) if width else table.line(row) for row in printable
        ]
        self.lines += [f"  {line}" for text in texts for line in text.split("\n")]

    def text(self, title: str, lines: Sequence[str]) -> None:
        """Add a section of lines that a program printed."""
        self.section(title)
        self.lines += [f"  {safe(line)}".rstrip() for line in lines] or ["  none"]

    def metadata(self, metadata: Metadata) -> None:
        """Add the fields that every record has."""
        self.field("UID", metadata.uid)
        self.field("Resource version", metadata.resource_version)
        self.time("Created", metadata.created_at)
        self.time("Updated", metadata.updated_at)
        if metadata.deletion_requested_at is not None:
            self.time("Deletion asked for", metadata.deletion_requested_at)

    def conditions(self, conditions: Sequence[Condition]) -> None:
        """Add the table of conditions."""
        rows = [
            (c.type, c.status, c.reason, age(c.last_transition_time, self.now), c.message)
            for c in conditions
        ]
        self.table("Conditions", ("TYPE", "STATUS", "REASON", "AGE", "MESSAGE"), rows)

    def _labelled(self, label: str, values: Sequence[str]) -> None:
        head = f"{self._indent}{label}:".ljust(_LABELS)
        first, *more = values
        self.lines.append(f"{head}{first}".rstrip())
        self.lines += [f"{' ' * _LABELS}{value}".rstrip() for value in more]
