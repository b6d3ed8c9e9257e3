"""The spawner against a real store and an operator that pretends."""

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from swarmhub_crds.home import Home, HomePhase, HomeStatus
from swarmhub_crds.names import notebook_name
from swarmhub_crds.notebook import Desired, Notebook, NotebookSpec, Phase
from swarmhub_crds.store import Store
from swarmhub_spawner.errors import SpawnError
from swarmhub_spawner.shared import hub_for
from swarmhub_spawner.spawner import SwarmHubSpawner
from swarmhub_spawner.watcher import THREAD_NAME
from unit.spawner.conftest import MakeSpawner
from unit.spawner.fakes import FakeNotebooks, FakeOperator, condition

log = logging.getLogger(__name__)


def record_of(store: Store, name: str) -> Notebook:
    """Return a record that must be there and readable."""
    record = store.get_notebook(name)
    assert isinstance(record, Notebook)
    return record


def move_away(folder: Path) -> Callable[[], None]:
    """Take the database away; the result puts it back."""
    away = folder / "away"
    away.mkdir()
    moved = [path.rename(away / path.name) for path in folder.glob("state.db*")]

    def move_back() -> None:
        for path in moved:
            path.rename(folder / path.name)

    return move_back


async def until(check: object, what: str, seconds: float = 10.0) -> None:
    """Wait until `check()` is true."""
    assert callable(check)
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"waited {seconds} s for: {what}"
        await asyncio.sleep(0.02)


async def test_start_writes_the_record_and_returns_the_address(
    make_spawner: MakeSpawner, operator: FakeOperator, notebooks: FakeNotebooks, store: Store
) -> None:
    """Start returns the operator's address within milliseconds of its status."""
    spawner = make_spawner(environment={"LANG": "C"}, mem_limit="1G")
    assert await spawner.start() == notebooks.url
    returned = time.monotonic()
    assert returned - operator.ready_written["ada"] < 0.5
    record = record_of(store, "ada")
    assert record.spec.desired is Desired.RUNNING
    assert record.spec.probe_path == "/user/ada/api"
    assert record.spec.environment["LANG"] == "C"
    assert record.spec.environment["JUPYTERHUB_SERVICE_URL"] == "http://0.0.0.0:8888/user/ada/"
    assert record.spec.environment["MEM_LIMIT"] == str(2**30)
    assert "token-of-ada" not in record.spec.model_dump_json()
    secrets = store.secret_environment(record.metadata.uid)
    assert secrets == {"JUPYTERHUB_API_TOKEN": "token-of-ada", "JPY_API_TOKEN": "token-of-ada"}
    home = store.get_home("jupyterhub-user-ada")
    assert home is not None
    assert await spawner.poll() is None
    await spawner.stop()
    assert await spawner.poll() == 0
    assert record_of(store, "ada").status.phase is Phase.STOPPED


async def test_the_log_names_the_requests_as_the_operator_does(
    make_spawner: MakeSpawner,
    operator: FakeOperator,
    store: Store,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """By them a start or stop is found again in the operator's log."""
    spawner = make_spawner()
    with caplog.at_level(logging.INFO):
        await spawner.start()
        started = record_of(store, "ada").metadata.request
        await spawner.stop()
        stopped = record_of(store, "ada").metadata.request
    assert f"Asked the operator to start ada (request {started})" in caplog.text
    assert f"Asked the operator to stop ada (request {stopped})" in caplog.text
    assert started != stopped


async def test_nothing_of_the_hubs_environment_leaks(
    make_spawner: MakeSpawner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the hub process was given stays with it, unless it is named in env_keep."""
    monkeypatch.setenv("JUPYTERHUB_SINGLEUSER_APP", "x")
    monkeypatch.setenv("CONFIGPROXY_AUTH_TOKEN", "x")
    env = make_spawner().get_env()
    assert not {"JUPYTERHUB_SINGLEUSER_APP", "CONFIGPROXY_AUTH_TOKEN", "PATH"} & env.keys()


@pytest.mark.parametrize(
    ("image", "status_code", "plain", "html"),
    [
        ("refuse", 403, "The image <refuse> is not allowed.", "The image &lt;refuse&gt; is not"),
        (
            "fail",
            500,
            "The notebook crashed 5 times in a row & was given up (exit code 3).",
            "<pre>Traceback &lt;module&gt;\nValueError: boom</pre>",
        ),
    ],
)
async def test_a_failed_start_tells_why_and_is_recorded_as_stopped(
    make_spawner: MakeSpawner,
    operator: FakeOperator,
    store: Store,
    image: str,
    status_code: int,
    plain: str,
    html: str,
) -> None:
    """The operator's sentence reaches the exception; poll leaves nothing that should run."""
    spawner = make_spawner(image=image)
    with pytest.raises(SpawnError) as caught:
        await spawner.start()
    assert caught.value.status_code == status_code
    assert plain in caught.value.jupyterhub_message
    assert html in caught.value.jupyterhub_html_message
    assert await spawner.poll() is not None
    assert record_of(store, "ada").spec.desired is Desired.STOPPED
    assert await spawner.poll() is not None


async def test_a_start_without_an_operator_gives_up_with_a_reason(
    make_spawner: MakeSpawner, store: Store
) -> None:
    """Start ends before the hub's own, wordless time-out and says what is missing."""
    spawner = make_spawner(start_timeout=6)
    with pytest.raises(SpawnError) as caught:
        await asyncio.wait_for(spawner.start(), spawner.start_timeout)
    assert "no operator has ever run" in caught.value.jupyterhub_message
    assert caught.value.status_code == 504
    assert await spawner.poll() is None, "the hub must call stop, which it does if poll says None"
    spawner.stop_timeout = 1
    await spawner.stop()
    assert record_of(store, "ada").spec.desired is Desired.STOPPED


async def test_the_last_reason_is_in_the_time_out(
    make_spawner: MakeSpawner, operator: FakeOperator
) -> None:
    """What held the start up is what the user reads."""
    with pytest.raises(SpawnError) as caught:
        await make_spawner(image="hang", start_timeout=2).start()
    assert "No room <here>." in caught.value.jupyterhub_message
    assert "No room &lt;here&gt;." in caught.value.jupyterhub_html_message


async def test_back_off_counts_as_running(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store
) -> None:
    """The hub keeps route and token while the operator restarts a notebook."""
    spawner = make_spawner()
    await spawner.start()
    operator.write("ada", condition("Ready", ok=False), phase=Phase.BACK_OFF, exit_code=9)
    await asyncio.sleep(0.3)
    assert await spawner.poll() is None
    starting = asyncio.create_task(make_spawner("bob", image="backoff").start())
    await asyncio.sleep(0.5)
    assert not starting.done()
    operator.ready("bob")
    await asyncio.wait_for(starting, 5)


async def test_a_server_that_is_given_up_later_ends_with_code_and_reason(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store
) -> None:
    """Before poll says so, the record says stopped; the page keeps the reason."""
    spawner = make_spawner()
    await spawner.start()
    operator.fail("ada")
    await asyncio.sleep(0.2)
    assert await spawner.poll() == 3
    assert record_of(store, "ada").spec.desired is Desired.STOPPED
    assert spawner._spawn_future is not None
    assert "ValueError: boom" in str(spawner._spawn_future.exception())
    assert await spawner.poll() == 3


async def test_a_stop_from_outside_is_noticed(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store
) -> None:
    """An administrator's stop is a stop."""
    spawner = make_spawner()
    await spawner.start()
    store.set_desired("ada", Desired.STOPPED)
    await asyncio.sleep(0.2)
    assert await spawner.poll() == 0


async def test_poll_of_an_unknown_server_is_zero(make_spawner: MakeSpawner, store: Store) -> None:
    """No record and no state: not running, as JupyterHub asks for."""
    assert await make_spawner().poll() == 0


async def test_named_servers_have_records_of_their_own(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store
) -> None:
    """Two servers of a user and a name that cannot stand in a record do not meet."""
    makers = [("ada", ""), ("ada", "gpu"), ("Ada", ""), ("../../etc", ""), ("ada--gpu", "")]
    spawners = [make_spawner(user, server) for user, server in makers]
    await asyncio.gather(*(spawner.start() for spawner in spawners))
    names = [notebook_name(user, server) for user, server in makers]
    assert len(set(names)) == len(names)
    assert [spawner.record_name for spawner in spawners] == names
    users = {
        (r.spec.user, r.spec.server) for r in store.list_notebooks() if isinstance(r, Notebook)
    }
    assert users == set(makers)
    await spawners[1].stop()
    assert await spawners[0].poll() is None


async def test_a_home_of_another_user_is_refused(
    make_spawner: MakeSpawner, operator: FakeOperator
) -> None:
    """Two templates that meet in one volume name do not hand a home to a stranger."""
    volumes = {"home-{username}-{servername}": "/work"}
    await make_spawner("a", "b-c", volumes=volumes).start()
    with pytest.raises(SpawnError) as caught:
        await make_spawner("a-b", "c", volumes=volumes).start()
    assert caught.value.status_code == 403


async def test_a_wrong_option_fails_the_start_by_name(
    make_spawner: MakeSpawner, store: Store
) -> None:
    """The sentence reaches the page; nothing is written."""
    with pytest.raises(SpawnError, match=r"volumes: '\./data' is a path of a host"):
        await make_spawner(volumes={"./data": "/x"}).start()
    with pytest.raises(SpawnError, match="state_url: no state database"):
        await make_spawner(state_url="").start()
    with pytest.raises(SpawnError, match="home_reclaim: the callable returned 'Maybe'"):
        await make_spawner(home_reclaim=lambda _spawner: "Maybe").start()
    assert store.list_notebooks() == []


async def test_delete_forever_removes_the_record(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store
) -> None:
    """A deleted user leaves no record; a start right after it waits for the deletion."""
    spawner = make_spawner()
    await spawner.start()
    await spawner.stop()
    await spawner.delete_forever()
    assert store.get_notebook("ada") is None
    await spawner.delete_forever()
    await make_spawner().start()


@pytest.mark.parametrize(("server", "gone"), [("", True), ("lab", False)])
async def test_a_deleted_user_has_no_homes(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store, server: str, gone: bool
) -> None:
    """Though the default server, which goes with its user alone, was never started."""
    spawner = make_spawner("ada", "lab", volumes={"home-{username}": "/home/jovyan"})
    await spawner.start()
    await spawner.stop()
    await make_spawner("ada", server).delete_forever()
    (home,) = store.list_homes()
    assert isinstance(home, Home)
    assert home.spec.ownerless is gone


async def test_a_start_waits_for_an_earlier_deletion(
    make_spawner: MakeSpawner, store: Store, notebooks: FakeNotebooks
) -> None:
    """Deleted and made again at once: the new one starts when the old one is gone."""
    spawner = make_spawner(start_timeout=60)
    first = asyncio.create_task(spawner.start())
    await until(lambda: store.get_notebook("ada") is not None, "the record")
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await spawner.delete_forever()  # no operator: the mark stays
    second = asyncio.create_task(make_spawner().start())
    await asyncio.sleep(0.5)
    assert not second.done()
    operator = FakeOperator(store.url, notebooks.url)
    await asyncio.wait_for(second, 10)
    operator.close()


async def test_a_start_waits_until_the_old_home_is_gone(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store
) -> None:
    """While the volume of a deleted user of that name is removed, the page says so."""
    spawner = make_spawner(volumes={"home-{username}": "/home/jovyan"})
    await spawner.start()
    await spawner.stop()
    await spawner.delete_forever()
    (home,) = store.list_homes()
    assert isinstance(home, Home)
    lease = store.read_lease()
    assert lease is not None
    meta, going = home.metadata, HomeStatus(phase=HomePhase.DELETING)
    written = store.put_home_status(
        meta.name, meta.uid, meta.resource_version, going, fence=lease.token
    )
    assert isinstance(written, Home)
    back = make_spawner(volumes={"home-{username}": "/home/jovyan"})
    back._spawn_pending = True
    start = asyncio.create_task(back.start())
    progress = back.progress()
    event = await asyncio.wait_for(anext(progress), 15)
    assert "is being deleted" in str(event["message"])
    assert not start.done()
    store.remove_home(meta.name, meta.uid, written.metadata.resource_version, fence=lease.token)
    await asyncio.wait_for(start, 10)
    await progress.aclose()


async def test_rename_is_refused_once_there_is_a_record(
    make_spawner: MakeSpawner, operator: FakeOperator
) -> None:
    """A volume carries the name; a server that never ran may be renamed."""
    await make_spawner("ada", "old").rename("old", "new")
    await make_spawner("ada", "old").start()
    with pytest.raises(SpawnError, match="make a new server 'new' instead"):
        await make_spawner("ada", "old").rename("old", "new")


async def test_a_cancelled_start_leaves_nothing_that_runs(
    make_spawner: MakeSpawner, store: Store, operator: FakeOperator
) -> None:
    """Cancelled at any moment, poll and stop see the write that was under way."""
    for delay in (0.0, 0.001, 0.005, 0.02, 0.1):
        spawner = make_spawner("ada", image="slow")
        task = asyncio.create_task(spawner.start())
        await asyncio.sleep(delay)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if await spawner.poll() is None:
            await spawner.stop()
        await asyncio.sleep(0.2)
        record = store.get_notebook("ada")
        assert record is None or record_of(store, "ada").spec.desired is Desired.STOPPED


async def test_progress_tells_each_sentence_once(
    make_spawner: MakeSpawner, operator: FakeOperator
) -> None:
    """Progress rises and ends with the start."""
    spawner = make_spawner(image="slow")
    spawner._spawn_pending = True

    async def listen() -> list[dict[str, Any]]:
        return [event async for event in spawner.progress()]

    listening = asyncio.create_task(listen())
    await spawner.start()
    await asyncio.sleep(0.1)
    spawner._spawn_pending = False
    events = await asyncio.wait_for(listening, 3)
    messages = [event["message"] for event in events]
    assert len(messages) == len(set(messages))
    assert "Jupyter does not answer yet." in messages
    assert "Placed on node node1." in messages
    percents = [event["progress"] for event in events]
    assert percents == sorted(percents)


async def test_a_locked_store_is_waited_out(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store, tmp_path: Path
) -> None:
    """A start that finds the database locked goes on when it is free; the page says why."""
    spawner = make_spawner()
    spawner._spawn_pending = True
    await hub_for(store.url).state.read(lambda s: s.revision())
    lock = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    start = asyncio.create_task(spawner.start())
    progress = spawner.progress()
    event = await asyncio.wait_for(anext(progress), 15)
    assert "Your server starts when this is over." in str(event["message"])
    assert await spawner.poll() is None
    other = asyncio.create_task(make_spawner("bob").start())
    assert max([await _lag() for _ in range(100)]) < 1.0, "a locked database stops the hub"
    lock.execute("ROLLBACK")
    lock.close()
    await asyncio.wait_for(asyncio.gather(start, other), 30)
    await progress.aclose()


async def test_the_watcher_outlives_what_nobody_foresaw(
    make_spawner: MakeSpawner, operator: FakeOperator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of an unknown kind is logged and tried again: no start waits for a dead thread."""
    surprises = iter([RuntimeError("surprise")])
    really = Store.list_notebooks

    def surprising(store: Store) -> object:
        if threading.current_thread().name == THREAD_NAME:
            for surprise in surprises:
                raise surprise
        return really(store)

    monkeypatch.setattr(Store, "list_notebooks", surprising)
    spawner = make_spawner(image="slow")
    await asyncio.wait_for(spawner.start(), 20)


async def test_a_missing_store_neither_ends_servers_nor_loses_a_stop(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store, tmp_path: Path
) -> None:
    """Unknown is not stopped; a stop that could not be written is done when it can."""
    spawner, other = make_spawner(), make_spawner("bob")
    await spawner.start()
    await other.start()
    move_back = move_away(tmp_path)
    assert await spawner.poll() is None
    hub_for(store.url).state._records.clear()  # as after a restart of the hub
    assert await spawner.poll() is None
    with pytest.raises(SpawnError, match="stopped as soon as this is over"):
        await spawner.stop()
    with pytest.raises(SpawnError) as caught:
        await make_spawner("eve", start_timeout=3).start()
    assert caught.value.status_code == 503
    await other.delete_forever()
    move_back()
    debts = hub_for(store.url).debts
    await until(lambda: len(debts) == 0, "the debts to be paid", 30)
    assert record_of(store, "ada").spec.desired is Desired.STOPPED
    await until(lambda: store.get_notebook("bob") is None, "the deletion")
    assert await spawner.poll() == 0


async def test_a_start_that_fails_forgets_no_deletion_that_is_owed(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store, tmp_path: Path
) -> None:
    """Else the home of a user who was deleted would pass to the next one of that name."""
    spawner = make_spawner()
    await spawner.start()
    move_back = move_away(tmp_path)
    await spawner.delete_forever()
    with pytest.raises(SpawnError):
        await make_spawner(start_timeout=3).start()
    move_back()
    await until(lambda: store.get_notebook("ada") is None, "the deletion", 30)


async def test_another_store_does_not_end_a_server(
    make_spawner: MakeSpawner, operator: FakeOperator, tmp_path: Path
) -> None:
    """A database made anew says nothing about servers that were started from the lost one."""
    spawner = make_spawner()
    await spawner.start()
    state = spawner.get_state()
    elsewhere = f"sqlite:///{tmp_path / 'new.db'}"
    restarted = make_spawner(state_url=elsewhere)
    restarted.load_state(state)
    assert await restarted.poll() is None
    never_started = make_spawner(state_url=elsewhere)
    assert await never_started.poll() == 0


async def test_after_a_restart_of_the_hub_all_is_known_again(
    make_spawner: MakeSpawner, operator: FakeOperator, notebooks: FakeNotebooks
) -> None:
    """State holds no secret, yet the token is known again, so that a stop revokes it."""
    spawner = make_spawner()
    await spawner.start()
    state = spawner.get_state()
    assert "token" not in str(state)
    restarted = make_spawner()
    restarted.api_token = ""
    restarted.load_state(state)
    assert await restarted.poll() is None
    assert restarted.api_token == "token-of-ada"
    assert await restarted.get_url() == f"{notebooks.url}/user/ada/"


async def test_a_start_that_outlived_the_hub_is_waited_for(
    make_spawner: MakeSpawner, operator: FakeOperator, notebooks: FakeNotebooks
) -> None:
    """With no state saved yet, poll says running and get_url waits until it answers."""
    first = asyncio.create_task(make_spawner(image="slow").start())
    await asyncio.sleep(0.3)
    restarted = make_spawner()
    assert await restarted.poll() is None
    assert await restarted.get_url() == f"{notebooks.url}/user/ada/"
    await first


async def test_a_hub_restarted_without_its_store_keeps_what_it_knows(
    make_spawner: MakeSpawner, operator: FakeOperator, tmp_path: Path
) -> None:
    """The address of a server that had started is taken from the hub's own database, at once."""
    spawner = make_spawner()
    await spawner.start()
    restarted = make_spawner()
    restarted.load_state(spawner.get_state())
    move_back = move_away(tmp_path)
    assert await restarted.poll() is None
    assert await asyncio.wait_for(restarted.get_url(), 5) == restarted.server.url
    move_back()


def test_the_options_are_in_the_hubs_help() -> None:
    """`jupyterhub --help-all` and --generate-config list what is ours."""
    text = SwarmHubSpawner.class_config_section()
    for option in ("state_url", "volumes", "home_reclaim", "secret_environment", "image"):
        assert f"# c.SwarmHubSpawner.{option} = " in text


def test_a_server_is_looked_for_longer_than_nodes_need_to_tell_names(
    make_spawner: MakeSpawner,
) -> None:
    """A hub that stopped what it does not find after JupyterHub's 30 s would end running servers.

    The nodes of a Swarm tell each other which names there are every 30 s, and it took 69 s.
    """
    assert make_spawner().http_timeout > 3 * 69


async def test_get_url_never_raises(make_spawner: MakeSpawner, operator: FakeOperator) -> None:
    """The hub asks while it starts; a failure must not keep it from that."""
    spawner = make_spawner(image="fail")
    with pytest.raises(SpawnError):
        await spawner.start()
    assert (await spawner.get_url()).endswith("/user/ada/")


async def test_two_hundred_waiting_starts_cost_one_thread(
    make_spawner: MakeSpawner, store: Store, notebooks: FakeNotebooks
) -> None:
    """However many users wait: one watcher, and the hub stays awake."""
    machine = _Lateness()
    before = threading.active_count()
    spawners = [make_spawner(f"user{i}") for i in range(200)]
    tasks, worst = [], 0.0
    for spawner in spawners:  # in one go, all specs would be built before the loop has a turn
        tasks.append(asyncio.create_task(spawner.start()))
        worst = max(worst, await _lag())
    while len(store.list_notebooks()) < 200:
        worst = max(worst, await _lag())
    assert threading.active_count() - before <= 3  # watcher, writer, reader
    assert [t.name for t in threading.enumerate()].count(THREAD_NAME) == 1
    operator = FakeOperator(store.url, notebooks.url)
    done = asyncio.gather(*tasks)
    while not done.done():
        worst = max(worst, await _lag())
    assert set(await done) == {notebooks.url}
    assert [await spawner.poll() for spawner in spawners] == [None] * 200
    operator.close()
    busy = machine.worst()
    log.info("the event loop was late by at most %.3f s, any thread by %.3f s", worst, busy)
    assert worst < busy + 2.0, f"the event loop stood still for {worst:.3f} s, others for {busy} s"


class _Lateness:
    """By how much a thread that only sleeps is late, which is the machine's doing."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._worst = 0.0
        self._thread = threading.Thread(target=self._measure, daemon=True)
        self._thread.start()

    def _measure(self) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            time.sleep(0.01)
            self._worst = max(self._worst, time.monotonic() - began - 0.01)

    def worst(self) -> float:
        """End the thread and return the longest delay, in seconds."""
        self._over.set()
        self._thread.join()
        return self._worst


async def _lag() -> float:
    """Return by how much a short sleep was late."""
    began = time.monotonic()
    await asyncio.sleep(0.01)
    return time.monotonic() - began - 0.01


async def test_a_written_status_wakes_the_start(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store
) -> None:
    """From the operator's write to the return of start, with a hundred others in the store."""
    await asyncio.gather(*(make_spawner(f"u{i}").start() for i in range(100)))
    latencies = []
    for i in range(20):
        spawner: SwarmHubSpawner = make_spawner(f"late{i}", image="hang")
        task = asyncio.create_task(spawner.start())
        name = spawner.record_name
        await until(lambda name=name: store.get_notebook(name) is not None, "the record")
        await asyncio.to_thread(operator.ready, name)
        written = time.monotonic()
        await asyncio.wait_for(task, 5)
        latencies.append(time.monotonic() - written)
    median = sorted(latencies)[10]
    log.info("from the written status to the return of start: median %.1f ms", 1000 * median)
    assert median < 1  # what was not woken looks again only after five seconds


# -- what users choose, and what an administrator's own code changes


async def test_the_callables_of_options_are_asked_at_each_start(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store
) -> None:
    """Each is given the spawner, and may be async."""

    async def labels(spawner: SwarmHubSpawner) -> dict[str, str]:
        await asyncio.sleep(0)
        return {"who": spawner.user.name}

    spawner = make_spawner(
        mem_limit=lambda spawner: "2G",
        cpu_guarantee=lambda spawner: 0.5,
        volumes=lambda spawner: {"v-{username}": "/v"},
        extra_labels=labels,
        uid=lambda spawner: 1000,
    )
    await spawner.start()
    spec = record_of(store, "ada").spec
    assert spec.resources.mem_limit == 2**31
    assert spec.resources.cpu_guarantee == 0.5
    assert [m.volume for m in spec.mounts] == ["v-ada"]
    assert spec.labels == {"who": "ada"}
    assert spec.container_user == "1000"
    assert spec.environment["MEM_LIMIT"] == str(2**31)


async def test_hooks_see_and_change_the_record(
    make_spawner: MakeSpawner, operator: FakeOperator, store: Store
) -> None:
    """One before it is written, one after; what whose notebook it is cannot be changed."""
    written: list[Notebook] = []

    async def modify(spawner: SwarmHubSpawner, spec: NotebookSpec) -> NotebookSpec:
        await asyncio.sleep(0)
        return spec.model_copy(update={"labels": {"room": "12"}})

    await make_spawner(
        modify_record_hook=modify,
        after_record_written_hook=lambda spawner, notebook: written.append(notebook),
    ).start()
    assert record_of(store, "ada").spec.labels == {"room": "12"}
    assert [notebook.metadata.name for notebook in written] == ["ada"]
    for wrong, sentence in (
        (lambda spawner, spec: None, "it returned None; return a NotebookSpec"),
        (lambda spawner, spec: spec.model_copy(update={"user": "eve"}), "whose notebook this is"),
    ):
        with pytest.raises(SpawnError, match=sentence):
            await make_spawner("bob", modify_record_hook=wrong).start()


@pytest.mark.parametrize(
    ("allowed", "choice", "image"),
    [
        (["ok", "b"], "b", "b"),
        ({"B": "b", "OK": "ok"}, "B", "b"),
        (lambda spawner: ["b"], "b", "b"),
        ("*", "any/thing:1", "any/thing:1"),
        (["ok"], None, "ok"),
    ],
)
async def test_allowed_images(
    make_spawner: MakeSpawner, allowed: Any, choice: str | None, image: str
) -> None:
    """A list, a dict, a callable, or any."""
    spawner = make_spawner(allowed_images=allowed)
    spawner.user_options = {"image": choice} if choice else {}
    assert (await spawner._wanted()).spec.image == image


@pytest.mark.parametrize(
    ("options", "chosen", "sentence"),
    [
        ({}, {"image": "b"}, "On this hub users cannot choose an image"),
        ({}, {"profile": "b"}, "On this hub there are no profiles"),
        ({"allowed_images": "*"}, {"image": "{x}"}, "holds braces"),
        ({"allowed_images": ["a"]}, {"image": ["a"]}, "must be given as one text"),
    ],
)
async def test_a_choice_that_nobody_offers(
    make_spawner: MakeSpawner, options: dict[str, Any], chosen: dict[str, Any], sentence: str
) -> None:
    """Is the user's mistake, HTTP 400."""
    spawner = make_spawner(**options)
    spawner.user_options = chosen
    with pytest.raises(SpawnError, match=sentence) as caught:
        await spawner.start()
    assert caught.value.status_code == 400


async def test_what_a_hook_may_read_is_left_to_it(make_spawner: MakeSpawner) -> None:
    """JupyterHub's own ways to read user options go on working."""
    spawner = make_spawner(apply_user_options={"image_input": "image"})
    spawner.user_options = {"image_input": "b", "image": "c"}
    await spawner._run_apply_user_options(spawner.user_options)
    assert (await spawner._wanted()).spec.image == "b"


async def test_the_image_is_a_template(make_spawner: MakeSpawner) -> None:
    """And the notebook is told which one it is."""
    spec = (await make_spawner(image="reg/lab-{username}:{prefix}")._wanted()).spec
    assert spec.image == spec.environment["JUPYTER_IMAGE"] == "reg/lab-ada:jupyter"
    with pytest.raises(SpawnError, match=r"image: \{x\} in 'reg/\{x\}' is not known"):
        await make_spawner(image="reg/{x}")._wanted()


async def test_two_forms_at_once_are_refused(make_spawner: MakeSpawner) -> None:
    """Users see one; which of them would be a guess."""
    spawner = make_spawner(allowed_images=["a"], profile_list=[{"display_name": "P"}])
    with pytest.raises(SpawnError, match="allowed_images: there is a profile_list too"):
        await spawner.start()


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ({"privileged": True}, "privileged = True cannot be in a Swarm"),
        ({"modify_pod_hook": print}, "modify_record_hook"),
        ({"mem_limt": 1}, "mem_limt is no option of SwarmHubSpawner; did you mean mem_limit?"),
    ],
)
async def test_an_override_of_what_is_no_option(
    make_spawner: MakeSpawner, override: dict[str, Any], sentence: str
) -> None:
    """Of a group as of a profile."""
    values = {name: (lambda spawner, v=value: v) for name, value in override.items()}
    spawner = make_spawner(profile_list=[{"display_name": "P", "kubespawner_override": values}])
    with pytest.raises(SpawnError, match=re.escape(sentence)):
        await spawner.start()
    with pytest.raises(SpawnError, match=re.escape(sentence)):
        make_spawner()._apply_overrides(override)


async def test_the_page_is_silent_if_asked_to(make_spawner: MakeSpawner) -> None:
    """And patient, if that is wished."""
    spawner = make_spawner(events_enabled=False)
    spawner._spawn_pending = True
    assert [event async for event in spawner.progress()] == []
    loud = make_spawner(slow_spawn_message="{seconds} s", slow_spawn_message_threshold=1)
    loud._spawn_pending = True
    async for event in loud.progress():
        assert event["message"] == "1 s"
        loud._spawn_pending = False
