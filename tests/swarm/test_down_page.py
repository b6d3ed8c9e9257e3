"""A person with a browser comes to a server whose node is down: a real hub, pretended notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support import expected_conditions as until
from selenium.webdriver.support.wait import WebDriverWait
from support.badproxy import BadProxy
from swarmhub_crds.notebook import Phase
from swarmhub_crds.store import Store
from unit.spawner.fakes import FakeNotebooks, FakeOperator, condition
from unit.spawner.hubprocess import PASSWORD, HubProcess

DOWN = "Its node <b>w1</b> is down since 10:31 UTC; it waits for the node to come back."


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[FakeOperator]:
    """Yield an operator that only pretends, with notebooks that answer it."""
    url = f"sqlite:///{tmp_path / 'state.db'}"
    Store.open(url).close()
    notebooks = FakeNotebooks()
    fake = FakeOperator(url, notebooks.url)
    yield fake
    fake.close()
    notebooks.close()


@pytest.fixture
def hub(tmp_path: Path, operator: FakeOperator) -> Iterator[HubProcess]:
    """Yield a running hub."""
    hub = HubProcess(tmp_path, f"sqlite:///{tmp_path / 'state.db'}")
    try:
        hub.start()
        yield hub
    finally:
        hub.stop()
        hub.api.close()


@pytest.fixture
def proxy(hub: HubProcess) -> Iterator[BadProxy]:
    """Yield a proxy that reaches no notebook."""
    made = BadProxy(hub.url)
    yield made
    made.close()


def test_the_page_says_what_has_happened_and_goes_on_by_itself(
    hub: HubProcess, operator: FakeOperator, proxy: BadProxy, browser: WebDriver
) -> None:
    """Whoever is not logged in reads nothing of it; as soon as the server answers, it is shown."""
    hub.spawn("ok-1")
    operator.write(
        "ok-1", condition("Ready", ok=False, message=DOWN), phase=Phase.PENDING, message=DOWN
    )
    wait = WebDriverWait(browser, 30)
    browser.get(f"{proxy.url}/user/ok-1/lab")
    place = wait.until(until.presence_of_element_located((By.ID, "swarmhub-state")))
    assert place.text == "Your server does not answer at the moment."
    browser.get(f"{proxy.url}/hub/login?next=/hub/home")
    browser.find_element(By.ID, "username_input").send_keys("ok-1")
    browser.find_element(By.ID, "password_input").send_keys(PASSWORD)
    browser.find_element(By.ID, "login_submit").click()
    wait.until(until.url_contains("/hub/home"))
    browser.get(f"{proxy.url}/user/ok-1/lab")
    wait.until(until.text_to_be_present_in_element((By.ID, "swarmhub-state"), DOWN))
    proxy.answering = True
    operator.ready("ok-1")
    wait.until(until.text_to_be_present_in_element((By.TAG_NAME, "h1"), "The notebook"))
    assert browser.current_url == f"{proxy.url}/user/ok-1/lab"
