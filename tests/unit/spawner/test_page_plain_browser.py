"""The page at /services/swarmhub/ in a browser that runs no scripts: all of it works."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support import expected_conditions as appears
from selenium.webdriver.support.wait import WebDriverWait
from support.chromium import chromium
from support.fixtures import OUTPUT
from swarmhub_crds.notebook import Desired, Notebook, Phase
from unit.spawner.fleet import Site, notebook, site
from unit.spawner.hubprocess import PASSWORD

PLACE = "/services/swarmhub/"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Give a hub with the page and 122 servers."""
    records = [notebook(f"plain-{number:03}") for number in range(120)]
    failed = notebook("cleo", phase=Phase.FAILED)
    with site(tmp_path_factory.mktemp("hub"), [notebook("ada"), failed, *records]) as made:
        made.fleet.tell("cleo", "Failed", "It did not answer.", warning=True)
        yield made


@pytest.fixture(scope="module")
def browser(place: Site) -> Iterator[WebDriver]:
    """Give a browser without scripts in which the administrator is logged in."""
    with chromium(scripts=False) as driver:
        driver.get(f"{place.url}/hub/login?next={PLACE}")
        driver.find_element(By.ID, "username_input").send_keys("root")
        driver.find_element(By.ID, "password_input").send_keys(PASSWORD + Keys.ENTER)
        said(driver, "122 servers; page 1 of 3.")
        assert driver.find_elements(By.CSS_SELECTOR, "html.js") == [], "a script has run"
        yield driver


def said(driver: WebDriver, text: str) -> None:
    """Wait until the page says how many it lists."""
    place = (By.CSS_SELECTOR, "#chips .nojs")
    WebDriverWait(driver, 30, 0.05).until(appears.text_to_be_present_in_element(place, text), text)


def follow(driver: WebDriver, place: str, to: str) -> None:
    """Click on what a selector finds, and wait for the address to end as it should."""
    driver.find_element(By.CSS_SELECTOR, place).click()
    WebDriverWait(driver, 30, 0.05).until(
        lambda d: d.current_url.endswith(to), f"{place} does not lead to {to}"
    )


def wanted(place: Site, name: str) -> tuple[Desired, str | None]:
    """Return whether a server is to run, and which of its tasks is to be replaced."""
    record = place.fleet.store.get_notebook(name)
    assert isinstance(record, Notebook)
    return record.spec.desired, record.metadata.restart_of


def test_lists_are_filtered_and_turned_over(place: Site, browser: WebDriver) -> None:
    """By a form and by links; what is asked for stays in the address."""
    browser.get(place.url + PLACE)
    assert "does not change by itself" in browser.find_element(By.TAG_NAME, "noscript").text
    follow(browser, "#later", "?page=2")
    said(browser, "122 servers; page 2 of 3.")
    follow(browser, "#earlier", PLACE)
    follow(browser, "#chip-Failed", "?phase=Failed")
    assert [row.text for row in browser.find_elements(By.CSS_SELECTOR, "tbody th")] == ["cleo"]
    follow(browser, "#chip-all", PLACE)
    field = browser.find_element(By.ID, "q")
    field.send_keys("plain-")
    follow(browser, ".filter button", "?q=plain-")
    said(browser, "120 of 122 servers; page 1 of 3.")
    follow(browser, "#later", "?q=plain-&page=2")
    said(browser, "120 of 122 servers; page 2 of 3.")
    assert browser.find_element(By.ID, "q").get_attribute("value") == "plain-"


def test_a_server_is_opened_stopped_and_restarted(place: Site, browser: WebDriver) -> None:
    """Each after a question; and nothing happens if that is answered with no."""
    browser.get(f"{place.url}{PLACE}?q=plain-007")
    follow(browser, "#open-plain-007", "servers/plain-007")
    assert browser.find_element(By.ID, "about").text.startswith("Running")
    follow(browser, "#stop", "servers/plain-007/stop")
    follow(browser, "form .button", "servers/plain-007")
    assert wanted(place, "plain-007") == (Desired.RUNNING, None)
    follow(browser, "#restart", "servers/plain-007/restart")
    follow(browser, "#confirm", "servers/plain-007?done=restart")
    notice = browser.find_element(By.CSS_SELECTOR, ".notice.ok")
    assert notice.text == "The server is restarted."
    assert wanted(place, "plain-007") == (Desired.RUNNING, "task-plain-007")
    browser.get(f"{place.url}{PLACE}?q=plain-008")
    follow(browser, "#stop-plain-008", "servers/plain-008/stop")
    follow(browser, "#confirm", "servers/plain-008?done=stop")
    assert wanted(place, "plain-008") == (Desired.STOPPED, None)


def test_all_other_pages_are_read(place: Site, browser: WebDriver) -> None:
    """By the links above: homes, nodes, events; plots with their tables, which are folded."""
    browser.get(place.url + PLACE)
    follow(browser, "nav a[href$=homes]", "homes")
    said(browser, "122 homes; page 1 of 3.")
    follow(browser, "nav a[href$=nodes]", "nodes")
    assert "manager-1" in browser.find_element(By.ID, "list").text
    follow(browser, "nav a[href$=events]", "events")
    assert "It did not answer." in browser.find_element(By.ID, "list").text
    follow(browser, "nav a[href$=plots]", "plots")
    for name in ("starts", "waits", "held", "used"):
        plot = browser.find_element(By.ID, f"plot-{name}")
        assert plot.find_elements(By.CSS_SELECTOR, "rect"), name
        assert plot.find_element(By.ID, f"plot-{name}-says").text.endswith(".")
    for name in ("numbers", "memory-numbers"):
        folded = browser.find_element(By.ID, name)
        folded.find_element(By.TAG_NAME, "summary").click()
        assert folded.find_elements(By.CSS_SELECTOR, "tbody tr")[0].is_displayed()
    phone = {"width": 360, "height": 1700, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    OUTPUT.mkdir(exist_ok=True)
    for scheme in ("light", "dark"):
        prefers = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", prefers)
        browser.save_screenshot(str(OUTPUT / f"page-plots-plain-phone-{scheme}.png"))
    fits = "return document.documentElement.scrollWidth <= 360"
    assert browser.execute_script(fits), "the open tables do not fit on a phone"
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
