"""Filling a volume from an archive: all of it or nothing, and what was there is kept."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.trees import OLD, digest, packed, plant, socket_in
from swarmhub_operator.decide.copying import Outcome
from swarmhub_operator.errand import staging as stagings
from swarmhub_operator.errand.failure import CopyError
from swarmhub_operator.errand.fill import fill
from swarmhub_operator.errand.report import Report
from swarmhub_operator.errand.staging import settle, stage, unfinished
from swarmhub_operator.errand.tree import LONGEST

KEPT = ".swarmhub-before-restore-20260101T000000Z"


def give(
    volume: Path, archive: bytes, *, keep: str = KEPT, trusted: bool = True, size: int = 10_000
) -> Outcome:
    """Fill a volume with an archive that comes in chunks."""
    chunks = (archive[i : i + size] for i in range(0, len(archive), size))
    return fill(
        volume,
        chunks,
        Report(io.StringIO()),
        keep=keep,
        trusted=trusted,
        verify=lambda _: None,
    )


def names(folder: Path) -> set[str]:
    """Return what is in a folder."""
    return {entry.name for entry in folder.iterdir()}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with everything in it."""
    return plant(tmp_path / "home")


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """Return an empty volume."""
    made = tmp_path / "volume"
    made.mkdir()
    return made


def test_an_empty_volume_gets_everything(home: Path, volume: Path) -> None:
    """Down to owners, times, holes, attributes, and files with two names."""
    outcome = give(volume, packed(home))
    assert digest(volume) == digest(home) == outcome.digest
    assert outcome.sealed
    assert not outcome.kept
    assert (volume / "sparse").stat().st_blocks * 512 < 1 << 20
    assert (volume / "work" / "notes.txt").stat().st_mtime_ns % 10**9 == 123_456_789


def test_the_longest_path_is_no_trouble(home: Path, volume: Path) -> None:
    """Longer ones are refused before."""
    names = ["a folder" * 20] * (LONGEST // 161)
    here = os.open(home, os.O_RDONLY)
    for name in names:
        os.mkdir(name, dir_fd=here)
        inner = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    give(volume, packed(home))
    assert digest(volume) == digest(home)


def test_sockets_are_left_out(home: Path, volume: Path) -> None:
    """They are nothing without their program."""
    socket_in(home)
    give(volume, packed(home))
    assert not (volume / "socket").exists()
    assert digest(volume) == digest(home)


def test_what_was_there_is_set_aside(home: Path, volume: Path) -> None:
    """All of it, as it was, in a folder of its owner's."""
    (volume / "work").mkdir()
    (volume / "work" / "mine").write_text("old")
    os.chown(volume, 1000, 100)
    volume.chmod(0o710)
    os.utime(volume, (OLD, OLD))
    before = digest(volume)
    assert give(volume, packed(home)).kept == KEPT
    kept = volume / KEPT
    os.utime(kept, (OLD, OLD))
    assert digest(kept) == before
    assert names(volume) == {*names(home), KEPT}
    (kept / "work" / "mine").unlink()
    (kept / "work").rmdir()
    kept.rmdir()
    os.utime(volume, (OLD, OLD))
    assert digest(volume) == digest(home)


def test_what_was_there_goes_if_that_is_wanted(home: Path, volume: Path) -> None:
    """Only the new content is left."""
    (volume / "mine").write_text("old")
    assert not give(volume, packed(home), keep="").kept
    assert digest(volume) == digest(home)


def test_twice_is_no_trouble(home: Path, volume: Path) -> None:
    """The first restore's folder of old things is kept with all else, even under the same name."""
    (volume / "mine").write_text("old")
    give(volume, packed(home))
    give(volume, packed(home))
    assert (volume / KEPT / KEPT / "mine").read_text() == "old"


@pytest.mark.parametrize("part", [0, 100, 512, 5_000, 0.1, 0.5, 0.99])
def test_a_truncated_archive_changes_nothing(home: Path, volume: Path, part: float) -> None:
    """Wherever it breaks off."""
    (volume / "mine").write_text("old")
    archive = packed(home)
    at = part if isinstance(part, int) else int(len(archive) * part)
    with pytest.raises(CopyError):
        give(volume, archive[:at])
    assert names(volume) == {"mine"}
    assert (volume / "mine").read_text() == "old"


def test_an_archive_that_ends_between_two_members_is_noticed(volume: Path) -> None:
    """To tar that looks like an end."""
    with pytest.raises(CopyError, match="breaks off"):
        give(volume, plain([_file("a"), _file("b")])[:1024])


def test_a_broken_connection_changes_nothing(home: Path, volume: Path) -> None:
    """What the source raises is passed on."""

    def source() -> Iterator[bytes]:
        yield packed(home)[:100_000]
        raise CopyError("The archive broke off on its way; try again.")

    with pytest.raises(CopyError, match="on its way"):
        fill(
            volume,
            source(),
            Report(io.StringIO()),
            keep=KEPT,
            trusted=True,
            verify=lambda _: None,
        )
    assert not names(volume)


def test_damaged_content_is_noticed(home: Path, volume: Path) -> None:
    """Tar alone would not see it."""
    archive = bytearray(packed(home))
    archive[archive.index(b"hello")] ^= 1
    with pytest.raises(CopyError, match="damaged"):
        give(volume, bytes(archive))
    assert not names(volume)


def test_a_plain_archive_is_taken_and_said_to_have_no_seal(volume: Path) -> None:
    """An administrator may have made it with tar."""
    outcome = give(volume, plain([_file("a")]), trusted=False)
    assert not outcome.sealed
    assert outcome.entries == 1
    assert (volume / "a").read_bytes() == b"x"


def _file(name: str, size: int = 1, **values: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    for key, value in values.items():
        setattr(info, key, value)
    return info


def plain(members: list[tarfile.TarInfo]) -> bytes:
    """Return an archive without seal."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size))
    return made.getvalue()


def _link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    return _file(name, size=0, type=kind, linkname=target)


HOSTILE: dict[str, Callable[[Path], list[tarfile.TarInfo]]] = {
    "absolute": lambda outside: [_file(f"{outside}/evil")],
    "up": lambda _: [_file("../evil")],
    "down and up": lambda _: [_file("a/../../evil")],
    "through an absolute link": lambda outside: [_link("l", str(outside)), _file("l/evil")],
    "through a link up": lambda _: [_link("l", ".."), _file("l/evil")],
    "through a link further up": lambda _: [_link("l", "../../.."), _file("l/evil")],
    "through two links": lambda _: [_link("a", "."), _link("a/b", ".."), _file("b/evil")],
    "a folder that was a link": lambda outside: [
        _link("l", str(outside)),
        _file("l", size=0, type=tarfile.DIRTYPE),
        _file("l/../evil"),
    ],
    "another name of a file outside": lambda outside: [
        _link("h", f"{outside}/precious", tarfile.LNKTYPE)
    ],
    "another name up": lambda _: [_link("h", "../../precious", tarfile.LNKTYPE)],
    "a device": lambda _: [_file("d", size=0, type=tarfile.BLKTYPE, devmajor=8)],
    "a program with root's rights": lambda _: [_file("su", mode=0o4755)],
    "a program with a group's rights": lambda _: [_file("su", mode=0o2755)],
}


@pytest.mark.parametrize("attack", HOSTILE)
def test_a_hostile_archive_is_refused(tmp_path: Path, volume: Path, attack: str) -> None:
    """Nothing is written outside, and nothing of it stays inside."""
    (tmp_path / "precious").write_text("precious")
    (volume / "mine").write_text("old")
    with pytest.raises(CopyError):
        give(volume, plain(HOSTILE[attack](tmp_path)), trusted=False)
    assert names(tmp_path) == {"precious", "volume"}
    assert (tmp_path / "precious").stat().st_nlink == 1
    assert names(volume) == {"mine"}


def test_what_is_no_archive_is_refused(volume: Path) -> None:
    """With tar's own words."""
    with pytest.raises(CopyError, match="does not look like a tar archive"):
        give(volume, os.urandom(20_000))


class Crashed(BaseException):
    """The machine has lost its power."""


@pytest.mark.parametrize("keep", [KEPT, ""])
def test_a_crash_loses_neither_the_old_nor_the_new(
    tmp_path: Path, keep: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before each single step of the exchange: the next run goes on, and nothing is gone."""
    home = plant(tmp_path / "home")
    archive, new = packed(home), _content(home)
    seen, at, done = set(), 0, False
    while not done:
        volume = tmp_path / f"volume-{at}"
        for name in ("mine", "work", "a"):
            (volume / name).mkdir(parents=True)
            (volume / name / "old").write_text(name)
        old = _content(volume)
        with monkeypatch.context() as patched:
            done = _crash_at(at, patched, volume, archive, keep)
        settle(volume)
        content = _content(volume)
        aside = _content(volume / KEPT) if content.pop(KEPT, None) else {}
        assert not unfinished(volume)
        assert (content, aside) in ((old, {}), (new, old if keep else {}))
        assert content == new or not done
        seen.add(content == new)
        at += 1
    assert seen == {True, False}
    assert at > 20


def _content(folder: Path) -> dict[str, str]:
    """Return the entries of a folder, with a digest of each folder."""
    return {
        e.name: digest(e) if e.is_dir() else str(e.lstat().st_mtime_ns) for e in folder.iterdir()
    }


def _crash_at(
    step: int, patched: pytest.MonkeyPatch, volume: Path, archive: bytes, keep: str
) -> bool:
    """Fill a volume but for what comes after so many steps; tell whether it was done."""
    left = [step]

    def before(real: Callable[..., object]) -> Callable[..., object]:
        def counted(*args: object, **more: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                raise Crashed
            return real(*args, **more)

        return counted

    for name in ("rename", "mkdir", "unlink", "rmdir"):
        patched.setattr(Path, name, before(getattr(Path, name)))
    patched.setattr(stagings, "_run", before(stagings._run))
    patched.setattr(stagings, "_like", before(stagings._like))
    try:
        give(volume, archive, keep=keep)
    except Crashed:
        return False
    return True


def test_what_was_made_in_a_half_exchanged_home_is_kept(home: Path, volume: Path) -> None:
    """A server was started although the exchange had stopped half-way."""
    staging = stage(volume)
    (staging.new / "work").mkdir()
    (staging.folder / "old").mkdir()
    (staging.folder / "top").mkdir()
    (staging.folder / "ready").write_text('{"keep": "kept"}')
    (staging.folder / "emptied").write_text("{}")
    (volume / "work").write_text("made since")
    settle(volume)
    assert (volume / "work").is_dir()
    assert (volume / "kept" / "work").read_text() == "made since"


def test_a_half_exchanged_home_is_not_given_away(home: Path) -> None:
    """It would be half of each."""
    staging = stage(home)
    (staging.folder / "ready").write_text("{}")
    with pytest.raises(CopyError, match="half-way"):
        packed(home)


def test_an_unfinished_copy_is_no_content(home: Path, volume: Path) -> None:
    """And a user's own folder of such a name is."""
    before = digest(home)
    (stage(home).new / "half").write_text("half")
    own = home / ".swarmhub-incoming-0123456789abcdef"
    own.mkdir(mode=0o755)
    os.utime(home, (OLD, OLD))
    give(volume, packed(home))
    assert names(volume) - names(home) == set()
    assert (volume / own.name).is_dir()
    assert len(names(home) - names(volume)) == 1
    assert digest(volume) != before
