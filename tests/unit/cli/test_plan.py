"""`swarmhub plan` beside a real operator on a Swarm in memory, and on a real store."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from swarmhub_crds.notebook import Desired
from swarmhub_crds.sqlstore.database import Database
from swarmhub_operator.cli import plan as plan_module
from swarmhub_operator.cli.options import engine_at
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.loop.apply import Applier
from typer.testing import Result
from unit.cli.samples import Run, State
from unit.operator.fakeswarm import NETWORK, NODE, FakeSwarm, Operator

WRITES = ("create_", "update_", "remove_")


class Site:
    """A store, a Swarm, and the command, which may write to neither."""

    def __init__(self, state: State, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = state.store
        self.state = state
        self.swarm = FakeSwarm()
        self._run = run
        self._monkeypatch = monkeypatch
        state.store.release_lease(state.lease)

    def operate(self, *users: str) -> None:
        """Let an operator bring servers to life, and end in good order."""
        operator = Operator(self.store, self.swarm)
        for user in users:
            operator.apply(user)
        for user in users:
            operator.wait(user, "running", lambda s: s.phase == "Running")
        operator.stop()

    def apply(self, user: str, **values: Any) -> None:
        """Write down that a server should run."""
        given = {"networks": (NETWORK,), "image": "lab", "volume": f"jupyterhub-{user}"}
        self.state.notebook(user, **(given | values))

    def plan(self, *words: str) -> Result:
        """Run the command; whatever it writes is an error."""

        def refuse(*_: object) -> None:
            raise AssertionError("The store was written to.")

        def before(call: str) -> None:
            if call.startswith(WRITES):
                raise AssertionError(f"The engine was asked to {call}.")

        self.swarm.before = before
        with self._monkeypatch.context() as patch:
            patch.setattr(Database, "write", refuse)
            patch.setattr(plan_module, "engine_at", lambda *_, **__: self.swarm)
            result = self._run("plan", *words, SWARMHUB_NETWORK=NETWORK)
        self.swarm.before = lambda _: None
        assert not isinstance(result.exception, AssertionError), result.exception
        return result

    def tamper(self, user: str, **container: Any) -> None:
        """Change a service behind the operator's back."""
        service = self.swarm.find_service(f"jupyter-{user}")
        assert service is not None
        spec = copy.deepcopy(dict(service.spec))
        spec["TaskTemplate"]["ContainerSpec"] |= container
        self.swarm.update_service(service.id, service.version, spec)

    def done_by_an_operator(self, user: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Start one, and return what it does first."""
        done: list[str] = []
        apply = Applier.apply

        def note(applier: Applier, wanted: Any, observed: Any, todo: Any) -> None:
            if todo and wanted.name == user and not done:
                done.extend(type(action).__name__ for action in todo)
            apply(applier, wanted, observed, todo)

        with monkeypatch.context() as patch:
            patch.setattr(Applier, "apply", note)
            operator = Operator(self.store, self.swarm)
            operator.wait(user, "acted upon", lambda _: bool(done))
            operator.stop()
        return done


@pytest.fixture
def site(state: State, run: Run, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A store without an operator."""
    return Site(state, run, monkeypatch)


def actions(result: Result) -> list[str]:
    """Return the kinds of what would be done for the first notebook."""
    found = json.loads(result.stdout)["notebooks"][0]["actions"]
    return [action["action"] for action in found]


def test_where_all_is_well_nothing_is_to_do(site: Site) -> None:
    """Exit code 0, in every form."""
    site.operate("ada", "bob")
    result = site.plan()
    assert (result.exit_code, result.stdout) == (0, "Nothing to do; notebooks looked at: 2.\n")
    assert "none has followed" in result.stderr
    one = site.plan("bob")
    assert (one.exit_code, one.stdout) == (0, "notebook/bob: Running\n  nothing to do\n")
    assert json.loads(site.plan("-o", "json").stdout)["changes"] is False


def test_a_start_is_told_with_what_is_not_known(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is what an operator then does."""
    site.apply("ada")
    result = site.plan("ada", "-o", "json")
    assert result.exit_code == 1
    assert actions(result) == ["CreateSecret", "CreateService"]
    assert "the-token-itself" not in result.stdout
    text = site.plan().stdout
    assert "CreateService jupyter-ada: it should run and has none: lab on host-n1" in text
    assert "not known here: it may have to wait in line first" in text
    assert text.endswith("Something to do for 1 of 1 notebooks.\n")
    assert site.done_by_an_operator("ada", monkeypatch) == actions(result)


def test_a_changed_service_is_told_field_by_field(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old and new, and nothing of what has not changed."""
    site.operate("ada", "bob")
    site.tamper("ada", Image="evil:1", Env=["MY_TOKEN=s3cr3t"])
    result = site.plan()
    lines = result.stdout.splitlines()
    assert result.exit_code == 1
    assert lines[0] == "notebook/ada: Running"
    assert lines[1].startswith("  UpdateService jupyter-ada: changed behind our back: ")
    assert "    - TaskTemplate.ContainerSpec.Image: evil:1" in lines
    assert "    + TaskTemplate.ContainerSpec.Image: lab" in lines
    assert "    - TaskTemplate.ContainerSpec.Env.MY_TOKEN: (hidden)" in lines
    assert "s3cr3t" not in result.stdout
    assert "bob" not in result.stdout
    assert "\x1b" not in result.stdout
    told = actions(site.plan("ada", "-o", "json"))
    assert site.done_by_an_operator("ada", monkeypatch) == told == ["UpdateService"]


def test_an_end_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Step by step: what is next is told once this is done."""
    site.operate("ada")
    site.store.set_desired("ada", Desired.STOPPED)
    result = site.plan("ada")
    assert result.exit_code == 1
    assert "  RemoveService jupyter-ada: stopped\n" in result.stdout
    assert "  status: Stopping\n" in result.stdout
    told = actions(site.plan("ada", "-o", "json"))
    assert site.done_by_an_operator("ada", monkeypatch) == told


def test_a_restart_waits_for_its_time(site: Site) -> None:
    """A failure that is seen for the first time is written down; then the back-off runs."""
    site.operate("ada")
    site.swarm.end_task("jupyter-ada")
    result = site.plan("ada")
    assert result.exit_code == 1
    assert "  status: BackOff (" in result.stdout
    assert "not known here: its last log lines" in result.stdout
    assert "task_log" not in site.swarm.calls or site.swarm.calls["task_log"] == 0


def test_one_that_is_refused_is_told_why(site: Site) -> None:
    """A decision, too, though nothing is done to the Swarm."""
    site.apply("ada", networks=("host",))
    result = site.plan("ada")
    assert result.exit_code == 1
    assert "status: Failed (" in result.stdout
    assert "host" in result.stdout


def test_all_is_told_from_one_look(site: Site) -> None:
    """However many they are."""
    for number in range(5):
        site.apply(f"user{number}")
    site.swarm.calls.clear()
    assert site.plan().exit_code == 1
    lists = ("services", "tasks", "secrets", "nodes", "reservations")
    assert {name: site.swarm.calls[name] for name in lists} == dict.fromkeys(lists, 1)


def test_what_one_takes_the_next_one_does_not_get(site: Site) -> None:
    """As for an operator, which decides on one after the other."""
    site.swarm.nodes_seen = (replace(NODE, cpus=2.0),)
    for user in ("ada", "bob"):
        site.apply(user, resources={"cpu_guarantee": 1.5})
    found = json.loads(site.plan("-o", "json").stdout)["notebooks"]
    made = [any(a["action"] == "CreateService" for a in one["actions"]) for one in found]
    assert made == [True, False]
    assert found[1]["status"]["phase"] == "Pending"


def test_a_record_that_cannot_be_read_is_left_alone(site: Site) -> None:
    """Unless it is being deleted."""
    site.operate("ada")
    site.state.sql("UPDATE notebooks SET spec = '{' WHERE name = 'ada'")
    result = site.plan("ada")
    assert result.exit_code == 0
    assert "What runs of it is left alone." in result.stdout
    site.store.request_deletion("ada")
    assert actions(site.plan("ada", "-o", "json")) == ["RemoveService"]


def test_services_without_a_record_are_counted(site: Site) -> None:
    """What becomes of them takes more than one look."""
    site.operate("ada")
    site.state.sql("DELETE FROM notebooks")
    result = site.plan()
    assert result.exit_code == 0
    assert "Services without a record: 1; `swarmhub gc` tells what is kept." in result.stdout
    assert json.loads(site.plan("-o", "json").stdout)["withoutRecord"] == ["jupyter-ada"]


def test_what_goes_wrong_is_no_difference(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2: a script must not take it for a change."""
    nobody = site.plan("nobody")
    assert nobody.exit_code == 2
    assert "There is no notebook 'nobody'" in nobody.stderr

    def silent(*_: str) -> None:
        raise EngineError(Kind.UNAVAILABLE, "The engine cannot be reached; start dockerd.")

    monkeypatch.setattr(site.swarm, "services", silent)
    result = site.plan()
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "swarmhub: The engine cannot be reached; start dockerd.\n"


def test_the_real_engine_is_opened_for_reading_only() -> None:
    """A change would be refused before it is sent."""
    engine = engine_at("tcp://127.0.0.1:1", reads_only=True)
    with pytest.raises(RuntimeError, match="only reads"):
        engine._guard()
