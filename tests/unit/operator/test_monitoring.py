"""Rules, dashboard and docs/metrics.md speak of what an operator tells, and of all of it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry
from support.waiting import wait_for
from swarmhub_crds.notebook import Phase
from swarmhub_crds.store import Store
from swarmhub_operator.decide.policy import Policy, SweepPolicy
from swarmhub_operator.hostmemory import HostMemory
from unit.operator.fakeswarm import NODE, FakeSwarm, Operator

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "images" / "monitoring"
DOCUMENT = (ROOT / "docs" / "metrics.md").read_text()
RULES = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text())
ALERTS = [rule for group in RULES for rule in group["rules"]]
GRAPHS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [
    *(rule["expr"] for rule in ALERTS),
    *(target["expr"] for panel in GRAPHS for target in panel["targets"]),
]
FROM_PROMETHEUS = {"up", "job", "instance"}  # what Prometheus adds by itself
_SELECTOR = re.compile(r"\b((?:swarmhub|process)_\w+|up\b)(?:\{([^}]*)\})?")
_GROUPING = re.compile(r"\bby \(([^)]*)\)")
_SUFFIX = re.compile(r"_(bucket|count|sum)$")

Exposed = dict[str, dict[str, set[str]]]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CollectorRegistry]:
    """Yield what an operator tells that has started, lost and stopped a server, and swept."""
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('store')}/state.db")
    policy = Policy(sweep=SweepPolicy(interval=0.3))
    memory = HostMemory(NODE.memory, NODE.memory // 4)
    operator = Operator(store, FakeSwarm(), policy, lambda: memory)
    operator.apply("ada")
    operator.wait("ada", "to run", lambda status: status.phase is Phase.RUNNING)
    told = operator.metrics.registry.get_sample_value
    for name in ("swarmhub_last_sweep_timestamp_seconds", "swarmhub_nodes_memory_used_bytes"):
        wait_for(name, partial(told, name))
    yield operator.metrics.registry
    operator.stop()
    store.close()


@pytest.fixture(scope="module")
def exposed(registry: CollectorRegistry) -> Exposed:
    """Return the values of each label of each sample."""
    found: Exposed = defaultdict(lambda: defaultdict(set))
    for family in registry.collect():
        for sample in family.samples:
            _ = found[sample.name]
            for label, value in sample.labels.items():
                found[sample.name][label].add(value)
    return found


def selectors(expression: str) -> list[tuple[str, dict[str, str]]]:
    """Return the metrics that a query names, each with the labels that it compares."""
    found = []
    for name, matchers in _SELECTOR.findall(expression):
        pairs = re.findall(r'(\w+)\s*(?:=~|!=|!~|=)\s*"([^"]*)"', matchers)
        found.append((name, dict(pairs)))
    return found


def test_selectors_are_found() -> None:
    """Else the tests below would pass for nothing."""
    text = 'sum by (le) (rate(swarmhub_a_bucket{phase="Lost",x!="y"}[5m])) / max(process_b)'
    assert selectors(text) == [
        ("swarmhub_a_bucket", {"phase": "Lost", "x": "y"}),
        ("process_b", {}),
    ]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_each_query_asks_for_what_is_told(expression: str, exposed: Exposed) -> None:
    """Names, labels, and the phases, which are fixed."""
    named = selectors(expression)
    assert named, expression
    labels: set[str] = set()
    for name, compared in named:
        assert name in {*exposed, *FROM_PROMETHEUS}, f"nobody tells {name}"
        labels |= {*exposed[name]} if name in exposed else set()
        assert {*compared} <= {*exposed.get(name, ()), *FROM_PROMETHEUS}
        if "phase" in compared:
            assert compared["phase"] in exposed[name]["phase"]
        if "lane" in compared:
            assert compared["lane"] in exposed[name]["lane"]
    for grouping in _GROUPING.findall(expression):
        assert {*re.split(r",\s*", grouping)} <= {*labels, *FROM_PROMETHEUS}


def test_each_metric_is_on_the_dashboard(exposed: Exposed) -> None:
    """What nobody looks at need not be told."""
    shown = {
        _SUFFIX.sub("", name)
        for panel in GRAPHS
        for target in panel["targets"]
        for name, _ in selectors(target["expr"])
    }
    told = {
        _SUFFIX.sub("", name)
        for name in exposed
        if name.startswith("swarmhub_") and not name.endswith("_created")
    }
    assert told <= shown


def test_each_metric_is_documented(registry: CollectorRegistry) -> None:
    """The table of docs/metrics.md holds each of them, and none that is not told."""
    told = {
        family.name
        + ("_total" if family.type == "counter" else "")
        + ("_info" if family.type == "info" else "")
        for family in registry.collect()
        if family.name.startswith("swarmhub_")
    }
    documented = set(re.findall(r"^\| `(swarmhub_\w+)", DOCUMENT, re.MULTILINE))
    assert documented == told


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_each_rule_tells_what_to_do(rule: dict[str, Any]) -> None:
    """A severity, a summary, the next command, and the same alert in docs/metrics.md."""
    assert {*rule} <= {"alert", "expr", "for", "labels", "annotations"}
    assert re.fullmatch(r"Swarmhub\w+", rule["alert"])
    assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert {*rule["annotations"]} == {"summary", "description"}
    assert re.search(r"`(swarmhub|docker) [^`]+`", rule["annotations"]["description"])
    assert f"| `{rule['alert']}` |" in DOCUMENT


def test_no_rule_is_there_twice() -> None:
    """Nor is one documented that is not there."""
    names = [rule["alert"] for rule in ALERTS]
    assert len(names) == len(set(names))
    assert set(re.findall(r"^\| `(Swarmhub\w+)`", DOCUMENT, re.MULTILINE)) == set(names)


def test_the_rules_are_about_the_job_that_prometheus_is_told_of() -> None:
    """The example beside them says where the operator is, and by which name it goes."""
    (job,) = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
    jobs = {
        compared["job"]
        for rule in ALERTS
        for _, compared in selectors(rule["expr"])
        if "job" in compared
    }
    assert jobs == {job["job_name"]}
    assert job["dns_sd_configs"] == [{"names": ["swarmhub_operator"], "type": "A", "port": 8089}]


def test_the_dashboard_leaves_the_source_to_its_user() -> None:
    """Each panel has an id of its own, a place, and queries; none names a data source."""
    source, job = DASHBOARD["templating"]["list"]
    assert (source["type"], source["query"]) == ("datasource", "prometheus")
    assert job["name"] == "job"
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    for panel in GRAPHS:
        assert panel["title"]
        assert panel["targets"]
        for asking in (panel, *panel["targets"]):
            assert asking["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        for target in panel["targets"]:
            assert all('job=~"$job"' in selector for selector in _selected(target["expr"]))


def _selected(expression: str) -> list[str]:
    return [f"{name}{{{matchers}}}" for name, matchers in _SELECTOR.findall(expression)]


@pytest.mark.parametrize(
    "check",
    [
        ("check", "rules", str(FOLDER / "alerts.yml")),
        ("test", "rules", str(Path(__file__).parent / "alerts_test.yml")),
    ],
)
def test_prometheus_takes_the_rules(check: tuple[str, ...]) -> None:
    """It understands them, and each fires when it should, and not when all is well."""
    assert shutil.which("promtool"), "promtool is missing: `tests/support/prepare engine` brings it"
    done = subprocess.run(["promtool", *check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_rule_has_a_case_in_which_it_fires() -> None:
    """Which promtool runs where it is there."""
    text = (Path(__file__).parent / "alerts_test.yml").read_text()
    fires = set(re.findall(r'ALERTS\{alertname="(\w+)", alertstate="firing"', text))
    assert fires == {rule["alert"] for rule in ALERTS}
