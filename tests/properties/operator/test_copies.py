"""Whatever a home holds, its copy holds the same; and whatever happens on the way is noticed."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.trees import digest, packed
from swarmhub_operator.decide.copying import Outcome
from swarmhub_operator.decide.listing import Entry, Type, line
from swarmhub_operator.errand.failure import CopyError
from swarmhub_operator.errand.fill import fill
from swarmhub_operator.errand.report import Report

_NAMES = st.binary(min_size=1, max_size=20).filter(
    lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b"..")
)
_FILES = st.tuples(st.just("file"), st.binary(max_size=2000))
_LINKS = st.tuples(st.just("link"), _NAMES)
_SAME = st.tuples(st.just("same"), st.just(b""))
_LEAVES = st.one_of(_FILES, _LINKS, _SAME)
_TREES = st.recursive(
    st.dictionaries(_NAMES, _LEAVES, max_size=4),
    lambda inner: st.dictionaries(_NAMES, _LEAVES | inner, max_size=4),
    max_leaves=12,
)
_MODES = st.integers(0, 0o7777)
few = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _plant(folder: Path, tree: dict[bytes, object], mode: int, files: list[Path]) -> None:
    for name, what in tree.items():
        path = folder / os.fsdecode(name)
        match what:
            case dict():
                path.mkdir()
                _plant(path, what, mode, files)
            case ("link", bytes(target)):
                path.symlink_to(os.fsdecode(target))
            case ("same", _) if files:
                os.link(files[0], path)
            case (_, bytes(content)):
                path.write_bytes(content)
                os.chown(path, mode, mode // 2)
                path.chmod(mode)
                files.append(path)
        os.utime(path, (mode, mode), follow_symlinks=False)


@contextmanager
def _places(tree: dict[bytes, object], mode: int) -> Iterator[tuple[Path, Path]]:
    """Yield a home with this tree in it, and an empty volume."""
    with tempfile.TemporaryDirectory() as folder:
        home, volume = Path(folder, "home"), Path(folder, "volume")
        home.mkdir()
        volume.mkdir()
        _plant(home, tree, mode, [])
        yield home, volume


def _give(volume: Path, archive: bytes, size: int = 1000) -> Outcome:
    chunks = (archive[at : at + size] for at in range(0, len(archive), size))
    return fill(
        volume, chunks, Report(io.StringIO()), keep="old", trusted=True, verify=lambda _: None
    )


@few
@given(tree=_TREES, mode=_MODES, size=st.integers(1, 20_000))
def test_what_was_sent_and_received_has_the_same_digest(
    tree: dict[bytes, object], mode: int, size: int
) -> None:
    """Names of any bytes, any mode and owner, links of both kinds, in chunks of any size."""
    with _places(tree, mode) as (home, volume):
        outcome = _give(volume, packed(home), size)
        assert outcome.sealed
        assert outcome.digest == digest(volume) == digest(home)


@few
@given(tree=_TREES, mode=_MODES, part=st.floats(0, 1, exclude_max=True))
def test_a_truncated_stream_changes_nothing(
    tree: dict[bytes, object], mode: int, part: float
) -> None:
    """Nothing, or, if only padding is missing, everything."""
    with _places(tree, mode) as (home, volume):
        archive = packed(home)
        cut = archive[: int(len(archive) * part)]
        try:
            outcome = _give(volume, cut)
        except CopyError:
            assert not any(volume.iterdir())
        else:
            assert not archive[len(cut) : -512].strip(b"\0")
            assert (outcome.sealed, outcome.digest) == (False, digest(home))


@few
@given(tree=_TREES, mode=_MODES, at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_is_noticed(
    tree: dict[bytes, object], mode: int, at: float, bit: int
) -> None:
    """By the seal; where the seal itself is hit, the content is whole."""
    with _places(tree, mode) as (home, volume):
        archive = bytearray(packed(home))
        archive[int(len(archive) * at)] ^= 1 << bit
        try:
            outcome = _give(volume, bytes(archive))
        except CopyError:
            assert not any(volume.iterdir())
        else:
            assert int(len(archive) * at) >= len(archive) - 512
            assert (outcome.sealed, outcome.digest) == (False, digest(home))


_ENTRIES = st.builds(
    Entry,
    path=_NAMES,
    type=st.sampled_from(Type),
    mode=_MODES,
    uid=st.integers(0, 3),
    gid=st.integers(0, 3),
    mtime=st.integers(-3, 3),
    size=st.integers(0, 3),
    target=_NAMES | st.just(b""),
    first=_NAMES | st.just(b""),
    attributes=st.dictionaries(st.sampled_from(["user.a", "user.b"]), st.binary()),
)


@given(first=_ENTRIES, second=_ENTRIES)
def test_different_entries_have_different_lines(first: Entry, second: Entry) -> None:
    """So that no two different trees have one listing."""
    assert (line(first) == line(second)) == (first == second)
