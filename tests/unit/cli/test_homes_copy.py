"""`swarmhub homes backup` and `restore` with real errands on a Swarm in memory."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from support.content_site import ContentSwarm
from support.trees import digest, packed, plant
from support.waiting import wait_for
from swarmhub_crds.home import Home, HomePhase
from swarmhub_crds.notebook import Desired, Notebook, NotebookStatus, Phase
from swarmhub_operator.cli.app import app
from swarmhub_operator.decide import copying
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observed import Node
from typer.testing import CliRunner, Result
from unit.cli.samples import State
from unit.operator.fakeswarm import NETWORK, NODE

Homes = Callable[..., Result]
DOWN = Node("n2", "host-n2", "worker", "active", "down", 4.0, 2**30)


@pytest.fixture
def swarm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ContentSwarm]:
    """A Swarm whose volumes are folders."""
    (tmp_path / "volumes").mkdir()
    made = ContentSwarm(tmp_path / "volumes")
    monkeypatch.setattr("swarmhub_operator.engine.docker_engine.DockerEngine", lambda _: made)
    monkeypatch.setattr(copying, "url", made.url)
    yield made
    made.end()


@pytest.fixture
def homes(state: State, swarm: ContentSwarm) -> Homes:
    """Run `swarmhub homes`."""

    def run(*words: str, given: bytes = b"", **more: str) -> Result:
        environment = {
            "SWARMHUB_STATE_URL": state.store.url,
            "SWARMHUB_NETWORK": NETWORK,
            "SWARMHUB_ERRAND_IMAGE": "operator:1",
            **more,
        }
        return CliRunner().invoke(app, ["homes", *words], input=given, env=environment)

    return run


def stopped(state: State, node: str | None = "n1", **values: object) -> Home:
    """Write down ada's notebook, which is stopped, and her home, which lies on a node."""
    state.notebook("ada", desired=Desired.STOPPED)
    return bound(state, node, **values)


def bound(state: State, node: str | None = "n1", **values: object) -> Home:
    """Bind ada's home to a node."""
    home = state.store.get_home("home-ada")
    assert isinstance(home, Home)
    phase = HomePhase.BOUND if node else HomePhase.PENDING
    given = {"phase": phase, "node_id": node, "node": node and f"host-{node}", **values}
    status = home.status.model_copy(update=given)
    meta = home.metadata
    written = state.store.put_home_status(
        meta.name, meta.uid, meta.resource_version, status, fence=state.lease.token
    )
    assert isinstance(written, Home)
    return written


def orders(state: State) -> tuple[str, datetime | None]:
    """Return for what and until when ada's home is held."""
    home = state.store.get_home("home-ada")
    assert isinstance(home, Home)
    return home.spec.orders.held_for, home.spec.orders.held_until


def test_a_home_goes_out_and_comes_back(state: State, swarm: ContentSwarm, homes: Homes) -> None:
    """Byte for byte, and nothing of it is left in the Swarm."""
    stopped(state)
    volume = plant(swarm.root / "home-ada")
    before = digest(volume)
    out = homes("backup", "ada")
    assert out.exit_code == 0, out.stderr
    assert f"sha256 of the archive {sha256(out.stdout_bytes).hexdigest()}" in out.stderr
    assert "home-ada on host-n1: " in out.stderr
    assert swarm.left() == []
    (volume / "large").unlink()
    back = homes("restore", "ada", "--yes", "--replace", "--trusted", given=out.stdout_bytes)
    assert back.exit_code == 0, back.stderr
    assert "which will be removed" in back.stderr
    assert digest(volume) == before
    assert swarm.left() == []
    assert orders(state) == ("", None)


def test_what_was_there_is_set_aside(state: State, swarm: ContentSwarm, homes: Homes) -> None:
    """And is said to be."""
    stopped(state)
    archive = packed(plant(swarm.root / "other"))
    (swarm.root / "home-ada").mkdir()
    (swarm.root / "home-ada" / "mine").write_text("old")
    result = homes("restore", "home-ada", "--yes", "--trusted", given=archive)
    assert result.exit_code == 0, result.stderr
    assert "home-ada on host-n1 holds 1 entries with 3 bytes, which will be set aside" in (
        result.stderr
    )
    kept = next((swarm.root / "home-ada").glob(".swarmhub-before-restore-*"))
    assert kept.name in result.stderr
    assert (kept / "mine").read_text() == "old"


def test_files_do_as_well(state: State, swarm: ContentSwarm, homes: Homes, tmp_path: Path) -> None:
    """A new one for a backup; and a person is asked before a restore."""
    stopped(state)
    volume = plant(swarm.root / "home-ada")
    file = tmp_path / "ada.tar"
    assert homes("backup", "ada", str(file)).exit_code == 0
    assert file.stat().st_size > 3 << 20
    again = homes("backup", "ada", str(file))
    assert again.exit_code == 1
    assert "File exists" in again.stderr
    before = digest(volume)
    declined = homes("restore", "ada", str(file), given=b"n\n")
    assert (declined.exit_code, digest(volume)) == (1, before)
    assert orders(state) == ("", None)
    agreed = homes("restore", "ada", str(file), "--trusted", given=b"y\n")
    assert agreed.exit_code == 0, agreed.stderr
    assert swarm.left() == []


def test_a_damaged_archive_changes_nothing(state: State, swarm: ContentSwarm, homes: Homes) -> None:
    """The sentence is the errand's own."""
    stopped(state)
    volume = plant(swarm.root / "home-ada")
    before, archive = digest(volume), bytearray(packed(volume))
    archive[archive.index(b"hello")] ^= 1
    result = homes("restore", "ada", "--yes", given=bytes(archive))
    assert result.exit_code == 1
    assert "its checksum is another" in result.stderr
    stat = volume.stat()
    os.utime(volume, (1_000_000_000, 1_000_000_000))
    assert digest(volume) == before, stat
    assert swarm.left() == []
    assert orders(state) == ("", None)


def test_a_file_that_does_not_become_whole_is_removed(
    state: State, swarm: ContentSwarm, homes: Homes, tmp_path: Path
) -> None:
    """Nobody is to take it for a backup."""
    stopped(state)
    (swarm.root / "home-ada").mkdir()
    result = homes("backup", "ada", str(tmp_path / "ada.tar"))
    assert result.exit_code == 1
    assert "The home home-ada is empty" in result.stderr
    assert not (tmp_path / "ada.tar").exists()


def test_a_volume_that_has_gone_is_not_made_for_its_backup(
    state: State, swarm: ContentSwarm, homes: Homes
) -> None:
    """It would pass for the home, and hide the loss."""
    stopped(state)
    result = homes("backup", "ada")
    assert (result.exit_code, result.stdout_bytes) == (1, b"")
    assert "The home home-ada is not on host-n1" in result.stderr
    assert not (swarm.root / "home-ada").exists()
    assert swarm.left() == []


def _run(state: State) -> None:
    state.notebook("ada", desired=Desired.RUNNING)


def _stopping(state: State) -> None:
    record = state.notebook("ada", desired=Desired.STOPPED)
    assert isinstance(record, Notebook)
    meta = record.metadata
    state.store.put_notebook_status(
        meta.name,
        meta.uid,
        meta.resource_version,
        NotebookStatus(phase=Phase.STOPPING, service_id="s1"),
        fence=state.lease.token,
    )


@pytest.mark.parametrize("situation", [_run, _stopping])
def test_a_home_in_use_is_not_restored_but_copied(
    state: State, swarm: ContentSwarm, homes: Homes, situation: Callable[[State], None]
) -> None:
    """Whoever writes into it would lose what he writes; a backup says that files may change."""
    situation(state)
    bound(state)
    archive = packed(plant(swarm.root / "home-ada"))
    result = homes("restore", "ada", "--yes", given=archive)
    assert result.exit_code == 1
    assert "is in use by ada; stop the server" in result.stderr
    assert swarm.calls["create_service"] == 0
    assert orders(state) == ("", None)
    copied = homes("backup", "ada")
    assert copied.exit_code == 0, copied.stderr
    assert "ada may be changing the home meanwhile" in copied.stderr


def test_a_home_that_is_held_is_left_alone(state: State, swarm: ContentSwarm, homes: Homes) -> None:
    """By another restore, which goes on."""
    stopped(state)
    until = datetime.now(UTC) + timedelta(seconds=60)
    state.store.order_home("home-ada", held_for="restored", held_until=until)
    result = homes("restore", "ada", "--yes", given=b"x")
    assert result.exit_code == 1
    assert "is being restored; try again" in result.stderr
    assert orders(state) == ("restored", until)


def test_the_home_is_held_while_it_is_restored(
    state: State, swarm: ContentSwarm, homes: Homes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than one hold lasts."""
    stopped(state)
    monkeypatch.setattr("swarmhub_operator.cli.holding.RENEWED", 0.05)
    seen = set()

    def note(call: str) -> None:
        if call == "errand_tasks":
            seen.add(orders(state))

    swarm.before = note
    archive = packed(plant(swarm.root / "other"))
    assert homes("restore", "ada", "--yes", "--trusted", given=archive).exit_code == 0
    assert {what for what, _ in seen} == {"restored"}
    assert len(seen) > 1


@pytest.mark.parametrize(
    ("node", "values", "sentence"),
    [
        (None, {}, "has no volume yet"),
        ("n2", {}, "lies on the node host-n2, which is down; try again"),
        ("n3", {}, "lies on the node host-n3, which has left the Swarm"),
        ("n1", {"phase": HomePhase.LOST, "message": "It is gone."}, "is lost: It is gone."),
        ("n1", {"phase": HomePhase.MOVING}, "is moving; try again"),
    ],
)
@pytest.mark.parametrize("verb", ["backup", "restore"])
def test_a_home_out_of_reach_is_explained(
    state: State,
    swarm: ContentSwarm,
    homes: Homes,
    verb: str,
    node: str | None,
    values: dict[str, object],
    sentence: str,
) -> None:
    """In one sentence, with nothing sent anywhere."""
    swarm.nodes_seen = (NODE, DOWN)
    stopped(state, node, **values)
    words = [verb, "ada"] + (["--yes"] if verb == "restore" else [])
    result = homes(*words, given=b"x")
    assert result.exit_code == 1
    assert sentence in result.stderr
    assert swarm.calls["create_service"] == 0


def test_what_a_command_that_died_has_left_is_removed(
    state: State, swarm: ContentSwarm, homes: Homes
) -> None:
    """Its errand has ended by itself; one that is alive is respected."""
    stopped(state)
    plant(swarm.root / "home-ada")
    swarm.before = _refuse_removals
    first = homes("backup", "ada")
    assert first.exit_code == 0
    assert "is left behind" in first.stderr
    assert len(swarm.left()) == 2
    swarm.before = lambda _: None
    wait_for("its end", lambda: all(p.poll() is not None for p in swarm.processes.values()))
    assert homes("backup", "ada").exit_code == 0
    assert swarm.left() == []


def _refuse_removals(call: str) -> None:
    if call.startswith("remove"):
        raise EngineError(Kind.UNAVAILABLE, "The engine cannot be reached.")


def test_two_at_once_are_refused(state: State, swarm: ContentSwarm, homes: Homes) -> None:
    """The second one says so, and leaves the first alone."""
    stopped(state)
    plant(swarm.root / "home-ada")
    second: list[Result] = []

    def during(call: str) -> None:
        if call == "errand_tasks" and not second and threading.current_thread().name != "x":
            second.append(None)  # type: ignore[arg-type]  # not again in here
            second[0] = homes("backup", "ada")

    swarm.before = during
    first = homes("backup", "ada")
    assert first.exit_code == 0, first.stderr
    assert second[0].exit_code == 1
    assert "The same is being done for this home already" in second[0].stderr
    assert swarm.left() == []


def test_an_errand_that_fails_is_explained(
    state: State, swarm: ContentSwarm, homes: Homes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its own words."""
    stopped(state)
    (swarm.root / "home-ada").mkdir()
    monkeypatch.setattr("secrets.token_urlsafe", lambda _: " ")
    result = homes("backup", "ada")
    assert result.exit_code == 1
    assert "The token is empty." in result.stderr
    assert swarm.left() == []


@pytest.mark.parametrize("call", ["create_secret", "create_service", "errand_tasks"])
@pytest.mark.parametrize("verb", ["backup", "restore"])
def test_whoever_is_stopped_leaves_nothing_behind(
    state: State, swarm: ContentSwarm, homes: Homes, verb: str, call: str
) -> None:
    """Ctrl-C and SIGTERM, wherever it stands."""
    stopped(state)
    before = digest(plant(swarm.root / "home-ada"))

    def stop(at: str) -> None:
        if at == call:
            swarm.before = lambda _: None
            os.kill(os.getpid(), signal.SIGTERM)

    swarm.before = stop
    words = [verb, "ada"] + (["--yes"] if verb == "restore" else [])
    result = homes(*words, given=packed(swarm.root / "home-ada"))
    assert result.exit_code not in (0, 2)
    assert swarm.left() == []
    assert orders(state) == ("", None)
    assert digest(swarm.root / "home-ada") == before
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_lines_tell_the_progress_to_a_log(
    state: State, swarm: ContentSwarm, homes: Homes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no terminal is."""
    monkeypatch.setattr("swarmhub_operator.cli.meter.LINE_EVERY", 0.0)
    stopped(state)
    plant(swarm.root / "home-ada")
    assert "swarmhub: home-ada: 3.2 MB of about 3.2 MB" in homes("backup", "ada").stderr


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("restore", "ada"), "nobody can be asked; add --yes"),
        (("restore", "bob", "--yes"), "There is no home 'bob'"),
        (("backup", "bob"), "There is no home 'bob'"),
        (("restore", "ada", "/nowhere/ada.tar"), "No such file"),
        (("backup", "ada", "/nowhere/ada.tar"), "No such file"),
    ],
)
def test_wrong_words_are_explained(
    state: State, swarm: ContentSwarm, homes: Homes, words: tuple[str, ...], sentence: str
) -> None:
    """With nothing left behind."""
    stopped(state)
    (swarm.root / "home-ada").mkdir()
    result = homes(*words, given=b"x")
    assert result.exit_code in (1, 2)
    assert sentence in " ".join(result.stderr.split())
    assert swarm.left() == []


def test_without_an_image_nothing_can_be_sent(
    state: State, swarm: ContentSwarm, homes: Homes
) -> None:
    """The next step is said."""
    stopped(state)
    result = homes("backup", "ada", SWARMHUB_ERRAND_IMAGE="")
    assert result.exit_code == 1
    assert "SWARMHUB_ERRAND_IMAGE" in result.stderr


def test_a_bar_is_drawn_for_a_terminal(state: State, swarm: ContentSwarm, homes: Homes) -> None:
    """At the other end of a pipe, too, if its width is told; no colour if that is unwanted."""
    stopped(state)
    plant(swarm.root / "home-ada")
    drawn = homes("backup", "ada", SWARMHUB_COLUMNS="80", TERM="xterm")
    assert "home-ada" in drawn.stderr
    assert "━" in drawn.stderr
    assert "\x1b[" in drawn.stderr
    plain = homes("backup", "ada", SWARMHUB_COLUMNS="80", TERM="xterm", NO_COLOR="1")
    assert "━" in plain.stderr
    assert "\x1b[3" not in plain.stderr
