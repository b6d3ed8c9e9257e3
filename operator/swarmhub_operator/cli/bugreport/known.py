"""Texts that are known to be secret, found in other texts in each form that they may have there.

Pure. The time that a text takes does not grow with the number of secrets.
"""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Collection, Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus

SHORTEST: Final = 4  # characters; a shorter one stands in any text by chance
_LINE: Final = 8  # characters of a line of a secret, as of a key, that is one by itself
# Values that tell nothing, and would be found everywhere: USE_TOKEN=true is no secret.
_TELL_NOTHING: Final = frozenset({"true", "false", "none", "null", "auto", "default"})
_PLACEHOLDERS: Final = ("(hidden)", "***", "…")  # the last two are shorter than any known secret


class Secrets:
    """Secret texts.

    Attributes:
        placeholder: what stands for one; it holds none itself.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        given = {text for text in texts if text and text.lower() not in _TELL_NOTHING}
        forms = {form for text in given for form in _forms(text)}
        self._long = {form for form in forms if len(form) >= SHORTEST}
        self._short = {text for text in given if len(text) < SHORTEST}
        self._by_start: dict[str, list[str]] = {}
        for form in sorted(self._long, key=lambda f: (-len(f), f)):
            self._by_start.setdefault(form[:SHORTEST], []).append(form)
        self.placeholder = next(p for p in _PLACEHOLDERS if not self.within(p))

    def __len__(self) -> int:
        return len(self._long) + len(self._short)

    def within(self, text: str) -> bool:
        """Tell whether a secret of four characters or more stands in `text`."""
        return next(self._found(text), None) is not None

    def hidden(self, text: str) -> tuple[str, int]:
        """Return `text` without secrets, and how many were hidden in it.

        One that is shorter than four characters is hidden if it is all of the text.
        """
        if text in self._short:
            return self.placeholder, 1
        pieces, end, count = [], 0, 0
        for start, stop in self._found(text):
            pieces += [text[end:start], self.placeholder]
            end, count = stop, count + 1
        if not count:
            return text, 0
        clean = "".join((*pieces, text[end:]))
        # What stood around it and the placeholder may together be one.
        return (self.placeholder if self.within(clean) else clean), count

    def _found(self, text: str) -> Iterator[tuple[int, int]]:
        """Yield begin and end of each, the longest at each place, none over another."""
        if not self._by_start:
            return
        at, last = 0, len(text) - SHORTEST
        while at <= last:
            candidates = self._by_start.get(text[at : at + SHORTEST], ())
            form = next((form for form in candidates if text.startswith(form, at)), None)
            if form is None:
                at += 1
            else:
                yield at, at + len(form)
                at += len(form)


def _forms(text: str) -> Collection[str]:
    """Return a secret as other texts may hold it: quoted, escaped, encoded, line by line."""
    raw = text.encode("utf-8", "surrogatepass")
    lines = [part for line in text.splitlines() if len(part := line.strip()) >= _LINE]
    encoded = [code(raw).decode().rstrip("=") for code in (b64encode, urlsafe_b64encode)]
    return {
        text,
        text.strip(),
        *lines,
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        repr(text)[1:-1],
        quote(raw),
        quote(raw, safe=""),
        quote_plus(raw),
        *(code for code in encoded if len(raw) >= _LINE),
    }
