"""Walks through the content of a volume: counts it, and makes its digest.

A notebook may change the volume meanwhile, so nothing is reached by its path: a folder that becomes
a symlink under our hands leads nowhere.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from swarmhub_operator.decide.listing import Entry, Type, line

CHUNK = 1 << 20  # bytes
HEADERS = 1536  # bytes that an entry costs in an archive, besides its content
_SHOWN = 100  # bytes of such a path
LONGEST = 4000  # bytes of a path; GNU tar makes no longer ones
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_TYPES = {
    stat.S_IFREG: Type.FILE,
    stat.S_IFDIR: Type.FOLDER,
    stat.S_IFLNK: Type.SYMLINK,
    stat.S_IFIFO: Type.PIPE,
    stat.S_IFCHR: Type.CHARACTERS,
    stat.S_IFBLK: Type.BLOCKS,
}
_DEVICES = (Type.CHARACTERS, Type.BLOCKS)
_ATTRIBUTES = ("user.", "security.capability", "system.posix_acl_")


@dataclass(frozen=True, slots=True)
class Found:
    """One entry: `name` in the folder that is open as `folder`."""

    path: bytes
    folder: int
    name: bytes
    info: os.stat_result

    @property
    def type(self) -> Type:
        """What it is."""
        return _TYPES[stat.S_IFMT(self.info.st_mode)]


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is: entries below the top, bytes of files, bytes that an archive takes."""

    entries: int
    content: int
    archive: int


@dataclass(frozen=True, slots=True)
class Tree:
    """Content that was read through."""

    entries: int
    size: int
    digest: str


@dataclass(slots=True)
class _Level:
    folder: int
    path: bytes
    names: Iterator[bytes]


def walk(top: Path, skip: Collection[bytes] = ()) -> Iterator[Found]:
    """Yield the top and all below it but sockets, each folder's entries in the order of names.

    Other file systems that are mounted below are not entered. `skip` names entries of the top.

    Raises:
        OSError: something cannot be read.
    """
    levels = [_level(os.open(top, _FOLDER), b"", skip)]
    try:
        info = os.fstat(levels[0].folder)
        yield Found(b".", levels[0].folder, b".", info)
        while levels:
            found = _next(levels[-1])
            if found is None:
                os.close(levels.pop().folder)
                continue
            yield found
            if found.type is Type.FOLDER and found.info.st_dev == info.st_dev:
                inner = os.open(found.name, _FOLDER, dir_fd=found.folder)
                levels.append(_level(inner, found.path + b"/", ()))
    finally:
        for level in levels:
            os.close(level.folder)


def _level(folder: int, path: bytes, skip: Collection[bytes]) -> _Level:
    names = sorted(set(map(os.fsencode, os.listdir(folder))) - set(skip))
    return _Level(folder, path, iter(names))


def _next(level: _Level) -> Found | None:
    for name in level.names:
        try:
            info = os.stat(name, dir_fd=level.folder, follow_symlinks=False)
        except FileNotFoundError:
            continue  # removed since the folder was listed
        if stat.S_ISSOCK(info.st_mode):
            continue
        path = level.path + name
        if len(path) > LONGEST:
            raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), path[:_SHOWN])
        return Found(path, level.folder, name, info)
    return None


def measure(top: Path, skip: Collection[bytes] = ()) -> Size:
    """Count what is below `top`, without reading the files.

    Raises:
        OSError: something cannot be read.
    """
    entries, content, archive = -1, 0, 0
    seen: set[tuple[int, int]] = set()
    for found in walk(top, skip):
        entries += 1
        archive += HEADERS
        same = (found.info.st_dev, found.info.st_ino)
        if found.type is not Type.FILE or same in seen:
            continue
        if found.info.st_nlink > 1:
            seen.add(same)
        content += found.info.st_size
        archive += min(found.info.st_size, found.info.st_blocks * 512)
    return Size(entries, content, archive)


def read(top: Path, skip: Collection[bytes], advance: Callable[[int], None]) -> Tree:
    """Read all below `top` and return what there is, with its digest.

    Args:
        top: the folder.
        skip: names of entries of the top that are left out.
        advance: is told of the bytes that were read.

    Raises:
        OSError: something cannot be read.
    """
    reader, digest = _Reader(advance), sha256()
    for found in walk(top, skip):
        digest.update(line(reader.entry(found)))
    return Tree(reader.entries, reader.size, digest.hexdigest())


@dataclass(slots=True)
class _Reader:
    advance: Callable[[int], None]
    entries: int = -1  # the top itself is not counted
    size: int = 0
    seen: dict[tuple[int, int], tuple[bytes, str]] = field(default_factory=dict)

    def entry(self, found: Found) -> Entry:
        self.entries += 1
        info, kind = found.info, found.type
        return Entry(
            path=found.path,
            type=kind,
            mode=0 if kind is Type.SYMLINK else stat.S_IMODE(info.st_mode),
            uid=info.st_uid,
            gid=info.st_gid,
            mtime=info.st_mtime_ns // 10**9,
            size=info.st_size if kind is Type.FILE else 0,
            target=os.readlink(found.name, dir_fd=found.folder) if kind is Type.SYMLINK else b"",
            device=info.st_rdev if kind in _DEVICES else 0,
            content=self._content(found) if kind is Type.FILE else "",
            first=self._first(found),
            attributes=_attributes(found) if kind in (Type.FILE, Type.FOLDER) else None,
        )

    def _first(self, found: Found) -> bytes:
        if found.type is Type.FOLDER or found.info.st_nlink == 1:
            return b""
        same = (found.info.st_dev, found.info.st_ino)
        return self.seen.setdefault(same, (found.path, ""))[0]

    def _content(self, found: Found) -> str:
        same = (found.info.st_dev, found.info.st_ino)
        if same in self.seen:
            return self.seen[same][1]
        content = self._read(found)
        self.size += found.info.st_size
        if found.info.st_nlink > 1:
            self.seen[same] = (found.path, content)
        return content

    def _read(self, found: Found) -> str:
        digest = sha256()
        file = os.open(found.name, _FILE, dir_fd=found.folder)
        try:
            while chunk := os.read(file, CHUNK):
                digest.update(chunk)
                self.advance(len(chunk))
        finally:
            os.close(file)
        return digest.hexdigest()


def _attributes(found: Found) -> dict[str, bytes]:
    file = os.open(found.name, _FILE, dir_fd=found.folder)
    try:
        names = [name for name in os.listxattr(file) if name.startswith(_ATTRIBUTES)]
        return {name: os.getxattr(file, name) for name in names}
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return {}
        raise
    finally:
        os.close(file)
