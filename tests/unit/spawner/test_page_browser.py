"""The page at /services/swarmhub/ in a browser: nobody, a few, 2,000 servers; by keyboard."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.wait import WebDriverWait
from support.chromium import chromium
from support.fixtures import OUTPUT
from swarmhub_crds.event import Concerned, Event
from swarmhub_crds.names import notebook_name
from swarmhub_crds.notebook import Desired, Notebook, Phase
from unit.spawner.fleet import Site, many, notebook, site
from unit.spawner.hubprocess import PASSWORD

PLACE = "/services/swarmhub/"
HOSTILE = "<img src=x onerror=document.title='owned'>\"'&"
_CONTRAST = """
const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const light = (c) => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
const read = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
const ground = (one) => {
  for (; one; one = one.parentElement) {
    const found = read(getComputedStyle(one).backgroundColor);
    if (found.length === 3 || found[3] > 0) return found;
  }
  return [255, 255, 255];
};
const poor = new Set();
for (const one of document.body.querySelectorAll("*")) {
  const says = [...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  if (!says || !one.checkVisibility()) continue;
  const svg = one.closest("svg");
  const ink = light(read(getComputedStyle(one)[svg ? "fill" : "color"]));
  const paper = light(ground(svg ? svg.parentElement : one));
  const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  if (ratio < 4.5) poor.add(`${one.tagName}.${one.className}: ${ratio.toFixed(2)}`);
}
return [...poor];
"""
_NAMELESS = """
return [...document.querySelectorAll("a, button, input:not([type=hidden]), table, svg, nav")]
  .filter((one) => !(one.getAttribute("aria-label") || one.getAttribute("aria-labelledby")
    || one.labels?.length || one.querySelector("caption")?.textContent || one.textContent.trim()))
  .map((one) => one.outerHTML.slice(0, 200));
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Give a hub with the page, and nobody in it yet."""
    with site(tmp_path_factory.mktemp("hub")) as made:
        yield made


@pytest.fixture(scope="module")
def browser(place: Site) -> Iterator[WebDriver]:
    """Give a browser in which the administrator is logged in."""
    with chromium() as driver:
        driver.get(f"{place.url}/hub/login?next=/hub/home")
        driver.find_element(By.ID, "username_input").send_keys("root")
        driver.find_element(By.ID, "password_input").send_keys(PASSWORD + Keys.ENTER)
        until(driver, "return location.pathname === '/hub/home'", "the login")
        yield driver


def until(driver: WebDriver, script: str, what: str) -> None:
    """Wait until a script of the page returns true."""
    WebDriverWait(driver, 30, 0.05).until(lambda d: d.execute_script(script), what)


def shows(driver: WebDriver, text: str) -> None:
    """Wait until the page says something, as a screen reader is told, and is live."""
    WebDriverWait(driver, 30, 0.05).until(
        lambda d: (
            d.find_element(By.ID, "shown").text == text
            and d.find_element(By.ID, "connection").text == "Live."
        ),
        f"the page does not say {text!r}: {driver.find_element(By.ID, 'shown').text!r}",
    )


def look_at(driver: WebDriver, name: str) -> None:
    """Keep what a page looks like, and hold it against what everybody can read and use."""
    OUTPUT.mkdir(exist_ok=True)
    assert driver.execute_script(_NAMELESS) == []
    for width, device in ((1280, "desk"), (360, "phone")):
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        for scheme in ("light", "dark"):
            prefers = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", prefers)
            assert driver.execute_script(_CONTRAST) == [], f"{name} {device} {scheme}"
            driver.save_screenshot(str(OUTPUT / f"page-{name}-{device}-{scheme}.png"))
        fits = "return document.documentElement.scrollWidth <= window.innerWidth"
        assert driver.execute_script(fits), f"{name} does not fit into {width} pixels"
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def press(driver: WebDriver, *keys: str) -> None:
    """Type, wherever the keyboard is."""
    for key in keys:
        ActionChains(driver).send_keys(key).perform()


def is_focused(driver: WebDriver) -> str:
    """Return the id of what the keyboard is at."""
    return driver.switch_to.active_element.get_attribute("id") or ""


def test_from_nobody_to_two_thousand(place: Site, browser: WebDriver) -> None:
    """What is written into the store is shown without a reload, and stays quick to use."""
    fleet = place.fleet
    browser.get(place.url + PLACE)
    shows(browser, "There is no server yet.")
    look_at(browser, "none")
    fleet.put([
        notebook("ada"),
        notebook("bob", "lab", Phase.PENDING, minutes=1),
        notebook("cleo", phase=Phase.FAILED),
    ])  # fmt: skip
    shows(browser, "3 servers.")
    look_at(browser, "three")
    browser.get(f"{place.url}{PLACE}plots")
    until(browser, "return document.querySelectorAll('rect').length > 0", "bars")
    look_at(browser, "plots-three")
    fleet.put(many(2000)[2:] + [notebook("dee"), notebook("eve")][:-1])
    fleet.put_nodes(down="worker-2")
    fleet.tell("cleo", "Failed", "The server crashed 5 times in a row.", warning=True)
    browser.get(place.url + PLACE)
    shows(browser, "2,002 servers; page 1 of 41.")
    look_at(browser, "many")
    for kind in ("homes", "nodes", "events", "plots", "servers/cleo"):
        browser.get(f"{place.url}{PLACE}{kind}")
        until(browser, "return document.getElementById('connection').textContent === 'Live.'", kind)
        look_at(browser, f"{kind.replace('/', '-')}-many")


def test_by_keyboard(place: Site, browser: WebDriver) -> None:
    """Filtered, walked through, stopped after a question: without a mouse, focus never lost."""
    fleet = place.fleet
    fleet.put([notebook(f"key-{n:02}") for n in range(60)])
    browser.get(place.url + PLACE)
    until(browser, "return document.documentElement.classList.contains('js')", "the script")
    press(browser, Keys.TAB)
    assert browser.switch_to.active_element.text == "Skip to the content"
    press(browser, "/", "key- running")
    assert is_focused(browser) == "q"
    began = time.monotonic()
    until(browser, "return document.getElementById('shown').textContent.startsWith('60 of ')", "60")
    assert time.monotonic() - began < 10
    assert "q=key-+running" in browser.current_url
    assert len(browser.find_elements(By.CSS_SELECTOR, "#list tbody tr")) == 50
    press(browser, Keys.BACKSPACE * len("key- running"), "key-07")
    until(browser, "return document.querySelectorAll('#list tbody tr').length === 1", "one")
    browser.execute_script("document.getElementById('restart-key-07').focus()")
    press(browser, Keys.TAB)
    assert is_focused(browser) == "stop-key-07"
    fleet.observe("key-07", restarts=3)
    changed = (
        "return document.querySelector('#row-key-07 [data-label=Restarts]').textContent === '3'"
    )
    until(browser, changed, "the change")
    assert is_focused(browser) == "stop-key-07", "the row was replaced under the keyboard"
    press(browser, Keys.ENTER)
    until(browser, "return location.pathname.endsWith('/stop')", "the question")
    assert browser.find_element(By.TAG_NAME, "h1").text == "Stop key-07?"
    look_at(browser, "question")
    record = fleet.store.get_notebook("key-07")
    assert isinstance(record, Notebook)
    assert record.spec.desired is Desired.RUNNING, "asked, not done"
    browser.execute_script("document.getElementById('main').focus()")
    press(browser, Keys.TAB)
    assert is_focused(browser) == "confirm"
    press(browser, Keys.ENTER)
    until(browser, "return location.pathname.endsWith('/servers/key-07')", "the answer")
    assert browser.find_element(By.CSS_SELECTOR, ".notice.ok").text == "The server is stopped."
    record = fleet.store.get_notebook("key-07")
    assert isinstance(record, Notebook)
    assert record.spec.desired is Desired.STOPPED


def test_a_node_is_drained_and_taken_back(place: Site, browser: WebDriver) -> None:
    """After a look at what would become of whom; then its row says so, and takes it back."""
    fleet = place.fleet
    old: dict[str, Any] = {"minutes": 60, "where": "manager-1"}
    fleet.put([
        notebook("drain-idle", **old), notebook("drain-busy", "lab", **old),
        notebook("drain-float", mounts=(), **old),
    ])  # fmt: skip
    now = datetime.now(UTC)
    fleet.store.note_activity({"drain-idle": now - timedelta(hours=1)})
    fleet.put_nodes()
    browser.get(f"{place.url}{PLACE}nodes")
    there = "return !!document.getElementById('drain-id-manager-1')"
    until(browser, there, "the node")
    until(browser, "return document.getElementById('connection').textContent === 'Live.'", "live")
    browser.execute_script("document.getElementById('drain-id-manager-1').focus()")
    press(browser, Keys.ENTER)
    until(browser, "return location.pathname.endsWith('/drain')", "the question")
    assert browser.find_element(By.TAG_NAME, "h1").text == "Drain manager-1?"
    rows = [row.text for row in browser.find_elements(By.CSS_SELECTOR, "#list tbody tr")]
    assert [" ".join(row.split()) for row in rows] == [
        "drain-busy/lab stays not known to be idle -",
        "drain-float moves its home is not tied to the node -",
        "drain-idle stops idle 59m",
    ]
    look_at(browser, "drain")
    browser.find_element(By.ID, "force").click()
    browser.find_element(By.ID, "confirm").click()
    until(browser, "return location.pathname.endsWith('/nodes')", "the answer")
    said = browser.find_element(By.CSS_SELECTOR, ".notice.ok").text
    assert said.startswith("The operator drains the node;")
    (order,) = fleet.store.list_node_orders()
    for name in (notebook_name("drain-busy", "lab"), "drain-idle"):
        record = fleet.store.get_notebook(name)
        assert isinstance(record, Notebook)
        assert record.spec.desired is Desired.STOPPED
    row = "document.querySelector('#row-id-manager-1 [data-label=\"Takes servers\"]').textContent"
    until(browser, f"return {row} === 'yes; to be drained, as root asked'", "the order")
    event = Event(
        kind=Concerned.NODE, name="manager-1", reason="Drained",
        message="It is drained, as root asked: it takes no new servers.",
        first_seen=now, last_seen=now,
    )  # fmt: skip
    fleet.store.put_events([event], fence=fleet.token)
    fleet.store.remove_node_order(order, fence=fleet.token)
    fleet.put_nodes(drained="manager-1")
    until(browser, f"return {row} === 'no: draining'", "the drain")
    until(browser, "return document.getElementById('events').innerText.includes('Drained')", "why")
    look_at(browser, "nodes-draining")
    browser.find_element(By.ID, "uncordon-id-manager-1").click()
    until(browser, "return location.pathname.endsWith('/uncordon')", "the question")
    look_at(browser, "uncordon")
    browser.find_element(By.ID, "confirm").click()
    until(browser, "return location.pathname.endsWith('/nodes')", "the answer")
    assert [one.verb for one in fleet.store.list_node_orders()] == ["uncordon"]


def test_what_users_write_is_text(place: Site, browser: WebDriver) -> None:
    """In names, messages, logs and the filter itself; and the browser would run none of it."""
    evil = notebook(HOSTILE, HOSTILE, Phase.FAILED, message=HOSTILE)
    place.fleet.put([evil])
    place.fleet.tell(evil.metadata.name, "Failed", HOSTILE)
    for path in ("?q=onerror", "events?q=onerror", "homes?q=onerror",
                 f"servers/{evil.metadata.name}"):  # fmt: skip
        browser.get(f"{place.url}{PLACE}{path}")
        WebDriverWait(browser, 30, 0.05).until(
            lambda d: HOSTILE in d.find_element(By.ID, "main").text, f"{path} never shows it"
        )
        assert browser.find_elements(By.CSS_SELECTOR, "main img, main script:not([src])") == []
        assert browser.title != "owned"
    browser.execute_script(
        "const one = document.createElement('img'); one.src = 'x';"
        "one.setAttribute('onerror', 'document.title = `owned`'); document.body.append(one)"
    )
    time.sleep(0.3)
    assert browser.title != "owned"
