"""The host's IPv4 forwarding, shared by all clusters that run at the same time.

The first cluster notes how it was, the last one puts it back. Clusters are known by their bridge:
one whose bridge is gone was killed, and no longer counts.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypedDict

_SWITCH = Path("/proc/sys/net/ipv4/ip_forward")
_NOTE = Path("/run/swarmhub-forwarding.json")


class _Note(TypedDict):
    before: str
    bridges: list[str]


@contextmanager
def _locked() -> Iterator[None]:
    folder = os.open(_NOTE.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _read() -> _Note:
    try:
        note: _Note = json.loads(_NOTE.read_text())
    except FileNotFoundError:
        return {"before": _SWITCH.read_text().strip(), "bridges": []}
    note["bridges"] = [name for name in note["bridges"] if Path("/sys/class/net", name).exists()]
    return note


def acquire(bridge: str) -> None:
    """Switch forwarding on for the cluster of an existing `bridge`."""
    with _locked():
        note = _read()
        note["bridges"].append(bridge)
        _NOTE.write_text(json.dumps(note))
        if _SWITCH.read_text().strip() != "1":
            _SWITCH.write_text("1")


def release(bridge: str) -> None:
    """End the cluster's need; the last one restores what the first one found."""
    with _locked():
        if not _NOTE.exists():
            return
        note = _read()
        note["bridges"] = [name for name in note["bridges"] if name != bridge]
        if note["bridges"]:
            _NOTE.write_text(json.dumps(note))
            return
        if _SWITCH.read_text().strip() != note["before"]:
            _SWITCH.write_text(note["before"])
        _NOTE.unlink()
