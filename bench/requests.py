"""Which requests an engine has got, by its own log. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_CALL = re.compile(r'msg="Calling ([A-Z]+) (?:/v[0-9.]+)?(/[^?"\s]*)')
_READS = {"GET", "HEAD"}


def requests(log: Iterable[str]) -> Counter[str]:
    """Count requests by method and kind, as in "POST /services/create" or "GET /tasks".

    Args:
        log: lines of a dockerd with `debug`.
    """
    found = (_CALL.search(line) for line in log)
    return Counter(f"{call[1]} {_kind(call[2])}" for call in found if call)


def writes(counted: Counter[str]) -> int:
    """Return how many of them change something."""
    return sum(number for kind, number in counted.items() if kind.split()[0] not in _READS)


def _kind(path: str) -> str:
    """Return a path without ids: the collection, and a verb behind an id if there is one."""
    parts = path.strip("/").split("/")
    named = len(parts) > 1 and parts[1] not in ("create", "json")
    return "/" + "/".join(
        ["ID" if named and place == 1 else part for place, part in enumerate(parts)]
    )
