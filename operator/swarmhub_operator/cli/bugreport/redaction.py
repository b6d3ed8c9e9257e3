"""Takes secrets out of what a report holds: documents and texts. Pure.

Four rules, each enough by itself: what a key calls a secret, the values of variables, texts that
are known to be secret, and what looks like one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from swarmhub_operator.cli.bugreport.known import Secrets
from swarmhub_operator.cli.bugreport.looks import is_secret_name, without
from swarmhub_operator.engine import labels

_ENVIRONMENT: Final = frozenset({"Env", "env", "environment"})
_SHORT_ID: Final = 12  # as `docker ps` shows it; the whole would look like a token
_CERTIFICATES: Final = frozenset({"TLSInfo", "CACertificate"})  # public, and long


class Redactor:
    """Takes secrets out, and counts them.

    Args:
        secrets: texts that are known to be secret, in whatever form; see `named_secrets`.
        rename: what becomes of each text after that, as for names of users.
    """

    def __init__(self, secrets: Iterable[str], rename: Callable[[str], str] = str) -> None:
        self._known = Secrets(secrets)
        self._rename = rename
        self.count = 0

    def text(self, text: str) -> str:
        """Return a text without secrets."""
        known, count = self._known.hidden(text)
        self.count += count
        clean = self._rename(without(known, self._known.placeholder, self._counted))
        return self._known.placeholder if self._known.within(clean) else clean

    def document(self, content: Any) -> Any:
        """Return JSON values without secrets, in the same form."""
        return self._value(content)

    def engine(self, content: Any) -> Any:
        """Return what the engine lists without secrets, and without any value of a variable."""
        return self._value(content, every_variable=True)

    def leaks(self, text: str) -> bool:
        """Tell whether a text that is known to be secret stands in `text`."""
        return self._known.within(text)

    def _counted(self) -> None:
        self.count += 1

    def _hide(self, value: Any) -> Any:
        """Return a value with its form alone."""
        if isinstance(value, Mapping):
            return {self.text(str(key)): self._hide(inner) for key, inner in value.items()}
        if _is_list(value):
            return [self._hide(inner) for inner in value]
        if value in (None, "", True, False):
            return value
        self._counted()
        return self._known.placeholder

    def _value(self, value: Any, *, every_variable: bool = False) -> Any:
        if isinstance(value, Mapping):
            return self._map(value, every_variable=every_variable)
        if _is_list(value):
            return [self._value(inner, every_variable=every_variable) for inner in value]
        if isinstance(value, str):
            return self.text(value)
        # A number or a constant may be a secret's text, too.
        return self._known.placeholder if self._known.within(json.dumps(value)) else value

    def _map(self, content: Mapping[Any, Any], *, every_variable: bool) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in content.items():
            name = self.text(str(key))
            while name in found:
                name += "'"
            found[name] = self._entry(str(key), value, every_variable=every_variable)
        return found

    def _entry(self, key: str, value: Any, *, every_variable: bool) -> Any:
        if key in _ENVIRONMENT:
            return self._environment(value, every_variable=every_variable)
        if key in _CERTIFICATES:
            return self._known.placeholder
        if key == labels.RECORD:
            return f"sha256:{sha256(str(value).encode()).hexdigest()[:_SHORT_ID]}"
        if key == "ContainerID":
            return self.text(str(value)[:_SHORT_ID])
        if is_secret_name(key):
            return self._hide(value)
        return self._value(value, every_variable=every_variable)

    def _environment(self, value: Any, *, every_variable: bool) -> Any:
        """Hide the values of variables, in a map or as NAME=value: of all, or of what is secret."""
        if isinstance(value, Mapping):
            return {
                self.text(str(name)): self._variable(str(name), inner, every=every_variable)
                for name, inner in value.items()
            }
        if not _is_list(value):
            return self._hide(value)
        pairs = (str(entry).partition("=") for entry in value)
        return [
            self.text(name) + sign + str(self._variable(name, inner, every=every_variable))
            for name, sign, inner in pairs
        ]

    def _variable(self, name: str, value: Any, *, every: bool) -> Any:
        return self._hide(value) if every or is_secret_name(name) else self._value(value)


def named_secrets(content: Any) -> Iterator[str]:
    """Yield the values, in JSON values, of variables whose names are those of secrets."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            if key in _ENVIRONMENT:
                yield from of_environment(value)
            yield from named_secrets(value)
    elif _is_list(content):
        for inner in content:
            yield from named_secrets(inner)


def of_environment(value: Any) -> Iterator[str]:
    """Yield the values of the variables, in a map or as NAME=value, that are named as secrets."""
    if isinstance(value, Mapping):
        pairs = [(str(name), str(inner)) for name, inner in value.items()]
    else:
        listed = value if _is_list(value) else ()
        pairs = [(n, inner) for n, _, inner in (str(entry).partition("=") for entry in listed)]
    yield from (inner for name, inner in pairs if is_secret_name(name))


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
