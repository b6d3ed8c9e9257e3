"""`get --watch`, as a process of its own where signals and pipes matter."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty, Queue
from typing import Any

import pytest
from swarmhub_crds.errors import Reason, StoreUnavailable
from swarmhub_crds.notebook import Notebook
from swarmhub_operator.cli.records import Record
from swarmhub_operator.cli.watch import Happening, Outage, differences
from unit.cli.samples import State

SOON = 20.0  # seconds that a busy machine is given


class Watcher:
    """A running `swarmhub get … --watch` whose lines are read as they come."""

    def __init__(self, state: State, *words: str) -> None:
        command = [sys.executable, "-m", "swarmhub_operator.cli.main", "get", *words, "--watch"]
        # A shell's background job ignores SIGINT, and hands that on to all that it starts.
        command = ["env", "--default-signal=INT", *command]
        self.process = subprocess.Popen(
            command,
            env=os.environ | {"SWARMHUB_STATE_URL": state.store.url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._lines: dict[str, Queue[str]] = {"out": Queue(), "err": Queue()}
        self._threads = [
            threading.Thread(target=self._read, args=(stream, queue), daemon=True)
            for stream, queue in (
                (self.process.stdout, self._lines["out"]),
                (self.process.stderr, self._lines["err"]),
            )
        ]
        for thread in self._threads:
            thread.start()

    def _read(self, stream: Any, queue: Queue[str]) -> None:
        for line in stream:
            queue.put(line.rstrip("\n"))

    def line(self, stream: str = "out") -> str:
        """Return the next line."""
        return self._lines[stream].get(timeout=SOON)

    def silent(self, seconds: float = 0.5) -> bool:
        """Tell whether no line comes for a while."""
        try:
            self._lines["out"].get(timeout=seconds)
        except Empty:
            return True
        return False

    def interrupt(self) -> tuple[int, list[str]]:
        """Press Ctrl-C; return the exit code and what was still said on standard error."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=SOON)
        for thread in self._threads:
            thread.join(timeout=SOON)
        return code, list(self._lines["err"].queue)

    def close(self) -> None:
        """End it, if it has not ended."""
        self.process.kill()
        self.process.wait(timeout=SOON)


Start = Callable[..., Watcher]


@pytest.fixture
def watch(state: State) -> Iterator[Start]:
    """Start watchers, and end those that are left."""
    started: list[Watcher] = []

    def start(*words: str) -> Watcher:
        started.append(Watcher(state, *words))
        return started[-1]

    yield start
    for watcher in started:
        watcher.close()


def cells(line: str) -> list[str]:
    """Return a row's cells without its age."""
    return line.split()[:-1]


def test_rows_follow_as_they_change(state: State, watch: Start) -> None:
    """The table first, then a row for each visible change and for a removal; Ctrl-C ends it."""
    state.notebook("alice")
    state.notebook("bob")
    watcher = watch("nb")
    assert watcher.line().split()[:4] == ["NAME", "USER", "SERVER", "PHASE"]
    assert cells(watcher.line()) == ["alice", "alice", "-", "Pending", "-", "0", "-"]
    assert cells(watcher.line()) == ["bob", "bob", "-", "Pending", "-", "0", "-"]
    state.observe("bob", phase="Running", node="n1")
    assert cells(watcher.line()) == ["bob", "bob", "-", "Running", "-", "0", "n1"]
    state.observe("bob", phase="Running", node="n1", message="nothing that the row shows")
    assert watcher.silent()
    state.notebook("carol")
    assert cells(watcher.line())[0] == "carol"
    state.remove("alice")
    shown = cells(watcher.line())
    while shown[3] == "Deleting":  # seen or not, as the looks fall
        shown = cells(watcher.line())
    assert shown[:4] == ["alice", "alice", "-", "Removed"]
    assert watcher.interrupt() == (0, [])


def test_one_record_alone_is_watched(state: State, watch: Start) -> None:
    """With a name, the others are not shown."""
    state.notebook("alice")
    state.notebook("alice", "lab", volume="home-alice")
    watcher = watch("nb", "alice/lab", "-o", "name")
    assert watcher.line() == "notebook/alice--lab"
    state.observe("alice", phase="Running")
    assert watcher.silent()
    state.observe("alice--lab", phase="Running")
    assert watcher.line() == "notebook/alice--lab"


def test_json_is_one_event_a_line(state: State, watch: Start) -> None:
    """For programs: Kubernetes' watch events as JSON lines."""
    state.notebook("alice")
    watcher = watch("nb", "-o", "json")
    first = json.loads(watcher.line())
    assert (first["type"], first["object"]["metadata"]["name"]) == ("ADDED", "alice")
    state.observe("alice", phase="Starting")
    second = json.loads(watcher.line())
    assert (second["type"], second["object"]["status"]["phase"]) == ("MODIFIED", "Starting")


def test_an_empty_store_is_waited_on(state: State, watch: Start) -> None:
    """Nothing yet is said once, and the first record then comes under its titles."""
    watcher = watch("homes")
    assert watcher.line("err") == "swarmhub: There are no homes yet; waiting for the first."
    state.notebook("alice")
    assert watcher.line().startswith("NAME ")
    assert watcher.line().startswith("home-alice ")


def test_a_closed_pipe_ends_it(state: State) -> None:
    """When the reader goes, the watch ends by itself, though nothing changes; nothing is said."""
    state.notebook("alice")
    command = f"{sys.executable} -m swarmhub_operator.cli.main get nb --watch | head -1"
    started = time.monotonic()
    done = subprocess.run(
        ["bash", "-c", f'{command}; echo "${{PIPESTATUS[0]}}"'],
        env=os.environ | {"SWARMHUB_STATE_URL": state.store.url},
        capture_output=True,
        text=True,
        timeout=SOON,
        check=True,
    )
    assert time.monotonic() - started < SOON
    header, code = done.stdout.splitlines()
    assert (header.split()[0], code, done.stderr) == ("NAME", "0", "")


def test_an_outage_is_told_and_outlived(state: State, watch: Start) -> None:
    """A store that goes and comes back is one sentence each, and no change is lost."""
    state.notebook("alice")
    watcher = watch("nb", "-o", "name")
    assert watcher.line() == "notebook/alice"
    aside = state.path.with_name("aside.db")
    state.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    state.store.close()
    state.path.rename(aside)
    assert re.search("is missing; .* s for it", watcher.line("err"))
    aside.rename(state.path)
    assert watcher.line("err") == "swarmhub: The store is back."
    state.sql('UPDATE notebooks SET status=\'{"phase": "Running"}\', resource_version=99')
    state.sql("UPDATE meta SET revision=99")
    assert watcher.line() == "notebook/alice"
    assert watcher.interrupt() == (0, [])


def test_an_outage_that_lasts_ends_the_watch(capsys: pytest.CaptureFixture[str]) -> None:
    """The wait for the store is bounded, and each sentence is said once."""
    error = StoreUnavailable(Reason.MISSING, "It is missing")
    outage = Outage(patience=0.05)
    outage.begin(error)
    outage.begin(error)
    assert capsys.readouterr().err == "swarmhub: It is missing (waiting up to 0.05 s for it)\n"
    time.sleep(0.06)
    with pytest.raises(StoreUnavailable):
        outage.begin(error)


def test_differences_are_told_once(state: State) -> None:
    """Added, modified and deleted; what is equal, or was never seen, is nothing."""
    seen: dict[str, Record] = {}
    first = state.notebook("alice")
    assert [e.happening for e in differences(seen, {"alice": first, "ghost": None})] == [
        Happening.ADDED
    ]
    assert differences(seen, {"alice": first}) == []
    second = state.notebook("alice")
    assert isinstance(second, Notebook)
    (changed,) = differences(seen, {"alice": second})
    assert (changed.happening, changed.record) == (Happening.MODIFIED, second)
    (gone,) = differences(seen, {"alice": None})
    assert (gone.happening, gone.record) == (Happening.DELETED, second)
    assert seen == {}


def test_a_watch_ends_with_the_leash_that_its_script_holds(state: State) -> None:
    """Where no signal comes through and nobody tells that the reader has gone."""
    command = [sys.executable, "-m", "swarmhub_operator.cli.main", "get", "notebooks", "--watch"]
    environment = os.environ | {"SWARMHUB_STATE_URL": state.store.url, "SWARMHUB_LEASH": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as watching:
        assert watching.stdout is not None
        assert watching.stdin is not None
        state.notebook("ada")
        assert watching.stdout.readline().startswith("NAME")
        assert watching.poll() is None
        watching.stdin.close()
        assert watching.wait(SOON) == -signal.SIGTERM
