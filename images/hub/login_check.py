"""Log in through the proxy as a browser does, from inside the hub's container.

``make up`` waits for this. With the default authenticator it logs in as the administrator and looks
at the hub's home page; with a site's own authenticator it can only see that the login page answers.
Exit 0: it works. Exit 1: one sentence on standard error says what did not.
"""  # noqa: INP001

import sys
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

PROXY = "http://proxy:8000"
TIMEOUT_S = 10
CONFIG = "/etc/swarmhub/jupyterhub_config.py"


def base_url(config: Config) -> str:
    """Return the prefix that the hub is served under, with a slash at both ends."""
    inner = str(config.JupyterHub.get("base_url", "/")).strip("/")
    return f"/{inner}/" if inner else "/"


def log_in(browser: OpenerDirector, cookies: CookieJar, prefix: str, password: str) -> str:
    """Post the login form as ``admin`` and return the URL of the page that it leads to."""
    form = {
        "username": "admin",
        "password": password,
        "_xsrf": next((cookie.value or "" for cookie in cookies if cookie.name == "_xsrf"), ""),
    }
    # Without `next` the hub would start a server for whoever logs in.
    query = urlencode({"next": f"{prefix}hub/home"})
    page = browser.open(
        f"{PROXY}{prefix}hub/login?{query}", urlencode(form).encode(), timeout=TIMEOUT_S
    )
    return str(page.geturl())


def main() -> None:
    """Exit with one sentence if it does not work."""
    config = PyFileConfigLoader(CONFIG).load_config()
    prefix = base_url(config)
    cookies = CookieJar()
    browser = build_opener(HTTPCookieProcessor(cookies))
    try:
        browser.open(f"{PROXY}{prefix}hub/login", timeout=TIMEOUT_S).read()
        if config.JupyterHub.authenticator_class != "shared-password":
            return
        password = Path("/run/secrets/swarmhub-admin-password").read_text().strip()
        landed = log_in(browser, cookies, prefix, password)
    except (URLError, TimeoutError, ConnectionError) as error:
        sys.exit(f"The login page does not answer yet: {error}.")
    if not landed.endswith("/hub/home"):
        sys.exit(f"Logging in as admin led to {landed} instead of the home page.")


if __name__ == "__main__":
    main()
