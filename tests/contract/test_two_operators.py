"""Two operator processes on one store and a real engine: who acts, and what arrives late.

Each operator reaches the engine through a recorder of its own, which also holds requests back.
The probe cannot reach the overlay network, so that no notebook gets ready here; containers count.
"""

from __future__ import annotations

import re
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest
from support.fixtures import overlay_network
from support.node import Node
from support.operators import OperatorProcess
from support.recorder import Recorder, Request
from support.waiting import wait_for
from swarmhub_crds.home import Home, HomeSpec, Reclaim
from swarmhub_crds.notebook import Desired, Mount, Notebook, NotebookSpec, Phase
from swarmhub_crds.store import Store

NETWORK = "two-operators"
TTL = 3.0  # seconds
POLICY = """
allowed_volumes: ["home-*"]
home_grace: 0.2
restart: {budget: 100, first_delay: 0, base_delay: 0.1, max_delay: 0.2}
sweep: {interval: 1, grace: 1}
"""
TOKEN: Mapping[str, str] = MappingProxyType({"TOKEN": "s3cret"})
SLEEP = ("sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait")


@pytest.fixture(scope="module")
def network(engine: Node) -> Iterator[str]:
    """Make the notebooks' network, and remove it after whatever is still on it."""
    with overlay_network(engine, NETWORK) as made:
        yield made


class Stranded:
    """One request that has left its operator and has not come to the engine."""

    def __init__(self, recorder: Recorder, pattern: str) -> None:
        self._recorder = recorder
        self._pattern = pattern
        self._request: Request | None = None
        self._caught = threading.Event()
        self._go = threading.Event()
        recorder.hold = self._hold

    def _hold(self, request: Request) -> None:
        asked = f"{request.method} {request.path}"
        if self._request is None and re.fullmatch(self._pattern, asked):
            self._request = request
            self._caught.set()
            self._go.wait(120)

    def wait(self) -> None:
        """Wait until it is on its way."""
        assert self._caught.wait(30), f"no request {self._pattern} in 30 s"

    def arrive(self) -> int:
        """Let it come to the engine, and return the status of the answer."""
        request = self._request
        assert request is not None
        self._go.set()
        wait_for("the late answer", lambda: request in self._recorder.answers)
        return self._recorder.answers[request]


@dataclass
class Member:
    """One operator and its wire."""

    process: OperatorProcess
    wire: Recorder


class Duo:
    """Two operators, or more, and what they work on."""

    def __init__(self, engine: Node, image: str, folder: Path, ttl: float) -> None:
        (folder / "state").mkdir()
        (folder / "policy.yaml").write_text(POLICY)
        self.engine = engine
        self.store = Store.open(f"sqlite:///{folder}/state/state.db")
        self.members: list[Member] = []
        self._image = image
        self._folder = folder
        self._ttl = ttl

    def join(self) -> Member:
        """Start one more operator, and wait until it leads or stands by."""
        name = f"operator-{len(self.members)}"
        wire = Recorder(self.engine.socket, self._folder / f"{name}.sock")
        policy = str(self._folder / "policy.yaml")
        process = OperatorProcess(
            wire.url, self._folder, name, NETWORK, LEASE_TTL=str(self._ttl), POLICY_FILE=policy
        )
        self.members.append(Member(process, wire))
        wait_for(f"{name} to be ready", process.ready)
        return self.members[-1]

    def pair(self) -> tuple[Member, Member]:
        """Start two; the first leads."""
        first = self.join()
        wait_for("the first to lead", first.process.leads)
        return first, self.join()

    def close(self) -> None:
        """End everything; what they logged last is shown if the test has failed."""
        for member in self.members:
            member.process.kill()
            member.wire.close()
            said = member.process.log.read_text().splitlines()[-12:]
            sys.stderr.write("\n  ".join((member.process.log.name, *said)) + "\n")
        for kind in ("service", "secret"):
            if found := self.ids(kind):
                self.engine.docker(kind, "rm", *found)
        self.store.close()
        for volume in self.engine.docker("volume", "ls", "--quiet").split():
            if volume.endswith(self.volume("")[5:]):
                self._remove_volume(volume)

    def _remove_volume(self, name: str) -> None:
        mounted = ("ps", "--all", "--quiet", "--filter", f"volume={name}")
        wait_for("containers to go", lambda: not self.engine.docker(*mounted))
        self.engine.docker("volume", "rm", name)

    def volume(self, user: str) -> str:
        """Return the name of a user's volume, which no other test has."""
        return f"home-{user}-{self.store.uid[:8]}"

    def ids(self, kind: str) -> list[str]:
        """Return the services or secrets of this store."""
        label = f"label=swarmhub.store={self.store.uid}"
        return self.engine.docker(kind, "ls", "--quiet", "--filter", label).split()

    def containers(self, name: str) -> list[str]:
        """Return the running containers of a notebook."""
        label = f"label=swarmhub.notebook={name}"
        return self.engine.docker("ps", "--quiet", "--no-trunc", "--filter", label).split()

    def crash(self, name: str) -> str:
        """Kill the container of a notebook, and return its id."""
        (container,) = self.containers(name)
        self.engine.docker("kill", container)
        return container

    def apply(self, user: str, secrets: Mapping[str, str] = TOKEN, **values: object) -> Notebook:
        """Write down that a notebook should run, as the spawner does."""
        base: dict[str, object] = {
            "user": user,
            "image": self._image,
            "command": SLEEP,
            "networks": (NETWORK,),
            "desired": Desired.RUNNING,
            "mounts": (Mount(volume=self.volume(user), target="/data", home=True),),
        }
        homes = {self.volume(user): HomeSpec(user=user, reclaim=Reclaim.DELETE)}
        spec = NotebookSpec.model_validate({**base, **values})
        return self.store.apply_notebook(spec, homes=homes, secrets=secrets)

    def running(self, name: str, *besides: str) -> str:
        """Wait until one container of a notebook runs, other than `besides`; return its id.

        The container of a removed service goes on for some seconds, even beyond the next start:
        name all that came before.
        """

        def there() -> str:
            found = [c for c in self.containers(name) if c not in besides]
            return found[0] if len(found) == 1 else ""

        return wait_for(f"{name} to run", there, timeout=40)

    def stopped(self, name: str) -> None:
        """Wait until nothing of a notebook is left."""

        def gone() -> bool:
            record = self.store.get_notebook(name)
            ended = not isinstance(record, Notebook) or record.status.phase is Phase.STOPPED
            return ended and not (self.ids("service") or self.ids("secret"))

        wait_for(f"{name} to be stopped", gone)

    def restarts(self, name: str) -> int:
        """Return how often a notebook was restarted."""
        record = self.store.get_notebook(name)
        assert isinstance(record, Notebook)
        return record.status.restarts


def hand_over(first: Member, second: Member, stranded: Stranded) -> None:
    """End the first as a crash does, with a request on its way, and wait until the second leads."""
    stranded.wait()
    first.process.kill()
    wait_for("the second to lead", second.process.leads)


def pause(member: Member, store: Store) -> float:
    """Stop an operator, but not within a write to the store, which would keep out everybody."""
    path = store.url.removeprefix("sqlite:///")
    for _ in range(20):
        member.process.freeze()
        paused = time.monotonic()
        with closing(sqlite3.connect(path, timeout=0.5, isolation_level=None)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                member.process.signal(signal.SIGCONT)
                time.sleep(0.01)
                continue
            other.execute("ROLLBACK")
        return paused
    raise AssertionError("It writes to the store all the time.")


@pytest.fixture
def make_duo(
    engine: Node, network: str, tiny: str, tmp_path: Path
) -> Iterator[Callable[[float], Duo]]:
    """Yield what makes the operators; they and their services end with the test."""
    made: list[Duo] = []

    def make(ttl: float = TTL) -> Duo:
        made.append(Duo(engine, tiny, tmp_path, ttl))
        return made[-1]

    yield make
    for duo in made:
        duo.close()


@pytest.fixture
def duo(make_duo: Callable[[float], Duo]) -> Duo:
    """Return operators with a short lease."""
    return make_duo(TTL)


def test_a_late_creation_of_what_is_there_is_refused(duo: Duo) -> None:
    """Secret and service are made once, under names that say whose they are."""
    first, second = duo.pair()
    service = Stranded(first.wire, "POST /services/create")
    duo.apply("ada")
    hand_over(first, second, service)
    container = duo.running("ada")
    assert service.arrive() == 409
    third = duo.join()
    secret = Stranded(second.wire, "POST /secrets/create")
    duo.apply("bob")
    hand_over(second, third, secret)
    duo.running("bob")
    assert secret.arrive() == 409
    assert (len(duo.ids("service")), len(duo.ids("secret"))) == (2, 2)
    assert duo.containers("ada") == [container]


@pytest.mark.parametrize("deleted", [False, True])
def test_a_late_creation_of_what_was_given_up_is_undone(duo: Duo, deleted: bool) -> None:
    """The engine makes it; no record wants it, and it goes, by a look or with the next sweeps."""
    first, second = duo.pair()
    duo.apply("bob", desired=Desired.STOPPED)  # in a store without records nothing is swept
    service = Stranded(first.wire, "POST /services/create")
    duo.apply("ada", secrets={})  # for lack of a secret the engine would refuse it
    hand_over(first, second, service)
    duo.running("ada")
    if deleted:
        duo.store.request_deletion("ada")
        wait_for("the record to go", lambda: duo.store.get_notebook("ada") is None)
    else:
        duo.store.set_desired("ada", Desired.STOPPED)
        duo.stopped("ada")
    wait_for("the service to go", lambda: not duo.ids("service"))
    assert service.arrive() == 201
    wait_for("the service to go", lambda: not duo.ids("service"))
    wait_for("the container to go", lambda: not duo.containers("ada"))


def test_a_late_restart_restarts_nothing(duo: Duo) -> None:
    """The version that it was meant for is no more."""
    first, second = duo.pair()
    duo.apply("ada")
    before = duo.running("ada")
    update = Stranded(first.wire, "POST /services/[^/]+/update.*")
    duo.crash("ada")
    hand_over(first, second, update)
    after = duo.running("ada", before)
    assert update.arrive() == 500
    time.sleep(2.0)
    assert duo.running("ada", before) == after
    assert duo.restarts("ada") == 1


def test_a_late_stop_does_not_end_what_was_started_anew(duo: Duo) -> None:
    """Service and secret are removed by their ids, which are never given again."""
    first, second = duo.pair()
    duo.apply("ada")
    before = duo.running("ada")
    removal = Stranded(first.wire, "DELETE /services/.+")
    duo.store.set_desired("ada", Desired.STOPPED)
    hand_over(first, second, removal)
    duo.stopped("ada")
    duo.apply("ada")
    after = duo.running("ada", before)
    assert removal.arrive() == 404
    third = duo.join()
    secret = Stranded(second.wire, "DELETE /secrets/.+")
    duo.store.set_desired("ada", Desired.STOPPED)
    hand_over(second, third, secret)
    duo.stopped("ada")
    duo.apply("ada")
    last = duo.running("ada", before, after)
    assert secret.arrive() == 404
    time.sleep(2.0)
    assert duo.running("ada", before, after) == last


def test_a_late_stop_meets_no_service_of_a_user_who_is_back(duo: Duo) -> None:
    """Each start has a service of its own, also of one who is back before the stop was done."""
    first, second = duo.pair()
    duo.apply("ada")
    before = duo.running("ada")
    removal = Stranded(first.wire, "DELETE /services/.+")
    duo.store.set_desired("ada", Desired.STOPPED)
    removal.wait()
    duo.store.set_desired("ada", Desired.RUNNING)
    hand_over(first, second, removal)
    after = duo.running("ada", before)
    assert removal.arrive() == 404
    time.sleep(2.0)
    assert duo.running("ada", before) == after


def test_a_late_removal_of_a_volume_meets_its_new_use(duo: Duo) -> None:
    """The engine keeps a volume that a container mounts, and with it what is in it."""
    first, second = duo.pair()
    duo.apply("ada")
    before = duo.running("ada")
    removal = Stranded(first.wire, "DELETE /volumes/.+")
    duo.store.request_deletion("ada")
    hand_over(first, second, removal)
    wait_for("the home to go", lambda: duo.store.get_home(duo.volume("ada")) is None)
    duo.apply("ada")
    container = duo.running("ada", before)
    duo.engine.docker("exec", container, "sh", "-c", "echo precious >/data/file")
    assert removal.arrive() == 409
    assert duo.engine.docker("exec", container, "cat", "/data/file") == "precious\n"
    assert isinstance(duo.store.get_home(duo.volume("ada")), Home)


def test_a_leader_that_was_paused_sends_nothing_more(duo: Duo) -> None:
    """Stopped at many moments of its work, beyond its lease, it finds that another one acts."""
    leader, standby = duo.pair()
    sent = 0
    for turn in range(4):
        users = [f"u{turn}-{n}" for n in range(3)]
        before = len(leader.wire.changes())
        for user in users:
            duo.apply(user)
        time.sleep(0.04 * turn)
        paused = pause(leader, duo.store)
        wait_for("the standby to lead", standby.process.leads)
        for user in users:
            duo.running(user)
        on_its_way = len(leader.wire.changes())
        leader.process.signal(signal.SIGCONT)
        for user in users:
            duo.store.set_desired(user, Desired.STOPPED)
        duo.stopped(users[0])
        assert not leader.wire.changes(since=paused + 1.0)
        assert len(leader.wire.changes()) == on_its_way
        leader.process.wait_health("the former leader to stand by", lambda h: not h["leading"])
        sent += on_its_way - before
        leader, standby = standby, leader
    assert sent > 0, "nobody was paused at work; the test shows nothing"


def test_a_leader_that_is_killed_is_followed_at_once(make_duo: Callable[[float], Duo]) -> None:
    """A notebook that crashes right then is restarted by the standby, which waits for no lease."""
    lease = 60.0
    duo = make_duo(lease)
    first, second = duo.pair()
    duo.apply("ada")
    before = duo.running("ada")
    first.process.kill()
    duo.crash("ada")
    began = time.monotonic()
    duo.running("ada", before)
    took = time.monotonic() - began
    assert second.process.leads()
    assert took < lease / 3


def test_an_update_leaves_no_gap_in_which_a_crash_is_not_seen(
    make_duo: Callable[[float], Duo],
) -> None:
    """Start first, then SIGTERM: whenever a notebook crashes, it is restarted within the lease."""
    lease = 15.0
    duo = make_duo(lease)
    leader = duo.join()
    duo.apply("ada")
    container = duo.running("ada")
    longest = 0.0
    for turn in range(5):
        standby = duo.join()
        term = threading.Timer(0.5, leader.process.signal, [signal.SIGTERM])
        term.start()
        time.sleep(0.2 + 0.3 * turn)
        duo.crash("ada")
        began = time.monotonic()
        container = duo.running("ada", container)
        longest = max(longest, time.monotonic() - began)
        assert leader.process.process.wait(timeout=30) == 0
        wait_for("the new one to lead", standby.process.leads)
        leader = standby
    assert longest < lease
    assert duo.restarts("ada") == 5
