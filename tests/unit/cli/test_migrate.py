"""`swarmhub migrate` on a real store and a Swarm in memory."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from support.records import NOW
from swarmhub_crds.home import Home, HomeStatus
from swarmhub_operator.cli.app import app
from swarmhub_operator.engine.amounts import Amounts
from swarmhub_operator.engine.observed import Reservation, Service
from swarmhub_operator.engine.workloads import Workload, WorkloadKind
from typer.testing import CliRunner
from unit.cli.samples import Run, State
from unit.operator.fakeswarm import NODE, FakeSwarm

ADA = "jupyterhub-user-ada"
DOCKER = ("migrate", "--from", "dockerspawner")
SWARM = ("migrate", "--from", "swarmspawner")


class OldSwarm(FakeSwarm):
    """A Swarm in which another spawner has been at work."""

    def __init__(self) -> None:
        super().__init__()
        self.workloads: tuple[Workload, ...] = ()
        self.ends = True  # whether a container ends when its service is removed

    def foreign(self) -> tuple[Workload, ...]:
        """List what others run."""
        return self.workloads

    def serves(self, user: str) -> None:
        """Let a service of SwarmSpawner run."""
        volumes = frozenset({f"jupyterhub-user-{user}"})
        made = Workload(
            WorkloadKind.SERVICE, f"s-{user}", f"jupyter-{user}", user=user, volumes=volumes
        )
        self.workloads = (*self.workloads, made)
        self._services[made.id] = Service(made.id, made.name, 1, {}, {}, NOW, NOW)
        self.held = (*self.held, Reservation(made.id, "n1", Amounts()))

    def remove_service(self, service_id: str) -> None:
        """Remove it."""
        self._call("remove_service")
        del self._services[service_id]
        if self.ends:
            self.held = tuple(held for held in self.held if held.service_id != service_id)


@pytest.fixture
def swarm(monkeypatch: pytest.MonkeyPatch) -> OldSwarm:
    """A Swarm in which the command finds itself."""
    made = OldSwarm()
    monkeypatch.setattr("swarmhub_operator.engine.docker_engine.DockerEngine", lambda _: made)
    made.volumes = {ADA: {}, "jupyterhub-user-cl-c3-a9o": {}, "postgres": {}}
    return made


def homes(state: State) -> dict[str, tuple[str, str | None]]:
    """Return user and node of each home."""
    records = (home for home in state.store.list_homes() if isinstance(home, Home))
    return {h.metadata.name: (h.spec.user, h.status.node_id) for h in records}


def test_nothing_is_written_before_it_is_confirmed(
    state: State, run: Run, swarm: OldSwarm, tmp_path: Path
) -> None:
    """The table says what would be done; the second run finds it done."""
    users = tmp_path / "users.txt"
    users.write_text("ada\n\ncl\u00e9o\n", encoding="utf-8")
    words = (*DOCKER, "--users", str(users))
    dry = run(*words)
    assert (dry.exit_code, homes(state)) == (0, {})
    assert dry.stdout.splitlines()[1].split()[:5] == ["Adopt", ADA, "ada", "-", "host-n1"]
    assert "\n2 homes would be adopted; --confirm does it.\nIn the hub, set " in dry.stdout
    assert "postgres" not in dry.stdout
    asked = CliRunner().invoke(
        app, [*words, "--confirm", "--state-url", state.store.url], input="n\n"
    )
    assert (asked.exit_code, homes(state)) == (1, {})
    done = run(*words, "--yes")
    assert done.exit_code == 0
    assert "2 homes adopted, 0 services removed." in done.stdout
    assert 'c.SwarmHubSpawner.slug_scheme = "escape"' in done.stdout
    there = {ADA: ("ada", "n1"), "jupyterhub-user-cl-c3-a9o": ("cl\u00e9o", "n1")}
    assert homes(state) == there
    revision = state.store.revision()
    again = run(*words, "--yes")
    assert "0 homes adopted" in again.stdout
    assert (homes(state), state.store.revision()) == (there, revision)


def test_users_come_from_standard_input(state: State, run: Run, swarm: OldSwarm) -> None:
    """As they do from a pipe into the container; what is nobody's of them is left."""
    words = [*DOCKER, "--users", "-", "-o", "json", "--yes", "--state-url", state.store.url]
    found = CliRunner().invoke(app, words, input="ada\n")
    content = json.loads(found.stdout)
    assert content["done"]
    assert {item["name"]: item["step"] for item in content["items"]} == {
        ADA: "Adopt",
        "jupyterhub-user-cl-c3-a9o": "Leave",
    }
    assert homes(state) == {ADA: ("ada", "n1")}


def test_services_are_removed_when_that_is_asked_for(
    state: State, run: Run, swarm: OldSwarm
) -> None:
    """Before that their homes are in use."""
    swarm.serves("ada")
    kept = run(*SWARM, "--yes")
    assert "In use by service jupyter-ada" in kept.stdout
    assert "The service jupyter-ada of ada runs on, and is not touched." in kept.stdout
    assert (homes(state), swarm.calls["remove_service"]) == ({}, 0)
    dry = run(*SWARM, "--stop-services")
    assert "The service jupyter-ada of ada is removed first." in dry.stdout
    assert (homes(state), swarm.calls["remove_service"]) == ({}, 0)
    assert run(*SWARM, "--stop-services", "--yes").exit_code == 0
    assert (homes(state), swarm.calls["remove_service"]) == ({ADA: ("ada", "n1")}, 1)


def test_a_container_that_does_not_end_is_waited_for(
    state: State, run: Run, swarm: OldSwarm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a time; two servers never write into one home."""
    monkeypatch.setattr("swarmhub_operator.cli.migrate.ENDED_WITHIN", 0.01)
    swarm.serves("ada")
    swarm.ends = False
    late = run(*SWARM, "--stop-services", "--yes")
    assert (late.exit_code, homes(state)) == (1, {})
    assert "jupyter-ada" in late.stderr
    assert "run the command again" in late.stderr


def test_what_the_policy_does_not_allow_is_left(
    state: State, run: Run, swarm: OldSwarm, tmp_path: Path
) -> None:
    """The record would be of no use."""
    swarm.volumes = {"work-ada": {}}
    template = ("--volume-template", "work-{username}", "--yes")
    assert "allowed_volumes" in run(*DOCKER, *template).stdout
    assert homes(state) == {}
    policy = tmp_path / "policy.yaml"
    policy.write_text("allowed_volumes: [work-*]\n")
    assert run(*DOCKER, *template, SWARMHUB_POLICY_FILE=str(policy)).exit_code == 0
    assert homes(state) == {"work-ada": ("ada", "n1")}
    policy.write_text("allowed_volumes: 7\n")
    wrong = run(*DOCKER, *template, SWARMHUB_POLICY_FILE=str(policy))
    assert (wrong.exit_code, len(wrong.stderr.splitlines())) == (1, 1)


def test_nodes_that_cannot_tell_are_named(state: State, run: Run, swarm: OldSwarm) -> None:
    """What lies there is left."""
    swarm.nodes_seen = (NODE, replace(NODE, id="n2", hostname="worker", state="down"))
    told = run(*DOCKER, SWARMHUB_ERRAND_IMAGE="operator:1")
    assert "swarmhub: worker: it is down and cannot be asked." in told.stderr


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--volume-template", "shared"), "names no user"),
        (("--stop-services",), "swarmspawner alone"),
        (("--users", "/nowhere/users.txt"), "cannot be read"),
    ],
)
def test_wrong_usage(state: State, run: Run, words: tuple[str, ...], why: str) -> None:
    """Is told before anything is asked."""
    told = run(*DOCKER, *words)
    assert told.exit_code == 2
    assert why in " ".join(told.stderr.replace("│", " ").split())


def test_a_home_of_the_operator_stays_as_it_is(state: State, run: Run, swarm: OldSwarm) -> None:
    """Whatever a run finds."""
    state.notebook("ada", volume=ADA)
    before = state.store.get_home(ADA)
    assert run(*DOCKER, "--escape", "escape", "--yes").exit_code == 0
    after = state.store.get_home(ADA)
    assert before == after
    assert isinstance(after, Home)
    assert after.status == HomeStatus()
