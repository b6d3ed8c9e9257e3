"""Exchanges the content of a volume for another that is complete, so that no crash loses either.

All that is not finished lies in one folder of the volume, root's alone:

    .swarmhub-incoming-XXXX/    made by `stage`
        new/                    the new content, in the making
        top/                    empty, with the owner, rights and times that the volume is to have
        ready                   written when it is complete and verified: from here on only forward
        old/                    what was there before; all of it once `emptied` is written
        emptied                 from here on the new content moves up

A run that finds `ready` finishes what another began; one that finds a folder without it removes it.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from swarmhub_operator.errand.failure import CopyError

_NAME = re.compile(r"\.swarmhub-incoming-[0-9a-f]{16}")
_WITHIN = 3600  # seconds; a great home takes long to remove, and to write to its disk


@dataclass(frozen=True, slots=True)
class Staging:
    """The folder in which the volume's next content is made ready."""

    volume: Path
    folder: Path

    @property
    def new(self) -> Path:
        """Where the next content is to be written."""
        return self.folder / "new"

    @property
    def ready(self) -> bool:
        """Whether the content is to be exchanged, come what may."""
        return (self.folder / "ready").exists()

    def discard(self) -> None:
        """Remove the folder, however deep."""
        _run("rm", "--recursive", "--force", "--one-file-system", "--", str(self.folder))

    def exchange(self, keep: str) -> str:
        """Put the new content in the place of the old.

        Args:
            keep: name of the folder into which the old one goes, if there is any; "": it is
                removed.

        Returns:
            The name of that folder; "" if nothing was there, or it is removed.

        Raises:
            OSError: it stopped half-way; all is there, and `settle` goes on.
        """
        (self.folder / "old").mkdir(mode=0o700)
        (self.folder / "top").mkdir(mode=0o700)
        _like(self.new, self.folder / "top")
        _sync(self.folder)
        self._write("ready", {"keep": keep})
        return self.finish()

    def finish(self) -> str:
        """Go on with an exchange, from wherever it stopped. Returns and raises as `exchange`."""
        keep = str(json.loads((self.folder / "ready").read_text())["keep"])
        if not (self.folder / "emptied").exists():
            self._empty()
            self._write("emptied", {})
        if self.new.exists():
            for entry in sorted(self.new.iterdir()):
                self._move_up(entry)
            self.new.rmdir()
        kept = self._keep(keep)
        times = (self.folder / "top").stat()
        _like(self.folder / "top", self.volume)
        _sync(self.volume)
        (self.folder / "ready").unlink()  # first: without `emptied` it would begin anew
        _sync(self.volume)
        self.discard()
        os.utime(self.volume, ns=(times.st_atime_ns, times.st_mtime_ns))
        return kept

    def _empty(self) -> None:
        old = self.folder / "old"
        ours = {staging.folder for staging in unfinished(self.volume)}
        for entry in sorted(set(self.volume.iterdir()) - ours):
            entry.rename(_free(old / entry.name))
        _like(self.volume, old)

    def _move_up(self, entry: Path) -> None:
        target = self.volume / entry.name
        if os.path.lexists(target):  # made since, by a server that was started half-way
            target.rename(_free(self.folder / "old" / entry.name))
        entry.rename(target)

    def _keep(self, name: str) -> str:
        old = self.folder / "old"
        if not name or not old.exists() or not any(old.iterdir()):
            return ""
        kept = _free(self.volume / name)
        old.rename(kept)
        return kept.name

    def _write(self, name: str, content: object) -> None:
        part = self.folder / f"{name}.part"
        with part.open("w") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        part.rename(self.folder / name)
        _sync(self.folder)


def stage(volume: Path) -> Staging:
    """Make a folder for the volume's next content."""
    staging = Staging(volume, volume / f".swarmhub-incoming-{secrets.token_hex(8)}")
    staging.folder.mkdir(mode=0o700)
    staging.new.mkdir(mode=0o700)
    return staging


def unfinished(volume: Path) -> list[Staging]:
    """Return what earlier runs have left; a user's own folder of that name is none."""
    found = [entry for entry in sorted(volume.iterdir()) if _NAME.fullmatch(entry.name)]
    return [Staging(volume, folder) for folder in found if _is_ours(folder.lstat())]


def _is_ours(info: os.stat_result) -> bool:
    private = stat.S_ISDIR(info.st_mode) and stat.S_IMODE(info.st_mode) == stat.S_IRWXU
    return private and info.st_uid == os.geteuid()


def left_out(volume: Path) -> list[bytes]:
    """Return the entries of the volume that are no content, because a run left them unfinished.

    Raises:
        CopyError: the content is half exchanged.
    """
    found = unfinished(volume)
    if any(staging.ready for staging in found):
        raise CopyError(
            "An earlier restore of this home stopped half-way; nothing is lost, and "
            "`swarmhub homes restore` once more finishes it."
        )
    return [os.fsencode(staging.folder.name) for staging in found]


def settle(volume: Path) -> None:
    """Finish the exchanges that earlier runs began, and remove what was never ready.

    Raises:
        OSError: it cannot be done.
    """
    for staging in unfinished(volume):
        if staging.ready:
            staging.finish()
        else:
            staging.discard()


def _free(path: Path) -> Path:
    """Return `path`, or where something has it already, another name beside it."""
    free, number = path, 1
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


def _like(source: Path, target: Path) -> None:
    """Give a folder the owner, rights, attributes and times of another."""
    info = source.stat()
    os.chown(target, info.st_uid, info.st_gid)
    shutil.copystat(source, target)


def _sync(path: Path) -> None:
    """See to it that what is written survives a loss of power."""
    _run("sync", "--file-system", str(path))


def _run(*command: str) -> None:
    pipe = subprocess.PIPE
    done = subprocess.run(command, check=False, stderr=pipe, timeout=_WITHIN)  # noqa: S603
    if done.returncode:
        raise CopyError(
            f"The volume cannot be used ({done.stderr.decode(errors='replace')[:300]})."
        )
