"""The page at /services/swarmhub/ of the deployed product, through its proxy: seen, and stopped."""

from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support import expected_conditions as until
from selenium.webdriver.support.wait import WebDriverWait
from support.fixtures import OUTPUT
from support.page import see_start_and_stop
from support.stack import HubStack


def test_the_administrator_sees_a_server_start_and_stops_it(
    hub_stack: HubStack, browser: WebDriver
) -> None:
    """It comes and goes on the open page; the hub takes the page's word for it."""
    OUTPUT.mkdir(exist_ok=True)
    user = hub_stack.login("page-1")
    picture = OUTPUT / "page-deployed.png"
    see_start_and_stop(browser, hub_stack.url, hub_stack.admin_password, user, picture)
    wait = WebDriverWait(browser, 60)
    browser.get(f"{hub_stack.url}/services/swarmhub/nodes")
    wait.until(until.text_to_be_present_in_element((By.ID, "list"), "engine"))
    wait.until(until.text_to_be_present_in_element((By.ID, "list"), "in use"))
    browser.get(f"{hub_stack.url}/services/swarmhub/plots")
    told = "by all that runs there"
    wait.until(until.text_to_be_present_in_element((By.ID, "plot-used-says"), told))
    assert browser.find_elements(By.CSS_SELECTOR, "#plot-used rect.used")
    assert browser.find_elements(By.CSS_SELECTOR, "#plot-held rect.has")
    browser.save_screenshot(str(OUTPUT / "page-deployed-plots.png"))
