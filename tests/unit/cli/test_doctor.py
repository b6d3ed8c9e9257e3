"""`swarmhub doctor` on a real store and a simulated Swarm, which it asks as it asks an engine."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from simswarm.clock import VirtualClock
from simswarm.refusal import NO_LEADER, WORKER
from simswarm.server import Served, serve
from simswarm.swarm import Swarm
from simswarm.world import Durations, World
from swarmhub_crds.errors import Reason
from swarmhub_crds.notebook import PullPolicy
from swarmhub_crds.sqlstore import failures, sqlite
from swarmhub_operator.cli import doctor_host
from swarmhub_operator.cli.options import engine_at
from swarmhub_operator.doctor import x509
from swarmhub_operator.doctor.finding import Check
from swarmhub_operator.engine import labels
from typer.testing import Result
from unit.cli.samples import Run, State

NETWORK = "swarmhub_notebooks"
FIELDS = ["check", "subject", "verdict", "message", "why", "nextStep"]
QUICK = Durations(
    **dict.fromkeys(("decide", "allocate", "schedule", "accept", "prepare", "start"), 0.001),
    notice=0.05,
)


class Site:
    """A store, a Swarm, and the command between them."""

    def __init__(self, state: State, run: Run, served: Served) -> None:
        self.state = state
        self.swarm = served.swarm
        self.served = served
        self._run = run
        self.url = served.url
        self.environment = {"SWARMHUB_ERRAND_IMAGE": "127.0.0.1:5000/swarmhub/operator:1"}

    def doctor(self, *words: str) -> Result:
        """Run the command."""
        environment = {"DOCKER_HOST": self.url, **self.environment}
        result = self._run("doctor", *words, **environment)
        assert result.exception is None or isinstance(result.exception, SystemExit), result
        return result

    def verdicts(self, *words: str) -> dict[str, set[str]]:
        """Return what the command thinks of each check."""
        told: dict[str, set[str]] = {}
        for finding in json.loads(self.doctor("-o", "json", *words).stdout)["findings"]:
            told.setdefault(finding["check"], set()).add(finding["verdict"])
        return told

    def service(self, name: str, **values: Any) -> None:
        """Start a service on the notebooks' network, and let it come up."""
        spec = {
            "Name": name,
            "Labels": {labels.STORE: self.state.store.uid},
            "TaskTemplate": {
                "ContainerSpec": {"Image": "any"},
                "Networks": [{"Target": NETWORK}],
                "RestartPolicy": {"Condition": "none"},
            },
            "Mode": {"Replicated": {"Replicas": 1}},
            "EndpointSpec": {"Mode": "dnsrr"},
        }
        with self.served.lock:
            self.swarm.services.create(spec | values)
            self.swarm.clock.advance(0.1)

    def label(self, **nodes: str) -> None:
        """Give nodes the label of the state, or take it."""
        with self.served.lock:
            for raw in list(self.swarm.world.nodes.values()):
                wanted = nodes.get(raw["Description"]["Hostname"])
                spec = {**raw["Spec"], "Labels": {"swarmhub.state": wanted} if wanted else {}}
                self.swarm.nodes.update(raw["ID"], raw["Version"]["Index"], spec)

    def node(self, hostname: str) -> str:
        """Return a node's id."""
        nodes = self.swarm.world.nodes.values()
        return next(str(n["ID"]) for n in nodes if n["Description"]["Hostname"] == hostname)


@pytest.fixture
def site(state: State, run: Run, tmp_path: Path) -> Iterator[Site]:
    """Yield a Swarm of two nodes in which a hub runs."""
    swarm = Swarm(
        World(clock=VirtualClock(datetime.now(UTC)), durations=QUICK), workers=("worker",)
    )
    swarm.networks.create(NETWORK)
    for raw in list(swarm.world.nodes.values()):  # newer than what has known faults
        engine = {"EngineVersion": "28.5.2"}
        described = {**raw["Description"], "Engine": engine}
        swarm.world.put(swarm.world.nodes, {**raw, "Description": described})
    with serve(swarm, tmp_path / "engine.sock") as served:
        made = Site(state, run, served)
        made.label(manager="true")
        made.service("swarmhub_hub")
        yield made


def of(result: Result, check: Check) -> list[dict[str, str]]:
    """Return the findings of one check."""
    found: list[dict[str, str]] = json.loads(result.stdout)["findings"]
    return [f for f in found if f["check"] == check]


# -- what is said, and how


def test_all_is_well(site: Site) -> None:
    """But for what nobody was asked; nothing is wrong, so the exit code is 0."""
    result = site.doctor()
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0].startswith("Findings:   ")
    assert "failed" not in lines[0]
    assert "Next: `swarmhub doctor --probe-nodes` asks the nodes, by an errand to each." in (
        result.stdout
    )
    assert "What is well" not in result.stdout
    assert "What is well (" in site.doctor("--all").stdout
    assert "\x1b[" not in result.stdout


def test_json_has_a_stable_shape(site: Site) -> None:
    """As docs/cli.md has it; YAML says the same."""
    content = json.loads(site.doctor("-o", "json").stdout)
    assert list(content) == ["apiVersion", "kind", "healthy", "takenAt", "verdicts", "findings"]
    assert (content["apiVersion"], content["kind"]) == ("swarmhub/v1", "Diagnosis")
    assert content["healthy"] is True
    assert datetime.fromisoformat(content["takenAt"]).tzinfo is not None
    assert list(content["verdicts"]) == ["ok", "warning", "failed", "unknown"]
    assert sum(content["verdicts"].values()) == len(content["findings"])
    assert all(list(f) == FIELDS for f in content["findings"])
    assert list(dict.fromkeys(f["check"] for f in content["findings"])) == list(Check)
    assert "kind: Diagnosis" in site.doctor("-o", "yaml").stdout


def test_what_is_wrong_comes_first_and_has_a_next_step(site: Site) -> None:
    """The exit code is then 1, in every form."""
    site.service("swarmhub_proxy", EndpointSpec={"Mode": "vip"})
    result = site.doctor()
    assert result.exit_code == 1
    text = result.stdout
    assert text.index("What is wrong, and what to do (1):") < text.index("What could not be looked")
    assert "  endpoints: failed\n    Services have a virtual address" in text
    assert "Next: `docker service update --endpoint-mode dnsrr swarmhub_proxy`" in text
    told = site.doctor("-o", "json")
    assert (told.exit_code, json.loads(told.stdout)["healthy"]) == (1, False)


def test_a_wrong_word_is_usage(site: Site) -> None:
    """Exit code 2."""
    assert site.doctor("--what").exit_code == 2
    assert site.doctor("-o", "xml").exit_code == 2


def test_text_of_others_steers_no_terminal(site: Site) -> None:
    """A service's name may come from anybody."""
    site.service("evil", Labels={}, EndpointSpec={"Mode": "vip"})
    with site.served.lock:
        world = site.swarm.world
        raw = next(s for s in world.services.values() if s["Spec"]["Name"] == "evil")
        world.put(world.services, {**raw, "Spec": {**raw["Spec"], "Name": "e\x1b[2Jvil"}})
    text = site.doctor().stdout
    assert "e\\u001b[2Jvil" in text
    assert "\x1b" not in text


# -- what is missing


def test_the_engine_is_down(site: Site, tmp_path: Path) -> None:
    """That is the finding; what it would tell is unknown, and the store is looked at."""
    site.url = f"unix://{tmp_path}/nobody.sock"
    result = site.doctor("-o", "json")
    assert result.exit_code == 1
    told = {f["check"]: f["verdict"] for f in json.loads(result.stdout)["findings"]}
    assert [check for check, verdict in told.items() if verdict == "failed"] == [Check.ENGINE]
    assert told[Check.STORE] == told[Check.LEASE] == "ok"
    assert told[Check.QUORUM] == told[Check.ADDRESSES] == told[Check.REGISTRY] == "unknown"
    assert "cannot be reached" in of(result, Check.ENGINE)[0]["message"]


def test_the_store_is_locked(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is the finding, with who may hold it; the engine is looked at."""
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.2)
    monkeypatch.setattr(sqlite.connect, "__defaults__", (0.2,))
    site.state.store.close()
    with closing(sqlite3.connect(site.state.path, isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode=EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        result = site.doctor("-o", "json")
    told = {f["check"]: f["verdict"] for f in json.loads(result.stdout)["findings"]}
    assert [check for check, verdict in told.items() if verdict == "failed"] == [Check.STORE]
    assert told[Check.MANAGER] == told[Check.ENDPOINTS] == told[Check.NODES] == "ok"
    assert told[Check.LEASE] == told[Check.IMAGES] == "unknown"
    assert "fuser" in of(result, Check.STORE)[0]["nextStep"]


def test_the_operator_is_down(site: Site) -> None:
    """What `status` says of it, and all else."""
    site.state.store.release_lease(site.state.lease)
    result = site.doctor("-o", "json")
    assert result.exit_code == 1
    (finding,) = of(result, Check.LEASE)
    assert finding["verdict"] == "failed"
    assert "docker service ps swarmhub_operator" in finding["nextStep"]
    assert of(result, Check.QUORUM)[0]["verdict"] == "ok"


def test_there_is_no_store(site: Site) -> None:
    """Nor is one made."""
    site.state.store.close()
    for file in site.state.path.parent.glob("state.db*"):
        file.unlink()
    assert site.verdicts()[Check.STORE] == {"failed"}
    assert not site.state.path.exists()


def test_an_old_schema(site: Site) -> None:
    """Is told as such, with how it is migrated."""
    site.state.sql("UPDATE alembic_version SET version_num = '0005'")
    result = site.doctor("-o", "json")
    (finding,) = of(result, Check.SCHEMA)
    assert finding["verdict"] == "failed"
    assert "`swarmhub state migrate`" in finding["nextStep"]
    assert of(result, Check.STORE)[0]["verdict"] == "unknown"


def test_not_a_manager(site: Site) -> None:
    """The lists of the Swarm are not to be had."""
    site.swarm.refusal = WORKER
    told = site.verdicts()
    assert told[Check.ENGINE] == {"ok"}
    assert told[Check.MANAGER] == {"failed"}
    assert told[Check.QUORUM] == told[Check.VERSIONS] == {"unknown"}


def test_a_lost_quorum(site: Site) -> None:
    """In the engine's words."""
    site.swarm.refusal = NO_LEADER
    told = site.verdicts()
    assert told[Check.QUORUM] == {"failed"}
    assert told[Check.NODES] == {"unknown"}


# -- what is found


def test_nothing_is_changed_unless_nodes_are_probed(site: Site) -> None:
    """The engine is opened for reading only."""
    engine = engine_at("tcp://127.0.0.1:1", reads_only=True, logins="/nowhere")
    with pytest.raises(RuntimeError, match="only reads"):
        engine._guard()
    before = {k: v["Version"] for k, v in site.swarm.world.services.items()}
    site.doctor()
    assert {k: v["Version"] for k, v in site.swarm.world.services.items()} == before


def test_probes_tell_of_each_node(site: Site) -> None:
    """One errand each, without privileges, on the notebooks' network; none is left."""
    made: list[Any] = []
    site.swarm.journal.listen(made.append)
    result = site.doctor("--probe-nodes", "-o", "json")
    assert result.exit_code == 0, result.stdout
    told = {f["check"]: f["verdict"] for f in json.loads(result.stdout)["findings"]}
    assert told[Check.NAMES] == told[Check.CLOCK] == told[Check.DISK] == "ok"
    services = (e for e in made if (e["Type"], e["Action"]) == ("service", "create"))
    names = [e["Actor"]["Attributes"]["name"] for e in services]
    assert [n.startswith("swarmhub-errand-") for n in names] == [True, True]
    left = [s["Spec"]["Name"] for s in site.swarm.world.services.values()]
    assert left == ["swarmhub_hub"]


def test_probes_find_what_is_wrong_on_a_node(site: Site) -> None:
    """A clock, a disk, names and a registry, each with the node's name."""
    site.state.notebook("ada", image="registry.example/lab:1")
    site.swarm.world.sights[site.node("worker")] = {
        "at": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
        "disk": {"total": 100, "free": 3},
        "names": {"swarmhub_hub": "Name or service not known"},
        "connections": {"registry.example:443": "timed out"},
    }
    result = site.doctor("--probe-nodes", "-o", "json")
    assert result.exit_code == 1
    failed = [f for f in json.loads(result.stdout)["findings"] if f["verdict"] == "failed"]
    assert [(f["check"], f["subject"]) for f in failed] == [
        (check, "worker") for check in (Check.CLOCK, Check.DISK, Check.NAMES, Check.REGISTRY)
    ]


def test_a_node_that_is_down_is_not_waited_for(site: Site) -> None:
    """It is named with the reason."""
    with site.served.lock:
        site.swarm.nodes.power_off(site.node("worker"))
        site.swarm.clock.advance(0.2)
    result = site.doctor("--probe-nodes", "-o", "json")
    (names,) = of(result, Check.NAMES)
    assert names["verdict"] == "unknown"
    assert "worker (it is down and cannot be asked)" in names["message"]


def test_probes_need_an_image(site: Site) -> None:
    """Without one it is said which setting names it."""
    site.environment = {}
    (names,) = of(site.doctor("--probe-nodes", "-o", "json"), Check.NAMES)
    assert "SWARMHUB_ERRAND_IMAGE" in names["message"]


def test_registries_are_asked_for_what_servers_want(site: Site) -> None:
    """A registry that does not answer is asked once."""
    for user, image in (("ada", "r.example/a:1"), ("bob", "r.example/b:1")):
        site.state.notebook(user, image=image)
    assert site.verdicts("--probe-nodes")[Check.REGISTRY] == {"ok"}
    assert site.verdicts()[Check.REGISTRY] == {"unknown"}  # from the worker
    site.swarm.world.images.registry = False
    findings = of(site.doctor("-o", "json"), Check.REGISTRY)
    assert [f["subject"] for f in findings] == ["r.example", "127.0.0.1:5000"]  # the errands', too
    assert {f["verdict"] for f in findings} == {"failed"}


def test_an_image_that_is_named_by_digest_is_asked_for(site: Site) -> None:
    """As the stack names its own: a registry that has lost it is found out before its nodes are."""
    lost = f"r.example/a@sha256:{'0' * 64}"
    site.state.notebook("ada", image=lost)
    told = site.verdicts("--probe-nodes")
    assert told[Check.REGISTRY] == told[Check.IMAGES] == {"ok"}
    site.swarm.world.images.missing.add("r.example/a@")
    (finding,) = of(site.doctor("-o", "json"), Check.IMAGES)
    assert (finding["verdict"], finding["subject"]) == ("failed", lost)
    assert "check its name and digest" in finding["message"]


def test_images_of_errands_are_wanted_too(site: Site) -> None:
    """While nobody has a server; those that come from no registry are not asked for."""
    site.state.notebook("ada", image="r.example/own:1", pull_policy=PullPolicy.NEVER)
    site.swarm.world.images.missing.add("r.example/own")
    assert site.verdicts("--probe-nodes")[Check.IMAGES] == {"ok"}
    site.environment = {}
    told = site.doctor("-o", "json")
    for check in (Check.REGISTRY, Check.IMAGES):
        (finding,) = of(told, check)
        assert finding["verdict"] == "unknown"
        assert "no image is wanted" in finding["message"]


def test_state_on_two_nodes(site: Site) -> None:
    """And on none."""
    site.label(manager="true", worker="true")
    assert site.verdicts()[Check.STATE] == {"failed"}
    site.label()
    assert site.verdicts()[Check.STATE] == {"failed"}


def test_a_file_that_others_may_read(site: Site) -> None:
    """With what closes it."""
    site.state.path.chmod(0o644)
    files = of(site.doctor("-o", "json"), Check.FILES)
    assert files[0]["nextStep"] == f"`chmod 0600 {site.state.path}`."


def test_a_policy_that_is_wrong_or_unsafe(site: Site, tmp_path: Path) -> None:
    """The other settings count all the same; the file itself is looked at, too."""
    file = tmp_path / "policy.toml"
    site.environment |= {"SWARMHUB_POLICY_FILE": str(file), "SWARMHUB_NETWORK": NETWORK}
    file.write_text("allowed_volumes = ['*']")
    file.chmod(0o666)
    told = site.verdicts()
    assert told[Check.POLICY] == told[Check.FILES] == {"failed"}
    file.write_text("allowed_volume = 1")
    told = site.verdicts()
    assert told[Check.POLICY] == told[Check.FILES] == {"failed"}
    assert told[Check.ADDRESSES] == {"ok"}


def test_a_certificate_that_runs_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy's, which is asked at its own address; who does not answer is not called good."""
    env = {"Image": "any", "Env": ["SWARMHUB_TLS=/both.pem"]}
    template = {"ContainerSpec": env, "Networks": [{"Target": NETWORK}]}
    site.service("swarmhub_proxy", TaskTemplate=template)
    asked = []

    def refuse(address: str, port: int) -> bytes:
        asked.append(port)
        raise ConnectionRefusedError("refused")

    monkeypatch.setattr(doctor_host, "shown_by", refuse)
    (finding,) = of(site.doctor("-o", "json"), Check.CERTIFICATES)
    assert (finding["verdict"], asked) == ("unknown", [8000])
    ends = datetime.now(UTC) + timedelta(days=2)
    monkeypatch.setattr(doctor_host, "shown_by", lambda *_: b"")
    monkeypatch.setattr(x509, "good_until", lambda _: ends)
    (finding,) = of(site.doctor("-o", "json"), Check.CERTIFICATES)
    assert finding["verdict"] == "failed"
    assert "make up" in finding["nextStep"]


def test_the_sentences_of_the_store_can_be_taken_apart() -> None:
    """What is wrong before the semicolon, what to do after it: doctor tells them apart so."""
    for reason in failures._SENTENCES:
        what, _, remedy = str(failures.unavailable(reason, Path("/x"), "d")).partition("; ")
        assert what
        assert remedy
    assert Reason.LOCKED in failures._SENTENCES
