"""Content errands as they run: two processes and a network between them."""

from __future__ import annotations

import http.client
import io
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.content_errands import TOKEN, errand
from support.ports import free_port
from support.trees import digest, packed, plant
from support.waiting import wait_for
from swarmhub_operator.errand import fetch as fetching
from swarmhub_operator.errand.failure import CopyError
from swarmhub_operator.errand.report import Report
from swarmhub_operator.errand.sender import Sender
from swarmhub_operator.errand.web import read_chunks
from swarmhub_operator.loop.content import ContentError, Peer


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


def halves(content: bytes, size: int = 50_000) -> Iterator[bytes]:
    """Yield content in chunks."""
    for at in range(0, len(content), size):
        yield content[at : at + size]


def nothing() -> None:
    """Do nothing."""


def test_a_home_moves(home: Path, volume: Path) -> None:
    """One gives, the other takes, compares, and lets the first one end."""
    with errand("send", home) as sender, errand("receive", volume, sender.url) as receiver:
        code, received = receiver.end()
        assert (code, received.error) == (0, "")
        code, sent = sender.end()
        assert code == 0
    assert received.digest == sent.digest == digest(volume) == digest(home)
    assert (received.entries, received.size) == (sent.entries, sent.size)


def test_a_receiver_waits_for_its_sender(home: Path, volume: Path) -> None:
    """Its address may be known before it listens."""
    with errand("send", home) as sender:
        os.kill(sender.process.pid, signal.SIGSTOP)
        with errand("receive", volume, sender.url) as receiver:
            with pytest.raises(TimeoutError):
                wait_for("what must not be", lambda: receiver.process.poll() is not None, 1)
            os.kill(sender.process.pid, signal.SIGCONT)
            assert receiver.end()[0] == 0
    assert digest(volume) == digest(home)


class Dying(Sender):
    """A sender whose node loses its power half-way."""

    def content(self) -> Iterator[bytes]:
        """Yield a part of the archive."""
        yield packed(self.volume)[:1_000_000]
        raise ConnectionError


def test_a_sender_that_dies_changes_nothing(home: Path, volume: Path) -> None:
    """The receiver says so, and leaves nothing behind."""
    (volume / "mine").write_text("old")
    address = ("127.0.0.1", free_port())
    sender = Dying(address, home, TOKEN, 20, Report(io.StringIO()))
    serving = threading.Thread(target=sender.run)
    serving.start()
    try:
        with errand("receive", volume, f"http://127.0.0.1:{address[1]}") as receiver:
            code, outcome = receiver.end()
    finally:
        sender.leave()
        serving.join(20)
    assert code == 1
    assert "broke off" in outcome.error
    assert [entry.name for entry in volume.iterdir()] == ["mine"]


def test_a_copy_that_differs_is_discarded(home: Path, volume: Path) -> None:
    """What changes while it is copied is no copy."""
    with errand("send", home) as sender:
        wait_for("its digest", sender.peer.digest)
        (home / "work" / "notes.txt").write_text("changed since")
        with errand("receive", volume, sender.url) as receiver:
            code, outcome = receiver.end()
    assert code == 1
    assert "differs" in outcome.error
    assert not any(volume.iterdir())


def test_a_receiver_without_a_sender_says_so(volume: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a bounded wait."""
    monkeypatch.setattr(fetching, "REACHED_WITHIN", 1.0)
    peer = Peer(f"http://127.0.0.1:{free_port()}", TOKEN)
    with pytest.raises(ContentError, match="does not answer"):
        fetching.fetch(volume, peer, Report(io.StringIO()), replace=False)
    assert not any(volume.iterdir())


def test_an_errand_that_is_told_to_stop_says_so(home: Path) -> None:
    """Its service was removed."""
    with errand("send", home) as sender:
        sender.process.terminate()
        code, outcome = sender.end()
    assert code == 1
    assert "told to stop" in outcome.error


def test_what_is_given_away_can_be_brought_back(home: Path, volume: Path) -> None:
    """A backup and its restore."""
    with errand("send", home) as sender:
        told = sender.peer.size()
        archive = b"".join(sender.peer.content())
        sender.peer.done()
        assert sender.end()[0] == 0
    assert abs(told["archive"] - len(archive)) < 100_000
    (volume / "mine").write_text("old")
    with errand("receive", volume, "--trusted") as receiver:
        assert receiver.peer.size() == {"entries": 1, "bytes": 3}
        outcome = receiver.peer.put(halves(archive), nothing)
        assert receiver.end() == (0, outcome)
    assert outcome.sealed
    assert (volume / outcome.kept / "mine").read_text() == "old"
    (volume / outcome.kept / "mine").unlink()
    (volume / outcome.kept).rmdir()
    os.utime(volume, ns=(0, home.stat().st_mtime_ns))
    assert digest(volume) == digest(home)


def test_a_refused_archive_is_explained(volume: Path) -> None:
    """With tar's own words."""
    with errand("receive", volume) as receiver:
        with pytest.raises(ContentError, match="refused"):
            receiver.peer.put(halves(os.urandom(30_000_000)), nothing)
        receiver.peer.done()
        code, outcome = receiver.end()
    assert code == 1
    assert "does not look like a tar archive" in outcome.error
    assert not any(volume.iterdir())


def test_an_errand_that_has_told_its_outcome_is_not_asked_again(
    volume: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends then, and an address without a container answers nothing for two minutes."""
    with errand("receive", volume) as receiver:
        peer = receiver.peer
        with pytest.raises(ContentError, match="refused"):
            peer.put([], nothing)
        monkeypatch.setattr("http.client.HTTPConnection.connect", _nobody_should)
        known = peer.outcome()
        assert known is not None
        assert "refused" in known.error
        peer.done()


def _nobody_should(_: http.client.HTTPConnection) -> None:
    raise AssertionError("It was asked once more.")


def test_an_address_that_answers_nothing_is_given_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though an answer may take its time."""
    monkeypatch.setattr("swarmhub_operator.loop.content.CONNECTED_WITHIN", 0.2)
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for one in (first, second):  # the kernel lets further ones wait without a word
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        began = time.monotonic()
        with pytest.raises(ContentError, match="does not answer"):
            Peer(f"http://127.0.0.1:{full.getsockname()[1]}", TOKEN, 60).outcome()
    assert time.monotonic() - began < 30


def test_a_volume_that_cannot_be_filled_is_explained(volume: Path) -> None:
    """Although that shows long before the archive's end, and the connection is closed then."""
    with errand("receive", volume / "nowhere") as receiver:
        with pytest.raises(ContentError, match="No such file"):
            receiver.peer.put(halves(os.urandom(30_000_000)), nothing)
        receiver.peer.done()
        assert receiver.end()[0] == 1


def test_an_archive_that_is_not_brought_to_its_end_changes_nothing(
    home: Path, volume: Path
) -> None:
    """The one who brought it was stopped, or failed to read it."""

    class StoppedError(Exception):
        """Ctrl-C."""

    def source() -> Iterator[bytes]:
        yield packed(home)[:100_000]
        raise StoppedError

    with errand("receive", volume) as receiver:
        with pytest.raises(StoppedError):
            receiver.peer.put(source(), nothing)
        told = wait_for("the failure to be noticed", receiver.peer.outcome)
        receiver.peer.done()
        assert receiver.end()[0] == 1
    assert told is not None
    assert "broke off" in told.error
    assert not any(volume.iterdir())


def test_what_was_brought_as_a_whole_is_taken_though_its_bringer_has_gone(
    home: Path, volume: Path
) -> None:
    """And the errand says how it went."""
    with errand("receive", volume, "--trusted") as receiver:
        connection = http.client.HTTPConnection(receiver.url.removeprefix("http://"), timeout=20)
        headers = {"Authorization": f"Bearer {TOKEN}", "Transfer-Encoding": "chunked"}
        chunks = halves(packed(home))
        connection.request("PUT", "/content", chunks, headers, encode_chunked=True)
        connection.close()
        code, outcome = receiver.end()
    assert (code, outcome.error) == (0, "")
    assert digest(volume) == digest(home) == outcome.digest


def test_one_archive_is_taken(home: Path, volume: Path) -> None:
    """The receiver ends with the first."""
    with errand("receive", volume) as receiver:
        receiver.peer.put(halves(packed(home)), nothing)
        receiver.end()
        with pytest.raises(ContentError):
            receiver.peer.put(halves(packed(home)), nothing)


@pytest.mark.parametrize("kind", ["send", "receive"])
def test_nobody_is_answered_without_the_token(home: Path, kind: str) -> None:
    """Notebooks are on the same network."""
    with errand(kind, home) as running:
        stranger = Peer(running.url, "guess", 5)
        for ask in (stranger.size, stranger.digest, stranger.outcome):
            with pytest.raises(ContentError, match="token"):
                ask()
        with pytest.raises(ContentError, match="token"):
            list(stranger.content())
        stranger.done()
        assert running.process.poll() is None
        connection = http.client.HTTPConnection(running.url.removeprefix("http://"), timeout=5)
        connection.request("GET", "/size", headers={"Authorization": f"bearer {TOKEN}"})
        assert connection.getresponse().status == 403
        connection.close()


@pytest.mark.parametrize("kind", ["send", "receive"])
def test_an_errand_that_nobody_asks_ends(home: Path, kind: str) -> None:
    """Its asker may have died."""
    with errand(kind, home, idle=1) as running:
        code, outcome = running.end()
    assert code == 1
    assert "within 1 s" in outcome.error


def test_the_digest_is_an_errand_of_its_own(home: Path) -> None:
    """To look at a copy later."""
    with errand("digest", home) as running:
        code, outcome = running.end()
    assert code == 0
    assert outcome.digest == digest(home)


def test_what_cannot_be_read_is_said(home: Path, tmp_path: Path) -> None:
    """In one sentence."""
    with errand("digest", tmp_path / "nowhere") as running:
        code, outcome = running.end()
    assert code == 1
    assert outcome.error.startswith("The volume cannot be used: No such file or directory")


@pytest.mark.parametrize(
    "raw", [b"", b"5\r\nabc", b"zz\r\n", b"3\r\nabc\r\n", b"3\r\nabc\r\n2\r\n", b"-3\r\nabc\r\n"]
)
def test_a_body_without_an_end_is_noticed(raw: bytes) -> None:
    """Whatever is missing of it."""
    with pytest.raises(CopyError, match="broke off"):
        list(read_chunks(io.BufferedReader(io.BytesIO(raw))))


def test_a_body_in_chunks_is_read() -> None:
    """As HTTP has it, with all its ornaments."""
    raw = b"3;name=value\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nrest"
    stream = io.BufferedReader(io.BytesIO(raw))
    assert b"".join(read_chunks(stream)) == b"abc0123456789"
    assert stream.read() == b"rest"
