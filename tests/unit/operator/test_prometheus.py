"""A Prometheus of Debian's packages reads an operator at work: each panel's query has an answer."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest
import yaml
from support.ports import free_port
from support.prometheus import JOB, MONITORING, QUERIES, Prometheus, program, rule_names
from support.waiting import wait_for
from swarmhub_crds.notebook import Desired, Phase
from swarmhub_crds.store import Store
from swarmhub_operator.decide.policy import Policy, RestartPolicy, SweepPolicy
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.hostmemory import HostMemory
from swarmhub_operator.loop import health
from unit.operator.fakeswarm import NODE, FakeSwarm, Operator

# A little of everything that a panel tells: given up at once, so that a failure is soon.
POLICY = Policy(
    sweep=SweepPolicy(interval=0.3), restart=RestartPolicy(budget=1, base_delay=0.1, max_delay=0.2)
)


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """Yield an operator on a Swarm in memory."""
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('store')}/state.db")
    memory = HostMemory(NODE.memory, NODE.memory // 4)
    made = Operator(store, FakeSwarm(), POLICY, lambda: memory)
    yield made
    made.stop()
    store.close()


@pytest.fixture(scope="module")
def prometheus(
    operator: Operator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """Yield a Prometheus that scrapes the operator each second."""
    served = health.serve(operator.pulse, operator.metrics.registry, "127.0.0.1", 0)
    folder, port = tmp_path_factory.mktemp("prometheus"), free_port()
    target = f"127.0.0.1:{served.server_address[1]}"
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(MONITORING / "alerts.yml")],
        "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": [target]}]}],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    command = [program(), f"--config.file={folder}/prometheus.yml"]
    command += [f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"]
    made = Prometheus(f"http://127.0.0.1:{port}")
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            wait_for("Prometheus", lambda: made.ready() or process.poll() is not None)
            assert process.poll() is None, (folder / "log").read_text()
            yield made
        finally:
            process.terminate()
            served.shutdown()
            served.server_close()


@pytest.fixture(scope="module")
def life(prometheus: Prometheus, operator: Operator) -> None:
    """Start, lose, give up and stop servers, with an engine that fails once in between."""

    def fails(call: str) -> None:
        if call in ("services", "create_service"):
            raise EngineError(Kind.UNAVAILABLE, "The engine is away; wait.")

    prometheus.await_scrape()
    for number in range(2):  # a rate needs what is counted to rise between two scrapes
        user, doomed, late = f"ada{number}", f"bob{number}", f"dan{number}"
        _start(operator, user)
        _lose(operator, user, restarts=1)
        _start(operator, doomed)
        _lose(operator, doomed, restarts=1)
        operator.swarm.end_task(f"jupyter-{doomed}")
        operator.wait(doomed, "to be given up", lambda status: status.phase is Phase.FAILED)
        operator.apply(f"cleo{number}", networks=("elsewhere",))
        operator.swarm.before = fails
        operator.apply(late)
        prometheus.await_scrape()
        operator.swarm.before = lambda _: None
        operator.wait(late, "to run", lambda status: status.phase is Phase.RUNNING)
        operator.store.set_desired(late, Desired.STOPPED)
        operator.wait(late, "to stop", lambda status: status.phase is Phase.STOPPED)
    prometheus.await_scrape()


def _start(operator: Operator, user: str) -> None:
    operator.apply(user)
    operator.wait(user, "to run", lambda status: status.phase is Phase.RUNNING)


def _lose(operator: Operator, user: str, restarts: int) -> None:
    operator.swarm.end_task(f"jupyter-{user}")
    operator.wait(
        user,
        "to be back",
        lambda status: (status.restarts, status.phase) == (restarts, Phase.RUNNING),
    )


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.usefixtures("life")
def test_each_panel_has_something_to_show(prometheus: Prometheus, query: str) -> None:
    """No answer, or one that is no number, would be an empty panel."""
    wait_for(f"an answer to {query}", lambda: prometheus.ask_panel(query, "1m"))


@pytest.mark.usefixtures("life")
def test_each_rule_is_evaluated(prometheus: Prometheus) -> None:
    """By what this version of Prometheus makes of the metrics."""
    wait_for("all rules", lambda: prometheus.rules() == dict.fromkeys(rule_names(), "ok"))


def test_what_nobody_tells_has_no_answer(prometheus: Prometheus) -> None:
    """Else the tests above would pass for nothing."""
    assert prometheus.ask("swarmhub_no_such_thing") == []
