"""Homes as people have them, odd things included, and a look at all that they hold."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from swarmhub_operator.errand.archive import Packing
from swarmhub_operator.errand.seal import seal
from swarmhub_operator.errand.staging import left_out
from swarmhub_operator.errand.tree import read

ODD = (b"with space", b"line\nbreak", b"\xff\xfe not UTF-8", b"-rf", b"*", b"quote'\"", b"n" * 255)
OLD = 1_000_000_000  # seconds since 1970


def plant(top: Path) -> Path:
    """Fill a folder with one of everything that a home can hold, and return it."""
    top.mkdir(exist_ok=True)
    (top / "empty folder").mkdir(mode=0o711)
    (top / "empty file").touch()
    (top / "work" / "deep" / "er").mkdir(parents=True)
    (top / "work" / "notes.txt").write_text("hello")
    (top / "large").write_bytes(os.urandom(3 << 20))
    with (top / "sparse").open("wb") as file:
        file.seek(8 << 20)
        file.write(b"end")
    os.link(top / "large", top / "work" / "same as large")
    (top / "points to").symlink_to("work/notes.txt")
    (top / "points away").symlink_to("/etc/passwd")
    (top / "work" / "points up").symlink_to("../../..")
    (top / "points nowhere").symlink_to("gone")
    for name in ODD:
        (top / "work" / os.fsdecode(name)).write_bytes(name)
    os.mkfifo(top / "pipe")
    os.setxattr(top / "work" / "notes.txt", "user.colour", b"\0blue\xff")
    os.setxattr(top / "work", "user.colour", b"red")
    (top / "work" / "notes.txt").chmod(0o640)
    (top / "work").chmod(0o2775)
    (top / "empty folder").chmod(0o1777)
    os.chown(top / "work" / "notes.txt", 1000, 100)
    os.chown(top / "points to", 1000, 100, follow_symlinks=False)
    os.chown(top, 1000, 100)
    top.chmod(0o750)
    os.utime(top / "points to", (OLD, OLD), follow_symlinks=False)
    os.utime(top / "work" / "notes.txt", ns=(OLD * 10**9, OLD * 10**9 + 123_456_789))
    os.utime(top / "work", (OLD, OLD))
    os.utime(top, (OLD, OLD))
    return top


def socket_in(folder: Path) -> None:
    """Leave the socket of a program that has ended."""
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(os.path.relpath(folder / "socket"))


def digest(top: Path) -> str:
    """Return the digest of all below a folder."""
    return read(top, (), lambda _: None).digest


def packed(top: Path) -> bytes:
    """Return the sealed archive of a folder."""
    return b"".join(seal(Packing(top, left_out(top)).chunks()))
