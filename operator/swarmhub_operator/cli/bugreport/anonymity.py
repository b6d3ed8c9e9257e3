"""Other names for users, the same one wherever a user is named. Pure.

Names that follow from a user's, of notebooks, services and homes, change with it. In log lines only
those users are found that a record, an event or a log's own form tells of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from swarmhub_crds.escaping import escaped, legacy_escaped
from swarmhub_crds.names import notebook_name, slug

_LABEL: Final = "swarmhub.user"
_HASH: Final = re.compile(r"---[0-9a-f]{16}")
# How JupyterHub, its proxy, the page and the operator name users in their logs.
_IN_LOGS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"/users?/([^/\s?\"'&#]+)",
        r"\(([^\s()@]+)@[0-9a-f:.]+\)",
        r"(?i)\buser logged (?:in|out): (\S+)",
        r"(?i)\bfailed login for (\S+)",
        r"(\S+) asked: (?:stop|restart|drain|uncordon) ",
    )
)
_WHO_ASKED: Final = re.compile(r"(\S+) asked\b")  # in what is told of an order about a node
_NOBODY: Final = frozenset({"", "None", "unknown"})


class Pseudonyms:
    """Replaces names of users; `user-3` is the third in the order of names.

    Args:
        users: names, as the hub has them.
    """

    def __init__(self, users: Iterable[str]) -> None:
        known = sorted({user for user in users if user not in _NOBODY})
        start = "user"
        while any(start in user for user in known):
            start += "x"
        # A name itself goes before what another one looks like in some form: "ada" before "Ada".
        self._by_form = {user: f"{start}-{number}" for number, user in enumerate(known, 1)}
        for user in known:
            for form in _forms(user):
                self._by_form.setdefault(form, self._by_form[user])
        longest_first = sorted(self._by_form, key=lambda form: (-len(form), form))
        choices = "|".join(map(re.escape, longest_first))
        # As a whole word: the user "ada" is not in "adapter".
        pattern = rf"(?<![^\W_])(?:{choices})(?![^\W_])" if choices else r"(?!)"
        self._pattern = re.compile(pattern)

    def __len__(self) -> int:
        return len(set(self._by_form.values()))

    def __call__(self, text: str) -> str:
        """Return `text` with other names in it."""
        return self._pattern.sub(lambda match: self._by_form[match[0]], text)


def _forms(user: str) -> set[str]:
    """Return a user's name as it may stand in other names."""
    hashed = {_HASH.sub("", name) for name in (slug(user), notebook_name(user)) if "---" in name}
    readable = {name for name in hashed if len(name) > 1}
    return {user, user.lower(), escaped(user), legacy_escaped(user), quote(user), *readable}


def users_in_records(items: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield whom records, as `get -o json` prints them, belong to."""
    for item in items:
        user = (item.get("spec") or {}).get("user")
        yield str(user if user is not None else _of_name(item))


def _of_name(item: Mapping[str, Any]) -> str:
    """Return the first part of the name of a notebook whose record cannot be read."""
    name = str((item.get("metadata") or {}).get("name") or "")
    return name.partition("--")[0] if item.get("kind") == "Notebook" else name


def users_in_events(items: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the users of the notebooks that events are about, also of deleted ones, and who asked.

    An administrator may have no notebook.
    """
    for item in items:
        if item.get("kind") == "Notebook":
            yield str(item.get("name", "")).partition("--")[0]
        if item.get("kind") == "Node":
            yield from _WHO_ASKED.findall(str(item.get("message", "")))


def users_in_engine(content: Any) -> Iterator[str]:
    """Yield whom our labels name, wherever they are in what the engine lists."""
    if isinstance(content, Mapping):
        if isinstance(content.get(_LABEL), str):
            yield content[_LABEL]
        for inner in content.values():
            yield from users_in_engine(inner)
    elif isinstance(content, list | tuple):
        for inner in content:
            yield from users_in_engine(inner)


def users_in_log(text: str) -> Iterator[str]:
    """Yield those whom log lines name in a form that is known."""
    for pattern in _IN_LOGS:
        yield from pattern.findall(text)
