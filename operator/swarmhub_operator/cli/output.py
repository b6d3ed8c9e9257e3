"""Where output goes: plain text, colour on a terminal only, JSON and YAML."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import yaml
from rich.color import ColorSystem
from rich.style import Style

from swarmhub_operator.cli.table import wrap


class Output(StrEnum):
    """The values of `get -o`."""

    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


class Document(StrEnum):
    """The values of `status -o`."""

    JSON = "json"
    YAML = "yaml"


_GOOD, _BUSY, _CAREFUL, _BAD, _QUIET = (
    Style(color="green"),
    Style(color="cyan"),
    Style(color="yellow"),
    Style(color="red"),
    Style(dim=True),
)
_STYLES: Final = {
    "Running": _GOOD,
    "Bound": _GOOD,
    "Warning": _CAREFUL,
    "ok": _GOOD,
    "failed": _BAD,
    "warning": _CAREFUL,
    "unknown": _QUIET,
    "ready": _GOOD,
    "Present": _GOOD,
    "Pulling": _BUSY,
    "Waiting": _BUSY,
    "NotPulled": _CAREFUL,
    "Pending": _BUSY,
    "Starting": _BUSY,
    "Stopping": _BUSY,
    "Deleting": _BUSY,
    "Moving": _BUSY,
    "BackOff": _CAREFUL,
    "Released": _CAREFUL,
    "Failed": _BAD,
    "Lost": _BAD,
    "down": _BAD,
    "Invalid": _BAD,
    "Stopped": _QUIET,
    "Removed": _QUIET,
    "+": _GOOD,
    "-": _BAD,
}


def is_terminal() -> bool:
    """Tell whether a person looks at standard output."""
    return sys.stdout.isatty()


def paint(text: str, word: str) -> str:
    """Return `text` in the colour of the phase `word`: on a terminal, unless NO_COLOR is set."""
    style = _STYLES.get(word)
    if style is None or not _colored():
        return text
    return style.render(text, color_system=ColorSystem.STANDARD)


def _colored() -> bool:
    return is_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width() -> int | None:
    """Return the columns of the terminal; None when output goes elsewhere and is not wrapped."""
    return shutil.get_terminal_size().columns if is_terminal() else None


def wrapped(text: str, indent: str) -> list[str]:
    """Break a text at the terminal's width, for lines with this indent; elsewhere it stays one."""
    columns = width()
    return [text] if columns is None else wrap(text, max(columns - len(indent), len(indent)))


def write(line: str) -> None:
    """Print one line, or several joined by newlines, at once: who waits reads through a pipe."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def warn(sentence: str) -> None:
    """Print one sentence to standard error, after the command's name."""
    sys.stderr.write(f"swarmhub: {sentence}\n")
    sys.stderr.flush()


def document(content: Mapping[str, Any], form: Document, *, compact: bool = False) -> str:
    """Return `content` as JSON or YAML that no terminal is upset by.

    `compact` JSON is one line; compact YAML begins with the line that separates documents.
    """
    if form is Document.JSON:
        return _json(content, None if compact else 2)
    return ("---\n" if compact else "") + _yaml(content)


def _json(content: Mapping[str, Any], indent: int | None) -> str:
    text = json.dumps(content, ensure_ascii=False, indent=indent)
    if _printable(text):
        return text
    return json.dumps(content, ensure_ascii=True, indent=indent).replace("\x7f", "\\u007f")


def _yaml(content: Mapping[str, Any]) -> str:
    def dump(raw: bool) -> str:
        text: str = yaml.safe_dump(
            dict(content), sort_keys=False, allow_unicode=raw, default_flow_style=False
        )
        return text.rstrip("\n")

    text = dump(raw=True)
    return text if _printable(text) else dump(raw=False)


def _printable(text: str) -> bool:
    return text.replace("\n", "").isprintable()
