"""How the content of a volume is written down, so that two copies can be compared. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256


class Type(StrEnum):
    """What an entry is. Sockets are none: they mean nothing without the program behind them."""

    FILE = "file"
    FOLDER = "folder"
    SYMLINK = "symlink"
    PIPE = "pipe"
    CHARACTERS = "characters"  # a device
    BLOCKS = "blocks"  # a device


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a volume; what does not apply to its type is 0 or empty.

    Attributes:
        path: from the volume's top, which is ".", in whatever encoding.
        type: what it is.
        mode: permission bits; 0 for a symlink, which has none of its own.
        uid: owner.
        gid: group.
        size: of a file, in bytes.
        mtime: last change, in whole seconds.
        target: of a symlink.
        device: number of a device.
        content: SHA-256 of a file's content.
        first: path of the first entry that is the same file, if it has several names.
        attributes: extended attributes and access lists of files and folders.
    """

    path: bytes
    type: Type
    mode: int
    uid: int
    gid: int
    mtime: int
    size: int = 0
    target: bytes = b""
    device: int = 0
    content: str = ""
    first: bytes = b""
    attributes: Mapping[str, bytes] | None = None


def line(entry: Entry) -> bytes:
    """Return one entry of the listing; two that differ in anything have different lines."""
    numbers = (entry.mode, entry.uid, entry.gid, entry.mtime, entry.size, entry.device)
    fields = (
        entry.path,
        entry.type.encode(),
        *(str(number).encode() for number in numbers),
        entry.target,
        entry.content.encode(),
        entry.first,
        _attributes(entry.attributes or {}).encode(),
    )
    return b"\0".join(fields) + b"\0\n"  # no field can hold a NUL, and their number is fixed


def _attributes(attributes: Mapping[str, bytes]) -> str:
    pairs = sorted((name, value.hex()) for name, value in attributes.items())
    return sha256(repr(pairs).encode(errors="surrogateescape")).hexdigest() if pairs else ""
