"""Log in through the proxy as a browser does, from inside the hub's container.

``make up`` waits for this. With the shared password it logs in as an administrator and looks at the
hub's home page; with any other login it can only see that the login page answers. The argument is
the scheme, http or https. Exit 0: it works. Exit 1: one sentence on standard error says what did
not.
"""  # noqa: INP001

import ssl
import sys
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPSHandler, OpenerDirector, build_opener

from traitlets.config.loader import PyFileConfigLoader

TIMEOUT_S = 10
CONFIG = "/etc/swarmhub/jupyterhub_config.py"


def by_any_name() -> ssl.SSLContext:
    """Return a context that does not ask whose certificate it is: none is for ``proxy``."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def log_in(browser: OpenerDirector, cookies: CookieJar, hub: str, name: str, password: str) -> str:
    """Post the login form and return the URL of the page that it leads to."""
    form = {
        "username": name,
        "password": password,
        "_xsrf": next((cookie.value or "" for cookie in cookies if cookie.name == "_xsrf"), ""),
    }
    # Without `next` the hub would start a server for whoever logs in.
    query = urlencode({"next": f"{urlsplit(hub).path}/home"})
    page = browser.open(f"{hub}/login?{query}", urlencode(form).encode(), timeout=TIMEOUT_S)
    return str(page.geturl())


def main() -> None:
    """Exit with one sentence if it does not work."""
    config = PyFileConfigLoader(CONFIG).load_config()
    hub = f"{sys.argv[1]}://proxy:8000/hub"
    cookies = CookieJar()
    browser = build_opener(HTTPCookieProcessor(cookies), HTTPSHandler(context=by_any_name()))
    try:
        browser.open(f"{hub}/login", timeout=TIMEOUT_S).read()
        admins = config.Authenticator.get("admin_users", set())
        if config.JupyterHub.authenticator_class != "shared-password" or not admins:
            return
        password = Path("/run/secrets/swarmhub-admin-password").read_text().strip()
        admin = min(admins)
        landed = log_in(browser, cookies, hub, admin, password)
    except (URLError, TimeoutError, ConnectionError) as error:
        sys.exit(f"The login page does not answer yet: {error}.")
    if not landed.endswith("/hub/home"):
        sys.exit(f"Logging in as {admin} led to {landed} instead of the home page.")


if __name__ == "__main__":
    main()
