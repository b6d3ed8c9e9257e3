"""The digest of a tree: the same for the same content, another for any difference."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.trees import OLD, digest, plant, socket_in
from swarmhub_operator.errand.tree import measure, read


def _copy(source: Path, target: Path) -> Path:
    subprocess.run(["cp", "--archive", source, target], check=True)
    return target


def test_a_faithful_copy_has_the_same_digest(tmp_path: Path) -> None:
    """Whatever is in it."""
    first = plant(tmp_path / "first")
    assert digest(_copy(first, tmp_path / "second")) == digest(first)


def _own(path: Path) -> None:
    os.chown(path / "work/notes.txt", 1001, 100)


def _point_elsewhere(path: Path) -> None:
    (path / "points nowhere").unlink()
    (path / "points nowhere").symlink_to("on")


def _unlink_and_copy(path: Path) -> None:
    shutil.copy2(path / "large", path / "other")
    (path / "other").rename(path / "work/same as large")


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda p: (p / "work/notes.txt").write_text("hellO"),
    "mode": lambda p: (p / "work/notes.txt").chmod(0o600),
    "owner": _own,
    "removed": lambda p: (p / "empty file").unlink(),
    "renamed": lambda p: (p / "empty file").rename(p / "empty"),
    "time": lambda p: os.utime(p / "work/notes.txt", (OLD, OLD + 1)),
    "top": lambda p: p.chmod(0o700),
    "link": _point_elsewhere,
    "no longer one file": _unlink_and_copy,
    "attribute": lambda p: os.setxattr(p / "work/notes.txt", "user.colour", b"green"),
    "folder's attribute": lambda p: os.removexattr(p / "work", "user.colour"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_difference_shows(tmp_path: Path, change: str) -> None:
    """Nothing can be changed without another digest."""
    top = plant(tmp_path / "home")
    before, times = digest(top), {f: f.lstat() for f in [top, *top.rglob("*")]}
    CHANGES[change](top)
    for path, info in times.items():
        if change != "time" and os.path.lexists(path):
            os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns), follow_symlinks=False)
    assert digest(top) != before


def test_what_there_is_is_counted(tmp_path: Path) -> None:
    """Entries below the top; files with two names once; holes take no room in an archive."""
    top = plant(tmp_path / "home")
    known = sum(1 for _ in top.rglob("*"))
    size, tree = measure(top), read(top, (), lambda _: None)
    assert size.entries == tree.entries == known
    assert size.content == tree.size > 8 << 20
    assert 3 << 20 < size.archive < 4 << 20


def test_sockets_are_no_content(tmp_path: Path) -> None:
    """No archive can hold them."""
    top = plant(tmp_path / "home")
    before = digest(top)
    socket_in(top)
    os.utime(top, (OLD, OLD))
    assert digest(top) == before


def test_a_path_that_no_archive_could_bring_back_is_an_error(tmp_path: Path) -> None:
    """Said before there is a backup that cannot be restored."""
    top = tmp_path / "home"
    top.mkdir()
    here = os.open(top, os.O_RDONLY)
    for _ in range(200):
        os.mkdir("a folder with a name", dir_fd=here)
        inner = os.open("a folder with a name", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    with pytest.raises(OSError, match="File name too long"):
        measure(top)
    subprocess.run(["rm", "-r", top], check=True)
