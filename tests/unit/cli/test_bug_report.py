"""`swarmhub bug-report` on a real store and a simulated Swarm, whole and with parts missing."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from swarmhub_crds.event import Concerned, Event
from swarmhub_operator.cli import output
from swarmhub_operator.cli.bugreport import contents
from unit.cli.samples import Run, State
from unit.cli.simulated import Site, simulated

ALL = {
    "manifest.json", "versions.json", "status.json", "notebooks.json", "homes.json", "nodes.json",
    "events.json", "plan.json", "settings.json", "metrics.txt", "engine/about.json",
    "engine/services.json", "engine/tasks.json", "engine/nodes.json", "engine/networks.json",
    "logs/operator.log", "logs/hub.log", "logs/proxy.log",
}  # fmt: skip
OF_STORE = {
    "status.json", "notebooks.json", "homes.json", "nodes.json", "events.json", "plan.json"
}  # fmt: skip
OF_ENGINE = {f for f in ALL if f.startswith(("engine/", "logs/"))} | {"plan.json"}


@pytest.fixture
def site(state: State, run: Run, tmp_path: Path) -> Iterator[Site]:
    """A site with one server, secrets in several places, and a stack."""
    with simulated(state, run, tmp_path) as made:
        made.start("ada", environment={"COLOUR": "red", "MY_PASSWORD": "pl41n-sight"})
        for name in ("operator", "hub", "proxy"):
            made.stack_service(name, "CONFIGPROXY_AUTH_TOKEN=pr0xy-auth", "PLAIN=blue-value")
        made.nodes_are_known()
        yield made


@pytest.fixture
def metrics() -> Iterator[str]:
    """Yield the port at which an operator tells its metrics."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/metrics" else 404)
            self.end_headers()
            self.wfile.write(b"swarmhub_leading 1.0\n")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield str(server.server_address[1])
        server.shutdown()


def opened(content: bytes) -> dict[str, str]:
    """Return the texts of an archive by their names without the folder."""
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        found = {}
        for member in archive:
            stream = archive.extractfile(member)
            assert stream is not None
            assert member.mode == 0o600
            found[member.name.partition("/")[2]] = stream.read().decode()
        return found


def missing(files: dict[str, str]) -> dict[str, str]:
    """Return what the manifest says is missing, and why."""
    parts = json.loads(files["manifest.json"])["parts"]
    assert {p["file"] for p in parts if p["taken"]} | {"manifest.json"} == set(files)
    return {p["file"]: p["reason"] for p in parts if not p["taken"]}


def test_all_is_in_it_and_no_secret(site: Site, metrics: str, tmp_path: Path) -> None:
    """And what is in it is said, with the advice to look."""
    target = tmp_path / "report.tar.gz"
    told = site.run(
        "bug-report", str(target), SWARMHUB_HEALTH_PORT=metrics, OTHER_API_KEY="my-0wn-key"
    )
    assert (told.exit_code, told.stderr) == (0, "")
    assert target.stat().st_mode & 0o777 == 0o600
    files = opened(target.read_bytes())
    assert set(files) == ALL
    assert missing(files) == {}
    whole = "\n".join(files.values())
    for secret in ("the-token-itself", "pl41n-sight", "pr0xy-auth", "pa55w0rd", "my-0wn-key"):
        assert secret not in whole, secret
    assert "blue-value" not in whole
    assert json.loads(files["status.json"])["kind"] == "Status"
    (record,) = json.loads(files["notebooks.json"])["items"]
    assert record["spec"]["user"] == "ada"
    assert record["spec"]["environment"] == {"COLOUR": "red", "MY_PASSWORD": "(hidden)"}
    services = json.loads(files["engine/services.json"])
    assert {s["Spec"]["Name"] for s in services} == {
        "jupyter-ada", "swarmhub_operator", "swarmhub_hub", "swarmhub_proxy"
    }  # fmt: skip
    assert "swarmhub_leading 1.0" in files["metrics.txt"]
    assert json.loads(files["plan.json"])["kind"] == "Plan"
    assert json.loads(files["settings.json"])["health_port"] == int(metrics)
    assert json.loads(files["engine/about.json"])["info"]["ServerVersion"] == "20.10.24"
    assert "Using token (hidden)" in files["logs/hub.log"]
    assert "postgres://(hidden)@db/hub" in files["logs/hub.log"]
    manifest = json.loads(files["manifest.json"])
    assert (manifest["kind"], manifest["anonymized"], manifest["notes"]) == ("BugReport", False, [])
    assert manifest["hidden"] > 5
    assert f"{target}: 17 of 17 parts" in told.stdout
    assert "Look through it before you send it" in told.stdout
    assert str(target) in told.stdout.splitlines()[-1]


def test_only_what_is_swarmhubs_is_told_of_the_engine(site: Site) -> None:
    """What else runs there is nobody's business."""
    site.create(
        {
            "Name": "payroll",
            "Labels": {"com.docker.stack.namespace": "accounts"},
            "TaskTemplate": {"ContainerSpec": {"Image": "payroll:1"}},
            "Mode": {"Replicated": {"Replicas": 1}},
            "EndpointSpec": {"Mode": "dnsrr"},
        }
    )
    site.swarm.networks.create("accounts_default")
    files = opened(site.run("bug-report", "-").stdout_bytes)
    assert "payroll" not in files["engine/services.json"] + files["engine/tasks.json"]
    (network,) = json.loads(files["engine/networks.json"])
    assert network["Name"] == "swarmhub_notebooks"
    assert len(json.loads(files["engine/tasks.json"])) == 4
    assert len(json.loads(files["engine/nodes.json"])) == 2


def test_users_are_anonymized_everywhere(site: Site) -> None:
    """In records, services, homes, events and logs alike, deleted ones too."""
    when = site.record("ada").metadata.created_at
    event = Event(
        kind=Concerned.NOTEBOOK, name="zoe--lab", reason="Gone", message="zoe has left",
        first_seen=when, last_seen=when,
    )  # fmt: skip
    site.state.store.put_events([event], fence=site.state.lease.token)
    result = site.run("bug-report", "-", "--anonymize")
    files = opened(result.stdout_bytes)
    word = re.compile(r"(?<![a-z0-9])(?:ada|zoe)(?![a-z0-9])")  # in an id they may be by chance
    for name, text in files.items():
        assert not word.search(text), name
    assert json.loads(files["notebooks.json"])["items"][0]["spec"]["user"] == "user-1"
    assert "home-user-1" in files["homes.json"]
    assert "jupyter-user-1" in files["engine/services.json"]
    assert "(user-1@10.0.0.7)" in files["logs/hub.log"]
    assert json.loads(files["events.json"])["items"][-1]["name"] == "user-2--lab"
    assert json.loads(files["manifest.json"])["anonymized"] is True
    assert "2 users have other names" in result.stderr


def test_without_an_engine(state: State, run: Run) -> None:
    """All from the store is there, and the reason is said once in the summary."""
    state.notebook("ada")
    result = run("bug-report", "-", DOCKER_HOST="unix:///nowhere.sock")
    assert result.exit_code == 0
    files = opened(result.stdout_bytes)
    left = missing(files)
    assert set(left) == OF_ENGINE | {"metrics.txt"}
    assert all("cannot be reached" in left[name] for name in OF_ENGINE)
    assert "No operator answers" in left["metrics.txt"]
    assert "the-token-itself" not in "".join(files.values())
    assert result.stderr.count("The engine cannot be reached") == 1


def test_without_a_store(site: Site, tmp_path: Path) -> None:
    """All from the engine is there; who reads it is told that secrets are not known."""
    url = f"sqlite:///{tmp_path}/none.db"
    result = site.run("bug-report", "-", "--state-url", url)
    assert result.exit_code == 0
    files = opened(result.stdout_bytes)
    left = missing(files)
    assert set(left) == OF_STORE | {"metrics.txt"}
    assert all("is missing" in left[name] for name in OF_STORE)
    (note,) = json.loads(files["manifest.json"])["notes"]
    assert "look at log lines with care" in note
    assert note in result.stderr
    assert "pr0xy-auth" not in "".join(files.values())
    assert not (tmp_path / "none.db").exists()


def test_while_the_store_is_locked(
    site: Site, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is waited for once, and the rest is there."""
    monkeypatch.setattr("swarmhub_crds.sqlstore.sqlite.connect.__defaults__", (0.1,))
    state.store.close()
    with closing(sqlite3.connect(state.path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("UPDATE meta SET revision = revision")
        result = site.run("bug-report", "-")
    assert result.exit_code == 0
    left = missing(opened(result.stdout_bytes))
    assert set(left) == OF_STORE | {"metrics.txt"}
    assert "locked by another process" in left["status.json"]


def test_what_is_broken_in_the_store_is_in_the_report(state: State, run: Run) -> None:
    """Records and secrets that cannot be read, too, without the secrets."""
    state.notebook("ada")
    state.sql("UPDATE notebooks SET spec = '{'")
    state.sql('UPDATE secret_environments SET environment = \'{"A": "the-token-itself", oops\'')
    when = "2026-01-01T00:00:00.000000Z"
    state.sql(
        "INSERT INTO events VALUES (1, 'Notebook', 'ada', 'Normal', 'Seen', "
        f"'it said the-token-itself', 1, '{when}', '{when}')"
    )
    files = opened(run("bug-report", "-", DOCKER_HOST="unix:///nowhere.sock").stdout_bytes)
    assert json.loads(files["notebooks.json"])["items"][0]["invalid"]
    assert "it said (hidden)" in files["events.json"]


def test_a_fault_in_one_part_costs_no_other(
    state: State, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even one that nobody has thought of."""

    def fail(*_: Any) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(contents, "examine", fail)
    files = opened(run("bug-report", "-", DOCKER_HOST="unix:///nowhere.sock").stdout_bytes)
    assert missing(files)["status.json"] == "It could not be taken: ZeroDivisionError: oops."
    assert "homes.json" in files


def test_a_wrong_setting_is_a_part_that_is_missing(state: State, run: Run) -> None:
    """And no reason to tell nothing."""
    result = run(
        "bug-report", "-", DOCKER_HOST="unix:///nowhere.sock", SWARMHUB_WORKERS="many"
    )  # fmt: skip
    assert result.exit_code == 0
    left = missing(opened(result.stdout_bytes))
    assert "The setting workers is wrong" in left["settings.json"]


def test_a_file_is_not_overwritten_unasked(state: State, run: Run, tmp_path: Path) -> None:
    """With --force it is, for its owner's eyes alone."""
    target = tmp_path / "report.tar.gz"
    target.write_text("mine")
    target.chmod(0o644)
    words = ("bug-report", str(target))
    refused = run(*words, DOCKER_HOST="unix:///nowhere.sock")
    assert (refused.exit_code, refused.stdout, target.read_text()) == (1, "", "mine")
    assert "--force" in refused.stderr
    done = run(*words, "--force", DOCKER_HOST="unix:///nowhere.sock")
    assert done.exit_code == 0
    assert target.stat().st_mode & 0o777 == 0o600
    assert "manifest.json" in opened(target.read_bytes())
    assert sorted(p.name for p in tmp_path.iterdir() if "report" in p.name) == ["report.tar.gz"]


def test_a_folder_that_is_not_there_is_one_sentence(run: Run, state: State, tmp_path: Path) -> None:
    """Exit code 1, and nothing is left."""
    result = run("bug-report", f"{tmp_path}/no/r.tar.gz", DOCKER_HOST="unix:///nowhere.sock")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "cannot be written (No such file or directory)" in result.stderr


def test_a_terminal_gets_no_archive(
    state: State, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """But a file with a name of its own, unless it asks for what it cannot show."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(output, "is_terminal", lambda: True)
    assert run("bug-report", "-", DOCKER_HOST="unix:///nowhere.sock").exit_code == 2
    assert run("bug-report", DOCKER_HOST="unix:///nowhere.sock").exit_code == 0
    (made,) = tmp_path.glob("swarmhub-report-*.tar.gz")
    assert "manifest.json" in opened(made.read_bytes())
