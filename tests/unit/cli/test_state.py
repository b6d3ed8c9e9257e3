"""`swarmhub state rebuild` on a real store and a Swarm in memory."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from support.records import home, home_mount, notebook
from swarmhub_crds.home import Home
from swarmhub_crds.notebook import Notebook
from swarmhub_crds.store import Store
from swarmhub_operator.cli.app import app
from swarmhub_operator.decide.build import Placement, Wanted, service_spec
from swarmhub_operator.engine.errors import EngineError, Kind
from typer.testing import CliRunner
from unit.cli.samples import Run, State
from unit.operator.fakeswarm import NODE, FakeSwarm


@pytest.fixture
def swarm(monkeypatch: pytest.MonkeyPatch) -> FakeSwarm:
    """A Swarm in which the command finds itself."""
    made = FakeSwarm()
    monkeypatch.setattr("swarmhub_operator.engine.docker_engine.DockerEngine", lambda _: made)
    return made


def runs(swarm: FakeSwarm, store: str, name: str = "ada") -> Wanted:
    """Let a notebook of a store run."""
    record = notebook(name, user=name, generation=4, mounts=(home_mount(f"home-{name}"),))
    mounted = home(f"home-{name}", user=name)
    made = Wanted(record, store, {f"home-{name}": mounted})
    swarm.create_service(service_spec(made, Placement("lab"), "x1"))
    return made


def test_a_lost_record_is_written(state: State, run: Run, swarm: FakeSwarm) -> None:
    """With its home; a dry run says the same and writes nothing."""
    runs(swarm, state.store.uid)
    lines = ["notebook/ada {} (generation 4)", "home/home-ada {} (on host-n1)", "2 records {}"]
    dry = run("state", "rebuild", "--dry-run")
    assert (dry.exit_code, state.store.list_notebooks()) == (0, [])
    assert all(line.format("would be written") in dry.stdout for line in lines)
    done = run("state", "rebuild")
    assert done.exit_code == 0
    assert all(line.format("written") in done.stdout for line in lines)
    record = state.store.get_notebook("ada")
    assert isinstance(record, Notebook)
    assert (record.metadata.uid, record.metadata.generation) == ("uid-ada", 4)
    assert run("state", "rebuild").stdout.startswith("0 records written; ")


def test_another_store_is_taken_over_only_when_it_is_named(
    state: State, run: Run, swarm: FakeSwarm
) -> None:
    """Which of them was lost is nothing to guess."""
    runs(swarm, "lost")
    refused = run("state", "rebuild")
    assert (refused.exit_code, state.store.list_notebooks()) == (1, [])
    assert "`swarmhub state rebuild --from-store lost`" in refused.stderr
    assert run("state", "rebuild", "--from-store", "typo").exit_code == 1
    assert run("state", "rebuild", "--from-store", "lost").exit_code == 0
    with closing(Store.open(state.store.url)) as again:
        assert again.uid == "lost"


def test_a_store_with_notebooks_of_its_own_keeps_its_identity(
    state: State, run: Run, swarm: FakeSwarm
) -> None:
    """They would be forgotten; the way out is said."""
    own = state.store.uid
    runs(swarm, "lost")
    runs(swarm, own, "bob")
    refused = run("state", "rebuild", "--from-store", "lost")
    assert refused.exit_code == 1
    assert "notebooks of its own (jupyter-bob)" in refused.stderr
    assert state.store.list_notebooks() == []


def test_a_missing_store_is_made_with_the_identity_of_what_runs(
    tmp_path: Path, run: Run, swarm: FakeSwarm
) -> None:
    """If that is clear; a dry run makes no file."""
    runs(swarm, "lost")
    assert run("state", "rebuild", "--dry-run").exit_code == 0
    assert list(tmp_path.iterdir()) == []
    runs(swarm, "other", "bob")
    assert run("state", "rebuild").exit_code == 1
    assert list(tmp_path.iterdir()) == []
    assert run("state", "rebuild", "--from-store", "lost").exit_code == 0
    with closing(Store.open(f"sqlite:///{tmp_path}/state.db", create=False)) as made:
        assert made.uid == "lost"
        assert isinstance(made.get_notebook("ada"), Notebook)
        assert made.get_notebook("bob") is None


def test_nothing_runs_and_nothing_is_stored(tmp_path: Path, run: Run, swarm: FakeSwarm) -> None:
    """There is nothing to rebuild from, and no store is made."""
    result = run("state", "rebuild")
    assert (result.exit_code, list(tmp_path.iterdir())) == (1, [])
    assert "Nothing of this store runs here." in result.stderr


def test_an_engine_that_does_not_answer_is_one_sentence(
    state: State, run: Run, swarm: FakeSwarm
) -> None:
    """As everywhere else in the command."""

    def refuse(_: str) -> None:
        raise EngineError(Kind.UNAVAILABLE, "The engine cannot be reached; start dockerd.")

    swarm.before = refuse
    result = run("state", "rebuild")
    assert result.exit_code == 1
    assert result.stderr == "swarmhub: The engine cannot be reached; start dockerd.\n"


def test_homes_on_another_node_come_from_what_it_printed(state: State, swarm: FakeSwarm) -> None:
    """The node's own engine tells of its volumes, and a person carries it over."""
    swarm.nodes_seen = (NODE, replace(NODE, id="n2", hostname="worker"))
    uid = state.store.uid
    own = {
        "swarmhub.store": uid,
        "swarmhub.home": "home-eve",
        "swarmhub.uid": "u",
        "swarmhub.user": "eve",
    }
    printed = [
        {"Name": "home-eve", "Driver": "local", "CreatedAt": "2026-01-05T09:00:00Z", "Labels": own},
        {"Name": "other", "Driver": "local", "Labels": None, "Options": None},
    ]
    words = ["state", "rebuild", "--state-url", state.store.url]
    assert "`swarmhub state rebuild --volumes-of NODE`" in CliRunner().invoke(app, words).stderr
    words += ["--volumes-of", "worker"]
    done = CliRunner().invoke(app, words, input=json.dumps(printed))
    assert (done.exit_code, done.stderr) == (0, "")
    assert "home/home-eve written (on worker)" in done.stdout
    home = state.store.get_home("home-eve")
    assert isinstance(home, Home)
    assert (home.metadata.uid, home.status.node_id) == ("u", "n2")
    assert CliRunner().invoke(app, words, input="[1]").exit_code == 1
    assert CliRunner().invoke(app, [*words[:-1], "nobody"], input="[]").exit_code == 1


def test_a_backup_is_a_store_of_its_own(state: State, run: Run, tmp_path: Path) -> None:
    """One file with all that was committed, for its owner alone; nothing is overwritten."""
    state.notebook("alice")
    copy = tmp_path / "copy.db"
    assert run("state", "backup", str(copy)).exit_code == 0
    assert copy.stat().st_mode & 0o777 == 0o600
    state.notebook("bob")
    with closing(Store.open(f"sqlite:///{copy}", create=False)) as made:
        assert made.uid == state.store.uid
        assert [n.metadata.name for n in made.list_notebooks() if isinstance(n, Notebook)] == [
            "alice"
        ]
    again = run("state", "backup", str(copy))
    assert again.exit_code == 1
    assert "name a new file" in again.stderr


def test_a_backup_goes_through_a_pipe(state: State, run: Run, tmp_path: Path) -> None:
    """As it has to from inside a container; nothing is left beside it."""
    state.notebook("alice")
    copy = tmp_path / "copy.db"
    copy.write_bytes(run("state", "backup", "-").stdout_bytes)
    with closing(Store.open(f"sqlite:///{copy}", create=False)) as made:
        assert len(made.list_notebooks()) == 1
