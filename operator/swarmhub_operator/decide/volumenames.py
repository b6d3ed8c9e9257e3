"""Whose volumes an earlier spawner's names say they are. Pure."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from swarmhub_crds.escaping import Escape

_USER: Final = frozenset({"username", "safe_username", "escaped_username"})
_SERVER: Final = frozenset({"servername", "safe_servername", "escaped_servername"})
_RAW: Final = {"raw_username": "username", "raw_servername": "servername"}
DEFAULT: Final = "jupyterhub-user-{username}"


class TemplateError(ValueError):
    """A template that names of volumes cannot be read by; `str()` is one sentence."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A user, and a server if the template names it, whose volume may be called so."""

    user: str
    server: str = ""


@dataclass(frozen=True, slots=True)
class _Field:
    """A place in a template: of the user or the server, written raw or escaped."""

    of: str
    raw: bool


@dataclass(frozen=True, slots=True)
class Template:
    """How an earlier spawner named volumes."""

    text: str
    escape: Escape
    parts: tuple[str | _Field, ...]

    @classmethod
    def parse(cls, text: str, escape: Escape) -> Template:
        """Read a template of volumes.

        Raises:
            TemplateError: its braces do not match, it names no user, or a field is not known.
        """
        parts: list[str | _Field] = []
        try:
            pieces = list(string.Formatter().parse(text))
        except ValueError as error:
            raise TemplateError(f"the braces in {text!r} do not match; correct it") from error
        for literal, name, _, _ in pieces:
            parts += [literal] if literal else []
            parts += [_field(name, text)] if name is not None else []
        if not any(isinstance(part, _Field) and part.of == "username" for part in parts):
            raise TemplateError(f"{text!r} names no user; it needs {{username}}")
        return cls(text, escape, tuple(parts))

    def readings(self, name: str) -> frozenset[Reading]:
        """Return all users and servers whose volume the old spawner would have called `name`."""
        return frozenset(
            Reading(found["username"], found.get("servername", ""))
            for found in self._match(self.parts, name, {})
            if found["username"]
        )

    def _match(
        self, parts: tuple[str | _Field, ...], rest: str, found: Mapping[str, str]
    ) -> Iterator[Mapping[str, str]]:
        if not parts:
            if not rest:
                yield found
            return
        first, *more = parts
        if isinstance(first, str):
            if rest.startswith(first):
                yield from self._match(tuple(more), rest[len(first) :], found)
            return
        for end in range(len(rest), -1, -1):
            value = rest[:end] if first.raw else self.escape.read(rest[:end])
            if value is not None and found.get(first.of, value) == value:
                yield from self._match(tuple(more), rest[end:], {**found, first.of: value})


def _field(name: str, text: str) -> _Field:
    if name in _RAW:
        return _Field(_RAW[name], raw=True)
    if name in _USER | _SERVER:
        return _Field("username" if name in _USER else "servername", raw=False)
    known = ", ".join(f"{{{field}}}" for field in ("username", "servername", *_RAW))
    raise TemplateError(
        f"{{{name}}} in {text!r} is not known here; write out what it stood for, or use {known}"
    )
