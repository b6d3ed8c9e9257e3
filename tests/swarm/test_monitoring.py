"""A Prometheus scrapes the deployed product, as docs/metrics.md says."""

from collections.abc import Iterator

import pytest
from support import look, told
from support.hub import HubUser
from support.prometheus import QUERIES, Prometheus, deployed, rule_names
from support.stack import HubStack
from support.waiting import wait_for

NETWORK = "swarmhub_monitoring"
OPERATOR = "swarmhub_operator"
USER = "hypatia"
WINDOW = "5m"  # of rates; the product's own file has the operator asked every 15 s
FAILURES = "outcome!="  # in the query of a panel that is empty while no call fails
SEEN = {
    "a start": "increase(swarmhub_start_duration_seconds_count[15m]) > 0",
    "a recovery": "increase(swarmhub_recovery_duration_seconds_count[15m]) > 0",
    "a stop": 'swarmhub_actions_total{action="RemoveService",outcome="done"} > 0',
    "a stopped notebook": 'swarmhub_notebooks{phase="Stopped"} > 0',
    "no failed start": "swarmhub_starts_failed_total == 0",
    "no fault": 'absent(swarmhub_reconcile_total{outcome="fault"} > 0)',
}


@pytest.fixture(scope="module")
def prometheus(hub_stack: HubStack) -> Iterator[Prometheus]:
    """Yield a Prometheus in a network that the operator has joined; neither is there later."""
    docker = hub_stack.engine.docker
    docker("network", "create", "--driver", "overlay", "--attachable", NETWORK)
    try:
        hub_stack.up_again()
        with deployed(hub_stack.engine, NETWORK) as made:
            yield made
    finally:
        docker("service", "update", "--network-rm", NETWORK, OPERATOR, timeout=180)
        docker("network", "rm", NETWORK)
        hub_stack.up_again()


@pytest.fixture(scope="module")
def life(hub_stack: HubStack, prometheus: Prometheus) -> None:
    """One start, one crash and one stop, with a scrape between them."""
    prometheus.await_scrape()
    user = hub_stack.login(USER)
    user.start()
    prometheus.await_scrape()
    _crash(hub_stack, user)
    prometheus.await_scrape()
    user.stop()
    prometheus.await_scrape()


def _crash(stack: HubStack, user: HubUser) -> None:
    look.kill_container(stack.engine, look.notebook_container(stack.engine, user.name))
    wait_for("the server to be back", lambda: _is_back(stack, user))


def _is_back(stack: HubStack, user: HubUser) -> bool:
    status = told.notebook(stack, user.name)
    return (status["restarts"], status["phase"]) == (1, "Running")


@pytest.mark.usefixtures("life")
@pytest.mark.parametrize("what", SEEN)
def test_what_happened_is_counted(prometheus: Prometheus, what: str) -> None:
    """By the operator that was asked, and nothing else."""
    wait_for(what, lambda: prometheus.ask(SEEN[what]))


@pytest.mark.usefixtures("life")
@pytest.mark.parametrize("query", QUERIES)
def test_each_panel_has_something_to_show(prometheus: Prometheus, query: str) -> None:
    """Of a product without a fault; the panel of what fails is rightly empty."""
    if FAILURES in query:
        prometheus.ask_panel(query, WINDOW)  # which is not refused
    else:
        wait_for(f"an answer to {query}", lambda: prometheus.ask_panel(query, WINDOW))


@pytest.mark.usefixtures("life")
def test_each_rule_is_evaluated_and_none_fires(prometheus: Prometheus) -> None:
    """Once a minute, which is this program's default."""
    wait_for(
        "all rules", lambda: prometheus.rules() == dict.fromkeys(rule_names(), "ok"), timeout=120
    )
    assert prometheus.ask('ALERTS{alertstate="firing"}') == []


def test_who_is_in_the_notebooks_network_is_told_nothing(
    hub_stack: HubStack, prometheus: Prometheus
) -> None:
    """Although the operator listens in it now."""
    hub = look.stack_container(hub_stack.engine, "hub")
    ask = (
        "import urllib.request as r, urllib.error as e\n"
        "try: print(r.urlopen('http://swarmhub_operator:8089/metrics', timeout=10).status)\n"
        "except OSError as error: print(type(error).__name__)"
    )
    said = hub_stack.engine.docker("exec", hub, "python3", "-c", ask).strip()
    assert said != "200"
    assert prometheus.ready()
