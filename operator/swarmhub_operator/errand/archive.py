"""Packs and unpacks archives with GNU tar, which reads and writes nothing outside of its folder."""

from __future__ import annotations

import os
import subprocess
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import IO

from swarmhub_operator.errand.failure import CopyError

CHUNK = 1 << 18  # bytes
_SOME_CHANGED = 1  # exit code of tar: files changed while it read them
_END = "** Block of NULs **"  # what tar says where an archive ends, and not where it breaks off
_LINES = 50
_SHOWN = 300  # characters of a line
_ATTRIBUTES = ("--xattrs", "--xattrs-include=user.*", "--acls", "--numeric-owner")
_RIGHTS = "--xattrs-include=security.capability"


class _Said:
    """What a program says in a pipe, read at once so that it never waits for us."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self.count = 0
        self.lines: deque[str] = deque(maxlen=_LINES)
        self._thread = Thread(target=self._read, args=(pipe,), name="tar-says", daemon=True)
        self._thread.start()

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe:
            for raw in pipe:
                self.count += 1
                self.lines.append(raw.decode(errors="replace").strip().removeprefix("tar: "))

    def all(self) -> list[str]:
        """Wait for the end, and return the last lines."""
        self._thread.join()
        return list(self.lines)


def _tar(*arguments: str, stdin: int) -> subprocess.Popen[bytes]:
    environment = {"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath)}
    pipe = subprocess.PIPE
    command = ("tar", *arguments)
    return subprocess.Popen(  # noqa: S603 - no shell, and no argument of a stranger
        command, stdin=stdin, stdout=pipe, stderr=pipe, env=environment
    )


def pack(top: Path, skip: Iterable[bytes]) -> Packing:
    """Begin to pack all below `top`; `skip` names entries of the top that are left out."""
    return Packing(top, skip)


class Packing:
    """An archive in the making.

    Attributes:
        changed: how many things changed while they were read; known at the end.
    """

    def __init__(self, top: Path, skip: Iterable[bytes]) -> None:
        self.changed = 0
        self._arguments = (
            "--create",
            "--file=-",
            "--format=posix",
            f"--directory={top}",
            "--one-file-system",
            "--sparse",
            *_ATTRIBUTES,
            _RIGHTS,
            "--warning=no-file-ignored",  # sockets
            "--anchored",
            "--no-wildcards",
            *(f"--exclude=./{os.fsdecode(name)}" for name in skip),
            ".",
        )

    def chunks(self) -> Iterator[bytes]:
        """Yield the archive.

        Raises:
            CopyError: something cannot be read; what was yielded is no whole archive.
        """
        tar = _tar(*self._arguments, stdin=subprocess.DEVNULL)
        out, err = _pipe(tar.stdout), _pipe(tar.stderr)
        said = _Said(err)
        try:
            while chunk := out.read(CHUNK):
                yield chunk
            code = tar.wait()
        finally:
            _end(tar)
            out.close()
        told = said.all()
        if code > _SOME_CHANGED:
            raise CopyError(f"The home cannot be read ({'; '.join(told[:3])}).")
        self.changed = said.count if code else 0


def unpack(chunks: Iterable[bytes], into: Path, *, trusted: bool) -> None:
    """Unpack an archive into the empty folder `into`.

    Whatever tar has to say is a reason to refuse the archive: that it ends too early, that a name
    in it begins with / or leads up and out, that a link points where nothing can be linked.

    Args:
        chunks: the archive; what it raises passes through.
        into: the folder.
        trusted: restore capabilities of programs, too.

    Raises:
        CopyError: it is not a whole, well-behaved archive, or the disk is full.
    """
    tar = _tar(
        "--extract",
        "--file=-",
        f"--directory={into}",
        "--same-owner",
        "--same-permissions",
        "--delay-directory-restore",
        "--block-number",
        "--warning=no-timestamp",
        "--warning=no-unknown-keyword",
        *_ATTRIBUTES,
        *([_RIGHTS] if trusted else []),
        stdin=subprocess.PIPE,
    )
    out, err = _Said(_pipe(tar.stdout)), _Said(_pipe(tar.stderr))
    try:
        _feed(chunks, _pipe(tar.stdin))
        code = tar.wait()
    finally:
        _end(tar)
    told = err.all()
    if code or told:
        raise CopyError(f"The archive is refused ({_first(told) or f'exit code {code}'}).")
    if not any(_END in text for text in out.all()):
        raise CopyError("The archive breaks off before its end; take a whole one.")


def _feed(chunks: Iterable[bytes], pipe: IO[bytes]) -> None:
    with suppress(BrokenPipeError):  # tar has ended, and says why
        for chunk in chunks:
            pipe.write(chunk)
        pipe.close()


def _first(told: list[str]) -> str:
    """Return tar's first words without the number of the block at which it said them."""
    text = told[0] if told else ""
    text = text.split(": ", 1)[-1] if text.startswith("block ") else text
    return text if len(text) <= _SHOWN else f"…{text[-_SHOWN:]}"


def _end(tar: subprocess.Popen[bytes]) -> None:
    if tar.poll() is None:
        tar.kill()
        tar.wait()
    if tar.stdin is not None:
        with suppress(BrokenPipeError):
            tar.stdin.close()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:  # never: all three were asked for
        raise CopyError("tar was started without a pipe.")
    return pipe
