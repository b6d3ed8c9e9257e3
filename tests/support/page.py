"""The administrator with a browser at the page of the deployed product, /services/swarmhub/."""

from __future__ import annotations

from pathlib import Path

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support import expected_conditions as until
from selenium.webdriver.support.wait import WebDriverWait
from support.hub import HubUser

_PATIENCE = 60.0  # seconds


def see_start_and_stop(
    browser: WebDriver, url: str, password: str, user: HubUser, picture: Path
) -> None:
    """Log in, see on the open page how a user's server comes, and stop it there.

    It comes as a server-sent event; it is stopped by a form, whose origin is judged.

    Args:
        browser: where nobody is logged in yet.
        url: of the hub, as the browser reaches it.
        password: of the user admin.
        user: who has no server yet.
        picture: takes what the page looks like then.
    """
    name, wait = user.name, WebDriverWait(browser, _PATIENCE)
    browser.get(f"{url}/hub/login?next=/services/swarmhub/%3Fq={name}")
    wait.until(until.presence_of_element_located((By.ID, "username_input"))).send_keys("admin")
    browser.find_element(By.ID, "password_input").send_keys(password + Keys.ENTER)
    wait.until(until.text_to_be_present_in_element((By.ID, "connection"), "Live."))
    assert browser.current_url.startswith(f"{url}/services/swarmhub/")
    assert browser.find_elements(By.ID, f"row-{name}") == []
    user.start()
    wait.until(until.text_to_be_present_in_element((By.ID, f"row-{name}"), "Running"))
    browser.save_screenshot(str(picture))
    wait.until(until.element_to_be_clickable((By.ID, f"stop-{name}"))).click()
    wait.until(until.element_to_be_clickable((By.ID, "confirm"))).click()
    wait.until(until.text_to_be_present_in_element((By.ID, "about"), "Stopped"))
