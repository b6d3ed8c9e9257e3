"""Reading what is configured in Docker's own words."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from swarmhub_spawner.errors import OptionError

_UNITS: Final = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}


def given_words(
    option: str, spec: Any, known: Collection[str], refused: Mapping[str, str]
) -> dict[str, Any]:
    """Return what `spec` sets; as in docker-py, None is not set.

    `refused` holds why a word cannot be, and what to do instead.

    Raises:
        OptionError: a word is refused or not known.
    """
    if not isinstance(spec, Mapping):
        raise OptionError(f"{option}: {spec!r} is no dict; write {{{next(iter(known))!r}: ...}}.")
    given = {str(word): value for word, value in spec.items() if value is not None}
    for word in given:
        if word in refused:
            raise OptionError(f"{option}: {word!r} {refused[word]}")
        if word not in known:
            raise OptionError(
                f"{option}: {word!r} is not known; it takes {', '.join(sorted(known))}."
            )
    return given


def read_words(option: str, word: str, value: Any) -> tuple[str, ...]:
    """Return a command line, given as a list or as one text in a shell's way of quoting.

    Raises:
        OptionError: it is neither.
    """
    if isinstance(value, str):
        return tuple(shlex.split(value))
    return read_texts(option, word, value)


def read_texts(option: str, word: str, value: Any) -> tuple[str, ...]:
    """Return a list of texts; numbers become text.

    Raises:
        OptionError: it is no list of these.
    """
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        raise OptionError(f"{option}: {word!r} must be a list, not {value!r}.")
    return tuple(str(item) for item in value)


def read_pairs(option: str, word: str, value: Any, mark: str) -> dict[str, str]:
    """Return a dict that is given as one, or as a list of texts with `mark` in each.

    Raises:
        OptionError: it is neither.
    """
    if isinstance(value, Mapping):
        return {str(key): str(item) for key, item in value.items()}
    pairs = [text.partition(mark) for text in read_texts(option, word, value)]
    if not all(found for _, found, _ in pairs):
        raise OptionError(f"{option}: {word!r} must be a dict, or a list of 'name{mark}value'.")
    return {key.strip(): item.strip() for key, _, item in pairs}


def read_bytes(option: str, word: str, value: Any) -> int:
    """Return a number of bytes, given as one or as Docker writes it: "512m", "1g".

    Raises:
        OptionError: it is neither.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([bkmgt]?)b?", str(value).strip().lower())
    if isinstance(value, bool) or not found:
        raise OptionError(f"{option}: {word!r} must be a size such as '512m', not {value!r}.")
    return int(float(found[1]) * _UNITS[found[2]])


def read_number(option: str, word: str, value: Any) -> float:
    """Return a number that is not negative.

    Raises:
        OptionError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise OptionError(f"{option}: {word!r} must be a number, not {value!r}.")
    return value
