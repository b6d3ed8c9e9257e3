"""`swarmhub logs` on a real store and a Swarm in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from swarmhub_operator.cli import logs, output
from swarmhub_operator.engine.observed import Task, TaskState
from swarmhub_operator.engine.tasklog import frames
from unit.cli.samples import Run, State
from unit.operator.fakeswarm import NODE, FakeSwarm

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Talking(FakeSwarm):
    """A Swarm whose tasks have written something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: tuple[Task, ...] = ()
        self.asked: list[tuple[str, Mapping[str, str]]] = []
        self.said = [b"one\ntw", b"o\x1b[2J\n"]

    def tasks(self, store: str, notebook: str = "") -> tuple[Task, ...]:
        """List the tasks, if it is known whose."""
        return self.found if store and not notebook else ()

    def stream_log(self, task_id: str, params: Mapping[str, str]) -> Iterator[bytes]:
        """Give the pieces of what was said."""
        self.asked.append((task_id, params))
        yield from self.said


def task(ident: str, restarts: int, state: TaskState = TaskState.RUNNING) -> Task:
    """Return a task of alice's that had a container."""
    return Task(
        id=ident,
        service_id="s1",
        node_id=NODE.id,
        state=state,
        desired_state="running" if state is TaskState.RUNNING else "shutdown",
        message="",
        error="",
        created_at=NOW,
        changed_at=NOW,
        exit_code=None,
        addresses={},
        container=f"c-{ident}",
        force_update=restarts,
        notebook="alice",
    )


@pytest.fixture
def swarm(monkeypatch: pytest.MonkeyPatch, state: State) -> Talking:
    """Give the command a Swarm in which alice's server was restarted once."""
    state.notebook("alice")
    made = Talking()
    made.nodes_seen = (NODE,)
    made.found = (task("t2", 1), task("t1", 0, TaskState.FAILED))
    monkeypatch.setattr("swarmhub_operator.engine.docker_engine.DockerEngine", lambda _: made)
    return made


@pytest.mark.parametrize("name", ["alice", "notebook/alice", "nb/alice"])
def test_the_newest_container_speaks(swarm: Talking, run: Run, name: str) -> None:
    """Into a pipe as it was written."""
    result = run("logs", name)
    assert result.exit_code == 0
    assert result.stdout_bytes == b"one\ntwo\x1b[2J\n"
    assert swarm.asked == [("t2", {"tail": "all"})]


def test_the_one_before(swarm: Talking, run: Run) -> None:
    """With as much of it as is asked for."""
    assert run("logs", "alice", "--previous", "--tail", "5", "--timestamps").exit_code == 0
    assert swarm.asked == [("t1", {"tail": "5", "timestamps": "1"})]


def test_only_what_is_new(swarm: Talking, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the clock of whoever asks."""
    monkeypatch.setattr(logs, "clock", lambda: NOW)
    run("logs", "alice", "--since", "15m")
    assert swarm.asked[0][1]["since"] == str(int(NOW.timestamp()) - 900)
    assert run("logs", "alice", "--since", "soon").exit_code == 2


def test_no_terminal_is_steered(swarm: Talking, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a user wrote is shown and not obeyed, also in the last line that has no end."""
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    swarm.said.append(b"a\tb")
    assert run("logs", "alice").stdout == "one\ntwo\\u001b[2J\na    b\n"
    monkeypatch.setattr(output, "is_terminal", lambda: False)
    assert "\x1b" not in run("logs", "alice", SWARMHUB_TERMINAL="1").stdout


def test_following_ends_with_the_container(
    swarm: Talking, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine goes on waiting; the command does not, and the last words are not lost."""
    monkeypatch.setattr(logs, "LOOK_EVERY", 0.05)

    def endless(task_id: str, params: Mapping[str, str]) -> Iterator[bytes]:
        swarm.asked.append((task_id, params))
        yield b"working\n"
        swarm.found = (replace(swarm.found[0], state=TaskState.FAILED),)
        yield b"last words\n"
        threading.Event().wait(30)

    monkeypatch.setattr(swarm, "stream_log", endless)
    result = run("logs", "alice", "-f")
    assert result.stdout == "working\nlast words\n"
    assert swarm.asked[0][1]["follow"] == "1"


def test_what_is_not_there_is_said(swarm: Talking, run: Run, state: State) -> None:
    """No such notebook, none that has begun, none before, and a node that is down."""
    assert "There is no notebook 'bob'" in run("logs", "bob").stderr
    swarm.found = swarm.found[:1]
    assert "has not an earlier container" in run("logs", "alice", "-p").stderr
    swarm.nodes_seen = (replace(NODE, state="down"),)
    result = run("logs", "alice")
    assert result.exit_code == 1
    assert f"The log is on {NODE.hostname}, which is down" in result.stderr
    swarm.found = ()
    state.observe("alice", phase="Pending", message="No node has room.")
    said = run("logs", "alice").stderr
    assert "it is Pending: No node has room." in said


def test_frames_may_be_cut_anywhere() -> None:
    """A network does not keep them whole."""
    whole = b"".join(
        bytes([1, 0, 0, 0]) + len(text).to_bytes(4, "big") + text
        for text in (b"ab", b"", b"c" * 300)
    )
    for size in (1, 3, 7, 8, 9, 1000):
        chunks = [whole[at : at + size] for at in range(0, len(whole), size)]
        assert b"".join(frames(chunks)) == b"ab" + b"c" * 300
    assert b"".join(frames([whole[:-100]])) == b"ab" + b"c" * 200


def test_a_terminal_has_no_frames() -> None:
    """What a container writes to one comes as it is."""
    assert list(frames([b"[I 20", b"26] hello\r\n"])) == [b"[I 20", b"26] hello\r\n"]
    assert list(frames([])) == []
