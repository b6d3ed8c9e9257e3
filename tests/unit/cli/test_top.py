"""`swarmhub top` on a real store and a simulated Swarm of two nodes, one of which can be asked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from swarmhub_crds.notebook import Resources
from swarmhub_operator.cli import measuring, top
from swarmhub_operator.cli.top_rows import By, cores, in_order, mebibytes, node_row
from swarmhub_operator.cli.top_sums import Machine, OfNode, OfNotebook, Taken, nodes, notebooks
from swarmhub_operator.engine import shares, usage
from swarmhub_operator.engine.amounts import CORE, NOTHING, Amounts
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.shares import Share
from swarmhub_operator.engine.usage import Sample, Usage, between
from unit.cli.samples import Run, State
from unit.cli.simulated import MIB, Site, simulated

GIB = 2**30
NOW = datetime(2026, 1, 1, tzinfo=UTC)
BOUND = Resources(cpu_guarantee=0.5, cpu_limit=2, mem_guarantee=256 * MIB, mem_limit=GIB)


@pytest.fixture
def site(state: State, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site with a server on each node, and a hub on the manager."""
    monkeypatch.setattr(measuring, "APART", 0.3)
    with simulated(state, run, tmp_path) as made:
        made.start("ada", resources=BOUND, labels={"course": "stats"})
        made.start("bob", on="worker", resources=BOUND)
        made.stack_service("hub")
        state.notebook("idle")
        yield made


def about(text: str) -> str:
    """Return a table with what was measured of CPU, and widths, left out."""
    return re.sub(r" +", " ", re.sub(r"\b2[2-8]\dm\b", "250m", text))


def test_notebooks_that_can_be_asked_are_measured(site: Site) -> None:
    """Of the others it is told why not; one without a place is not there."""
    result = site.run("top", "notebooks")
    assert result.exit_code == 0
    assert about(result.stdout).splitlines() == [
        "NAME NODE CPU(cores) CPU-REQUEST CPU-LIMIT MEMORY(bytes) MEMORY-REQUEST MEMORY-LIMIT",
        "ada manager 250m 500m 2000m 64Mi 256Mi 1024Mi",
        "bob worker - 500m 2000m - 256Mi 1024Mi",
    ]
    assert result.stderr == (
        "swarmhub: Not measured on worker: an engine counts for its own containers alone, and "
        "the one that was asked is that of manager.\n"
    )


def test_other_forms(site: Site) -> None:
    """For programs what is not known is null."""
    content = json.loads(site.run("top", "nb", "-o", "json").stdout)
    assert (content["kind"], content["notMeasured"]) == ("NotebookUsageList", ["worker"])
    ada, bob = content["items"]
    assert ada.pop("usage") == {"cpu": pytest.approx(0.25, abs=0.05), "memory": 64 * MIB}
    assert ada == {
        "name": "ada",
        "user": "ada",
        "server": "",
        "node": "manager",
        "nodeId": site.node("manager"),
        "requests": {"cpu": 0.5, "memory": 256 * MIB},
        "limits": {"cpu": 2.0, "memory": GIB},
    }
    assert bob["usage"] is None
    assert "kind: NotebookUsageList" in site.run("top", "nb", "-o", "yaml").stdout
    assert site.run("top", "nb", "-o", "name").stdout == "notebook/ada\nnotebook/bob\n"
    wide = about(site.run("top", "nb", "-o", "wide", "-l", "course=stats").stdout).splitlines()
    assert wide[0].endswith("USER SERVER PHASE")
    assert [line.rpartition(" 1024Mi ")[2] for line in wide[1:]] == ["ada - Running"]


def test_nodes_have_sums_of_all_tasks(site: Site) -> None:
    """As parts of what they have; the hub's container counts, too."""
    result = site.run("top", "nodes")
    manager, worker = about(result.stdout).splitlines()[1:]
    assert manager.startswith("manager 1 ")
    assert re.search(r" [45]\d\dm \(\d+%\) 500m \(\d+%\) 2000m \(\d+%\) 128Mi ", manager)
    assert worker.startswith("worker 1 - 500m (")
    assert "Not measured on worker" in result.stderr
    content = json.loads(site.run("top", "node", "worker", "-o", "json").stdout)
    (item,) = content["items"]
    assert item["usage"] is None
    assert item["requests"] == {"cpu": 0.5, "memory": 256 * MIB}
    assert item["capacity"]["cpu"] > 0
    assert site.run("top", "nodes", "-o", "name").stdout == "node/manager\nnode/worker\n"


def test_one_alone(site: Site) -> None:
    """By a user's name; one that has no place, or is not there, is exit code 1."""
    assert site.run("top", "notebooks", "notebook/ada").stderr == ""
    assert about(site.run("top", "nb", "bob").stdout).splitlines()[1].startswith("bob worker -")
    idle = site.run("top", "nb", "idle")
    assert (idle.exit_code, idle.stdout) == (1, "")
    assert "has no place on a node now" in idle.stderr
    assert site.run("top", "nb", "nobody").exit_code == 1
    assert site.run("top", "nodes", "nowhere").exit_code == 1


@pytest.mark.parametrize(
    "words",
    [("pods",), ("notebooks", "ada", "-l", "a=b"), ("nodes", "--sort-by", "age"),
     ("nodes", "-o", "x"), ()],
)  # fmt: skip
def test_wrong_usage_is_exit_code_2(run: Run, words: tuple[str, ...]) -> None:
    """With a sentence."""
    result = run("top", *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr


def test_without_an_engine_the_records_are_told(state: State, run: Run) -> None:
    """Nothing is measured, and that is said; the exit code is 0, since it is an answer."""
    state.notebook("ada", resources=BOUND)
    state.observe("ada", phase="Running", node_id="n1", node="host")
    result = run("top", "notebooks", DOCKER_HOST="unix:///nowhere.sock")
    assert result.exit_code == 0
    assert about(result.stdout).splitlines()[1] == "ada n1 - 500m 2000m - 256Mi 1024Mi"
    assert "cannot be reached" in result.stderr
    assert "nothing was measured" in result.stderr


def test_nothing_runs(state: State, run: Run) -> None:
    """Which is no fault."""
    result = run("top", "notebooks", DOCKER_HOST="unix:///nowhere.sock")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No notebook has a place" in result.stderr


def test_a_watch_prints_again_until_it_is_ended(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One document a line, or tables with a line between; a sentence is said once."""
    show, looks = top._show, [0]

    def ended_after_three(*given: Any, **more: Any) -> list[str]:
        looks[0] += 1
        if looks[0] % 4 == 0:
            raise KeyboardInterrupt
        return show(*given, **more)

    monkeypatch.setattr(top, "EVERY", 0.0)
    monkeypatch.setattr(top, "_show", ended_after_three)
    told = site.run("top", "nb", "--watch", "-o", "json")
    assert told.exit_code == 0
    assert [json.loads(line)["kind"] for line in told.stdout.splitlines()] == [
        "NotebookUsageList"
    ] * 3
    assert told.stderr.count("Not measured") == 1
    assert site.run("top", "nodes", "-w").stdout.count("\n\n") == 3


def test_the_engine_is_asked_little(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two readings of each container that it has, and three lists, however many there are."""
    paths: list[str] = []
    request = site.served.request

    def noted(method: str, path: str, query: Any, body: Any) -> Any:
        paths.append(path.rpartition("/")[2])
        assert method == "GET"
        return request(method, path, query, body)

    monkeypatch.setattr(site.served, "request", noted)
    assert site.run("top", "notebooks").exit_code == 0
    assert sorted(paths) == ["info", "nodes", "stats", "stats", "tasks", "version"]


# The pure parts


def sample(seconds: float, cpu: float, memory: int = 0) -> Sample:
    """Return a reading."""
    return Sample(NOW + timedelta(seconds=seconds), round(cpu * 1e9), memory)


def test_use_is_what_the_counters_gained() -> None:
    """By the engine's own clock; what began anew is not known."""
    assert between(sample(0, 1), sample(2, 2, 7)) == Usage(CORE // 2, 7)
    assert between(sample(0, 1), sample(0, 1)) is None
    assert between(sample(0, 2), sample(1, 1)) is None
    assert between(None, sample(1, 1)) is None


@pytest.mark.parametrize("files", ["total_inactive_file", "inactive_file"])
def test_files_that_can_be_dropped_are_no_use(files: str) -> None:
    """As cgroup v1 and v2 call them; of a container that has ended there is no reading."""
    raw = {
        "read": "2026-01-01T00:00:01.5Z",
        "cpu_stats": {"cpu_usage": {"total_usage": 5}},
        "memory_stats": {"usage": 100, "stats": {files: 30}},
    }
    read = usage.read(raw)
    assert read == Sample(NOW + timedelta(seconds=1.5), 5, 70)
    assert usage.read({**raw, "memory_stats": {"usage": 20, "stats": {files: 30}}}) is not None
    assert usage.read({**raw, "memory_stats": {}}) is None


def test_an_ended_task_holds_nothing() -> None:
    """Nor does one without a node."""
    task = {"ID": "t", "NodeID": "n", "Status": {"State": "running"}, "Spec": {}}
    assert shares.read(task) == Share("t", "n", running=True)
    assert shares.read({**task, "Status": {"State": "failed"}}) is None
    assert shares.read({**task, "NodeID": ""}) is None


def test_of_two_tasks_the_one_that_runs_is_told() -> None:
    """Another store's notebooks are not ours, but hold their part of the node."""
    half = Amounts(CORE // 2, GIB)
    told = Taken(
        (Machine("n", "host", has=Amounts(2 * CORE, 4 * GIB)),),
        (
            Share("t1", "n", half, store="me", notebook="ada", container="old"),
            Share("t2", "n", half, store="me", notebook="ada", container="new", running=True),
            Share("t3", "n", half, store="you", notebook="ada", container="c3", running=True),
            Share("t4", "n", half, container="c4", running=True),
        ),
        {"new": Usage(CORE, GIB), "c4": Usage(CORE, GIB)},
        "n",
    )
    (ada,) = notebooks(told, {}, "me")
    assert (ada.usage, ada.requests) == (Usage(CORE, GIB), half)
    (host,) = nodes(told, "me")
    assert (host.notebooks, host.requests) == (1, Amounts(2 * CORE, 4 * GIB))
    assert host.usage == Usage(2 * CORE, 2 * GIB)
    row = node_row(host, wide=True)
    assert row[2:4] == ["2000m (100%)", "2000m (100%)"]
    assert row[4] == "-"


def test_the_greatest_come_first() -> None:
    """And what was not measured last, in the order of names."""

    def one(name: str, used: Usage | None) -> OfNotebook:
        return OfNotebook(name, "n", "host", NOTHING, NOTHING, used, None)

    found = [one("b", None), one("c", Usage(1, 9)), one("a10", None), one("d", Usage(2, 1))]
    for by, order in ((By.CPU, "d c a10 b"), (By.MEMORY, "c d a10 b"), (None, "a10 b c d")):
        assert " ".join(n.name for n in in_order(found, by, lambda n: n.name)) == order


def test_amounts_are_written_as_kubectl_does() -> None:
    """And a little is not nothing."""
    assert [cores(n) for n in (0, 1, CORE // 4, 12 * CORE)] == ["0m", "1m", "250m", "12000m"]
    assert [mebibytes(n) for n in (0, 1, MIB, 3 * GIB)] == ["0Mi", "1Mi", "1Mi", "3072Mi"]
    unknown = OfNode(Machine("i", "h"), 0, NOTHING, NOTHING, None)
    assert node_row(unknown, wide=False) == ["h", "0", "-", "-", "-", "-", "-", "-"]


class Fickle:
    """An engine that gives readings of some containers only."""

    def __init__(self, *good: str) -> None:
        self.good = good
        self.asked = 0

    def sample(self, container: str) -> Sample | None:
        """Read one."""
        self.asked += 1
        if container not in self.good:
            raise EngineError(Kind.UNAVAILABLE, "Not now.")
        return sample(self.asked, self.asked / 2)


def test_who_gives_no_reading_costs_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only if none at all is to be had it is trouble."""
    monkeypatch.setattr(measuring, "APART", 0.0)
    some: Any = Fickle("c2")
    assert measuring.measured(some, ["c1", "c2"]) == {"c2": Usage(CORE // 2, 0)}
    none: Any = Fickle()
    with pytest.raises(EngineError, match="Not now"):
        measuring.measured(none, ["c1", "c2"])


def test_readings_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was not asked in time is not measured."""
    monkeypatch.setattr(measuring, "APART", 0.0)
    monkeypatch.setattr(measuring, "WITHIN", -1.0)
    slow: Any = Fickle("c1")
    assert measuring.measured(slow, ["c1"]) == {}
    assert slow.asked == 0
