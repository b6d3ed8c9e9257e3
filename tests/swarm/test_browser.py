"""A person with a browser: log in by the page, watch the progress, work in JupyterLab."""

from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support import expected_conditions as until
from selenium.webdriver.support.wait import WebDriverWait
from support.fixtures import OUTPUT
from support.stack import HubStack


def test_login_progress_and_jupyterlab(hub_stack: HubStack, browser: WebDriver) -> None:
    """The page logs in, tells what happens, and JupyterLab opens by itself."""
    OUTPUT.mkdir(exist_ok=True)
    browser.get(hub_stack.url)
    wait = WebDriverWait(browser, 60)
    wait.until(until.presence_of_element_located((By.ID, "username_input"))).send_keys("olga")
    browser.find_element(By.ID, "password_input").send_keys(hub_stack.user_password)
    browser.save_screenshot(str(OUTPUT / "1-login.png"))
    browser.find_element(By.ID, "login_submit").click()
    wait.until(until.presence_of_element_located((By.ID, "progress-log")))
    said = ""
    browser.execute_script("document.getElementById('progress-details').open = true;")

    def working(driver: WebDriver) -> bool:
        nonlocal said
        log = driver.find_elements(By.ID, "progress-log")
        said = (log[0].get_attribute("textContent") if log else None) or said
        if "Placed" in said and not (OUTPUT / "2-progress.png").exists():
            driver.save_screenshot(str(OUTPUT / "2-progress.png"))
        return bool(driver.find_elements(By.ID, "jp-main-dock-panel"))

    (OUTPUT / "2-progress.png").unlink(missing_ok=True)
    WebDriverWait(browser, 120, poll_frequency=0.05, ignored_exceptions=(Exception,)).until(working)
    wait.until(until.presence_of_element_located((By.CSS_SELECTOR, ".jp-Launcher")))
    browser.save_screenshot(str(OUTPUT / "3-jupyterlab.png"))
    assert "Placed on engine" in said
    hub_stack.login("olga").stop()
