"""The hub's pages in a browser: the profile form, and what a restart would change."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait
from support.chromium import chromium
from support.fixtures import OUTPUT
from swarmhub_crds.notebook import Notebook
from swarmhub_crds.store import Store
from unit.spawner.fakes import FakeNotebooks, FakeOperator
from unit.spawner.hubprocess import PASSWORD, HubProcess, running_hub

OTHER = "unlisted-choice"
VERSION = "profile-option-gpu--version"
FORM = """
c.Spawner.pre_spawn_hook = None
c.SwarmHubSpawner.image = "ok"
c.SwarmHubSpawner.profile_list = [
    {
        "display_name": "Small",
        "description": "For notes and small data: 1 GB of memory.",
        "spawner_override": {"mem_limit": "1G"},
    },
    {
        "display_name": "GPU",
        "description": "For training; at most one a user.",
        "spawner_override": {"mem_limit": "8G"},
        "profile_options": {
            "version": {
                "display_name": "Version of PyTorch",
                "choices": {
                    "2.6": {"display_name": "2.6 (stable)"},
                    "2.7": {"spawner_override": {"environment": {"TORCH": "2.7"}}},
                },
                "unlisted_choice": {
                    "enabled": True,
                    "display_name": "Another version",
                    "validation_regex": r"\\d+\\.\\d+",
                    "validation_message": "Must be a version such as 2.8",
                    "spawner_override": {"environment": {"TORCH": "{value}"}},
                },
            },
        },
    },
]
"""


@pytest.fixture(scope="module")
def form_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Give the store of this module's hub, to look into."""
    store = Store.open(f"sqlite:///{tmp_path_factory.mktemp('store') / 'state.db'}")
    yield store
    store.close()


@pytest.fixture(scope="module")
def form_hub(
    tmp_path_factory: pytest.TempPathFactory, form_store: Store, notebooks: FakeNotebooks
) -> Iterator[HubProcess]:
    """Give a running hub with a form."""
    operator = FakeOperator(form_store.url, notebooks.url)
    try:
        with running_hub(tmp_path_factory.mktemp("hub"), form_store.url, FORM) as running:
            yield running
    finally:
        operator.close()


@pytest.fixture(scope="module")
def one_browser() -> Iterator[WebDriver]:
    """Give a headless Chromium."""
    with chromium() as driver:
        yield driver


@pytest.fixture
def browser(one_browser: WebDriver) -> WebDriver:
    """Give a browser in which nobody is logged in."""
    one_browser.delete_all_cookies()
    return one_browser


def log_in(browser: WebDriver, hub: HubProcess, user: str, page: str) -> None:
    """Log in, and wait for a page of the hub."""
    browser.get(f"{hub.url}/hub/login?next=/hub/{page}")
    browser.find_element(By.ID, "username_input").send_keys(user)
    browser.find_element(By.ID, "password_input").send_keys(PASSWORD + Keys.ENTER)
    reached(browser, f"/hub/{page}")


def reached(browser: WebDriver, path: str) -> None:
    """Wait until the browser shows a page."""
    WebDriverWait(browser, 30).until(
        lambda driver: (
            path in driver.current_url
            and driver.execute_script("return document.readyState") == "complete"
        ),
        f"the browser never came to {path}",
    )


def fits(browser: WebDriver) -> bool:
    """Whether nothing of the page lies beyond the right edge."""
    found: bool = browser.execute_script(
        "return document.documentElement.scrollWidth <= window.innerWidth"
    )
    return found


def take_pictures(browser: WebDriver, name: str) -> None:
    """Keep what a page looks like: light, dark, and on a phone, where it must fit."""
    OUTPUT.mkdir(exist_ok=True)
    for theme in ("light", "dark"):
        browser.execute_script(f"document.documentElement.dataset.bsTheme = '{theme}'")
        browser.save_screenshot(str(OUTPUT / f"{name}-{theme}.png"))
    phone = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    browser.save_screenshot(str(OUTPUT / f"{name}-phone.png"))
    assert fits(browser)
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def focused(browser: WebDriver) -> WebElement:
    """Return what the keyboard writes into."""
    return browser.switch_to.active_element


def press(browser: WebDriver, *keys: str) -> None:
    """Type, wherever the keyboard is."""
    for key in keys:
        ActionChains(browser).send_keys(key).perform()


def test_the_form_by_keyboard(form_hub: HubProcess, form_store: Store, browser: WebDriver) -> None:
    """Each profile shows its own options; what is wrong is said before anything is sent."""
    log_in(browser, form_hub, "kay", "spawn/kay")
    version = browser.find_element(By.ID, VERSION)
    assert not version.is_displayed(), "the options of a profile that is not chosen"
    browser.execute_script("document.getElementById('profile-item-small').focus()")
    press(browser, Keys.ARROW_DOWN)
    assert focused(browser).get_attribute("value") == "gpu"
    assert version.is_displayed()
    text = browser.find_element(By.ID, f"{VERSION}--{OTHER}")
    assert not text.is_displayed()
    press(browser, Keys.TAB)
    assert focused(browser) == version, "the list comes after the profile"
    press(browser, "O")  # of "Other..."
    assert version.get_attribute("value") == OTHER
    assert text.is_displayed()
    press(browser, Keys.TAB, "latest", Keys.ENTER)
    assert "/hub/spawn/kay" in browser.current_url, "nothing was sent"
    assert focused(browser) == text
    assert told(browser, text) == "Must be a version such as 2.8"
    take_pictures(browser, "profiles-wrong")
    press(browser, *[Keys.BACKSPACE] * len("latest"), "2.9")
    assert told(browser, text) == ""
    press(browser, Keys.ENTER)
    chosen = {"profile": "gpu", f"version--{OTHER}": "2.9"}
    assert options_of(form_hub, browser, "kay") == chosen
    record = form_store.get_notebook("kay")
    assert isinstance(record, Notebook)
    assert record.spec.environment["TORCH"] == "2.9"


def test_the_form_by_mouse(form_hub: HubProcess, browser: WebDriver) -> None:
    """The whole line of a profile can be clicked; what was typed for another one is not sent."""
    log_in(browser, form_hub, "max", "spawn/max")
    browser.find_element(By.CSS_SELECTOR, "label[for=profile-item-gpu] strong").click()
    version = browser.find_element(By.ID, VERSION)
    version.find_element(By.CSS_SELECTOR, f"option[value={OTHER}]").click()
    text = browser.find_element(By.ID, f"{VERSION}--{OTHER}")
    text.send_keys("latest")
    version.find_element(By.CSS_SELECTOR, "option[value='2.7']").click()
    assert not text.is_displayed()
    take_pictures(browser, "profiles")
    browser.find_element(By.CSS_SELECTOR, "#spawn_form button[type=submit]").click()
    assert options_of(form_hub, browser, "max") == {"profile": "gpu", "version": "2.7"}


def told(browser: WebDriver, field: WebElement) -> str:
    """Return what is said to be wrong with a field, in the place that the field itself names."""
    notice = browser.find_element(By.ID, field.get_attribute("aria-describedby") or "none")
    return notice.text if notice.is_displayed() else ""


def options_of(hub: HubProcess, browser: WebDriver, user: str) -> object:
    """Return what a spawner was given, once the form has been sent and its server runs."""

    def ready(_: WebDriver) -> bool:
        server = hub.server(user)
        return server is not None and bool(server["ready"])

    WebDriverWait(browser, 30).until(ready, f"no server of {user}: {hub.log()[-3000:]}")
    server = hub.server(user)
    assert server is not None
    return server["user_options"]


def test_the_home_page_tells_what_a_restart_changes(
    form_hub: HubProcess, browser: WebDriver
) -> None:
    """Once the hub has another configuration, until the server was started again."""
    form_hub.api.post("/users/rae")
    form_hub.api.post("/users/rae/server", json={"profile": "small"})
    form_hub.api.post("/users/rae/servers/lab", json={"profile": "gpu"})
    log_in(browser, form_hub, "rae", "home")
    assert browser.find_elements(By.CLASS_NAME, "swarmhub-restart") == []
    form_hub.stop()
    form_hub.configure(
        'c.SwarmHubSpawner.profile_list[0]["spawner_override"]["mem_limit"] = "2G"\n'
        'c.SwarmHubSpawner.profile_list[1]["spawner_override"]["image"] = "ok:<2>"'
    )
    form_hub.start()
    browser.get(f"{form_hub.url}/hub/home")
    notices = [n.text for n in browser.find_elements(By.CLASS_NAME, "swarmhub-restart")]
    assert len(notices) == 2
    assert notices[0].startswith("Your server: Changed since this server was started at ")
    assert ": the memory limit (now 2 GiB). It goes on as it is; stop it and " in notices[0]
    assert notices[1].startswith("Server lab: ")
    assert ": the image (now ok:<2>). " in notices[1]
    take_pictures(browser, "restart")
    assert form_hub.api.delete("/users/rae/server").status_code in (202, 204)
    assert form_hub.api.post("/users/rae/server", json={"profile": "small"}).is_success
    browser.get(f"{form_hub.url}/hub/home")
    (left,) = browser.find_elements(By.CLASS_NAME, "swarmhub-restart")
    assert left.text.startswith("Server lab: ")
