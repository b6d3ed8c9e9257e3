"""The page at /services/swarmhub/ of the deployed product, through its proxy: seen, and stopped."""

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support import expected_conditions as until
from selenium.webdriver.support.wait import WebDriverWait
from support.fixtures import OUTPUT
from support.stack import HubStack


def test_the_administrator_sees_a_server_start_and_stops_it(
    hub_stack: HubStack, browser: WebDriver
) -> None:
    """It comes and goes on the open page; the hub takes the page's word for it."""
    OUTPUT.mkdir(exist_ok=True)
    user = hub_stack.login("page-1")
    browser.get(f"{hub_stack.url}/hub/login?next=/services/swarmhub/%3Fq=page-1")
    wait = WebDriverWait(browser, 60)
    wait.until(until.presence_of_element_located((By.ID, "username_input"))).send_keys("admin")
    browser.find_element(By.ID, "password_input").send_keys(hub_stack.admin_password + Keys.ENTER)
    wait.until(until.text_to_be_present_in_element((By.ID, "connection"), "Live."))
    assert browser.find_elements(By.ID, "row-page-1") == []
    user.start()
    wait.until(until.text_to_be_present_in_element((By.ID, "row-page-1"), "Running"))
    browser.save_screenshot(str(OUTPUT / "page-deployed.png"))
    wait.until(until.element_to_be_clickable((By.ID, "stop-page-1"))).click()
    wait.until(until.element_to_be_clickable((By.ID, "confirm"))).click()
    wait.until(until.text_to_be_present_in_element((By.ID, "about"), "Stopped"))
    browser.get(f"{hub_stack.url}/services/swarmhub/nodes")
    wait.until(until.text_to_be_present_in_element((By.ID, "list"), "engine"))
