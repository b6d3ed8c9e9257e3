"""A user of a JupyterHub, as seen from outside: everything goes through the proxy's public URL."""

import json
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any, Self
from urllib.parse import quote

import httpx
from support.kernel import Kernel

_NAVIGATES = {"Sec-Fetch-Mode": "navigate"}
_PATIENCE = 60.0  # seconds for one answer; the hub itself waits some ten for a start


class HubError(RuntimeError):
    """The hub, or a single-user server, refused a request or failed at it.

    Attributes:
        status: the HTTP status of the answer.
        message: what it said, as plain text where it gave such.
    """

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        try:
            self.message = str(answer.json()["message"])
        except (ValueError, KeyError, TypeError):
            self.message = answer.text
        request = answer.request
        super().__init__(f"{request.method} {request.url} answered {self.status}: {self.message}")


class StartFailedError(RuntimeError):
    """A server did not become ready; the message is what the hub's progress page says of it."""


def escape(name: str) -> str:
    """Escape a user or server name for a URL as JupyterHub does."""
    return quote(name, safe="@~")


def new_browser(url: str, trusted: ssl.SSLContext | None = None) -> httpx.Client:
    """Return a client that keeps cookies and goes where it is sent; `trusted` is for TLS."""
    return httpx.Client(
        base_url=url,
        follow_redirects=True,
        timeout=_PATIENCE,
        trust_env=False,
        verify=trusted or True,
    )


class HubUser:
    """A person who has logged in.

    Attributes:
        url: the hub's public URL, without a slash at its end.
        name: the user's name as the hub knows it, which may differ from the one that was typed.
    """

    def __init__(
        self, url: str, browser: httpx.Client, trusted: ssl.SSLContext | None = None
    ) -> None:
        """Take over a client that holds the cookies of a login; `login` makes one.

        Args:
            url: the hub's.
            browser: the client.
            trusted: whom to believe, for a hub with TLS.
        """
        self.url = url.rstrip("/")
        self._trusted = trusted
        self._browser = browser
        self.name: str = _checked(browser.get("/hub/api/user")).json()["name"]
        self._token = self._make_token()
        self._api = self._client(f"{self.url}/hub/api/")

    @classmethod
    def login(
        cls, url: str, name: str, password: str, trusted: ssl.SSLContext | None = None
    ) -> Self:
        """Log in by the page's form, as a browser does.

        Raises:
            PermissionError: the hub does not accept name and password.
            HubError: the hub failed.
        """
        browser = new_browser(url, trusted)
        _checked(browser.get("/hub/login"))
        form = {"username": name, "password": password, "_xsrf": _xsrf(browser)}
        # Without `next` the hub would start a server for whoever logs in.
        landed = browser.post("/hub/login", params={"next": "/hub/home"}, data=form)
        if landed.status_code == httpx.codes.FORBIDDEN or landed.url.path.endswith("/login"):
            raise PermissionError(f"{name} cannot log in at {url} with this password.")
        _checked(landed)
        return cls(url, browser, trusted)

    def _make_token(self) -> str:
        answer = self._browser.post(
            f"/hub/api/users/{escape(self.name)}/tokens",
            json={"note": "made by a test", "expires_in": 24 * 3600},
            headers={"X-XSRFToken": _xsrf(self._browser), "Referer": f"{self.url}/hub/token"},
        )
        return str(_checked(answer).json()["token"])

    def _client(self, base: str) -> httpx.Client:
        return httpx.Client(
            base_url=base,
            headers={"Authorization": f"token {self._token}"},
            timeout=_PATIENCE,
            # The proxy hands requests for a server that does not run to the hub, which redirects.
            follow_redirects=True,
            trust_env=False,
            verify=self._trusted or True,
        )

    def close(self) -> None:
        """Close the connections; the server and the login stay."""
        self._api.close()
        self._browser.close()

    def page(self, path: str) -> str:
        """Return the HTML of a page of the hub, whatever its status; `path` as in /hub/home."""
        return self._browser.get(path).text

    def visit(self, path: str) -> str:
        """Return the HTML of a page, of the hub or of a service, as a browser asks for it.

        Raises:
            HubError: it is not there, or not for this person.
        """
        return _checked(self._browser.get(path, headers=_NAVIGATES)).text

    def submit(self, path: str, form: Mapping[str, str | list[str]]) -> str:
        """Send a form as a browser does, and return the HTML of the page where that leads to.

        Raises:
            HubError: it is refused.
        """
        return _checked(self._browser.post(path, data=dict(form), headers=_NAVIGATES)).text

    # The server

    def start(
        self, server: str = "", options: dict[str, Any] | None = None, timeout: float = 120
    ) -> None:
        """Start a server and wait until the hub calls it ready.

        Args:
            server: name of a named server, empty for the default one.
            options: the user's options, as the spawn form would give them.
            timeout: seconds.

        Raises:
            HubError: the hub refused, or the start failed while it still waited for it.
            StartFailedError: the start failed later.
            TimeoutError: it was neither ready nor failed after `timeout` seconds.
        """
        self.request_start(server, options)
        self.wait_ready(server, timeout)

    def request_start(self, server: str = "", options: dict[str, Any] | None = None) -> None:
        """Ask for a server and return as soon as the hub answers, ready or not.

        Raises:
            HubError: the hub refused, or the start has already failed.
        """
        _checked(self._api.post(self._path(server), json=options or {}))

    def wait_ready(self, server: str = "", timeout: float = 120) -> None:
        """Wait until the hub calls a requested server ready.

        Raises:
            StartFailedError: the start failed.
            TimeoutError: it was neither ready nor failed after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while True:
            model = self.server_model(server)
            if model is not None and model["ready"]:
                return
            if model is None or model["pending"] is None:
                raise StartFailedError(self._last_words(server))
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self._title(server)} is not ready after {timeout:g} s.")
            time.sleep(0.1)

    def wait_settled(self, server: str = "", timeout: float = 120) -> bool:
        """Wait for the end of whatever the hub is doing about a server; return whether it has one.

        Raises:
            TimeoutError: it still did something after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while (model := self.server_model(server)) is not None and model["pending"]:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{self._title(server)} has a {model['pending']} pending after {timeout:g} s."
                )
            time.sleep(0.1)
        return model is not None

    def _last_words(self, server: str) -> str:
        try:
            events = list(self.progress(server, timeout=10))
        except HubError as failed:
            return failed.message
        return str(events[-1].get("message")) if events else "The hub gave no reason."

    def progress(self, server: str = "", timeout: float = 120) -> Iterator[dict[str, Any]]:
        """Yield the events that the spawn page shows, until the server is ready or has failed.

        Each holds "progress" (percent) and "message"; the last one "ready" or "failed".

        Raises:
            HubError: there is no such start.
            TimeoutError: the stream did not end within `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        with self._api.stream("GET", f"{self._path(server)}/progress") as stream:
            if stream.is_error:
                stream.read()
                raise HubError(stream)
            for line in stream.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line.removeprefix("data:"))
                if time.monotonic() > deadline:
                    raise TimeoutError(
                        f"The progress of {self._title(server)} did not end within {timeout:g} s."
                    )

    def stop(self, server: str = "", *, remove: bool = False, timeout: float = 60) -> None:
        """Stop a server and wait until the hub has done so.

        Args:
            server: name of a named server, empty for the default one.
            remove: forget the named server altogether.
            timeout: seconds.

        Raises:
            HubError: the hub refused.
            TimeoutError: it still ran after `timeout` seconds.
        """
        body = {"remove": remove} if server else {}
        _checked(self._api.request("DELETE", self._path(server), json=body))
        deadline = time.monotonic() + timeout
        while self.server_model(server) is not None:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self._title(server)} did not stop within {timeout:g} s.")
            time.sleep(0.1)

    def server_model(self, server: str = "") -> dict[str, Any] | None:
        """Return what the hub tells about a server that starts, runs or stops, else None."""
        user = self.user_model(self.name)
        model: dict[str, Any] | None = user["servers"].get(server)
        return model

    def _path(self, server: str) -> str:
        user = f"users/{escape(self.name)}"
        return f"{user}/servers/{escape(server)}" if server else f"{user}/server"

    def _title(self, server: str) -> str:
        return f"{self.name}'s server {server!r}" if server else f"{self.name}'s server"

    # Inside the server

    def server(self, server: str = "") -> httpx.Client:
        """Return a client with this user's rights whose base URL is the single-user server's."""
        path = f"{escape(self.name)}/{escape(server)}/" if server else f"{escape(self.name)}/"
        return self._client(f"{self.url}/user/{path}")

    def put_file(self, path: str, text: str, server: str = "") -> None:
        """Write a text file, by its path in the server's file browser.

        Raises:
            HubError: the server refused it.
        """
        body = {"type": "file", "format": "text", "content": text}
        with self.server(server) as client:
            _checked(client.put(f"api/contents/{quote(path)}", json=body))

    def get_file(self, path: str, server: str = "") -> str:
        """Read a text file, by its path in the server's file browser.

        Raises:
            HubError: it does not exist or cannot be read.
        """
        wanted = {"type": "file", "format": "text"}
        with self.server(server) as client:
            answer = _checked(client.get(f"api/contents/{quote(path)}", params=wanted))
        return str(answer.json()["content"])

    def kernel(self, server: str = "") -> Kernel:
        """Start a kernel that keeps its websocket open until it is closed."""
        return Kernel(self.server(server), self._token, trusted=self._trusted)

    def run_code(self, code: str, server: str = "", timeout: float = 60) -> str:
        """Run code in a kernel made for it and return what it printed.

        Raises:
            CodeError: the code raised an exception.
            TimeoutError: it did not end within `timeout` seconds.
        """
        with self.kernel(server) as kernel:
            return kernel.run(code, timeout)

    # What only an administrator may do

    def create_user(self, name: str) -> None:
        """Make the hub know a user."""
        _checked(self._api.post(f"users/{escape(name)}"))

    def delete_user(self, name: str) -> None:
        """Delete a user with their servers from the hub."""
        _checked(self._api.delete(f"users/{escape(name)}"))

    def user_model(self, name: str) -> dict[str, Any]:
        """Return what the hub tells about a user; anybody may ask about themselves.

        Raises:
            HubError: the hub does not know the user, with status 404.
        """
        model: dict[str, Any] = _checked(self._api.get(f"users/{escape(name)}")).json()
        return model


def _checked(answer: httpx.Response) -> httpx.Response:
    if not answer.is_success:
        raise HubError(answer)
    return answer


def _xsrf(browser: httpx.Client) -> str:
    """The hub's anti-forgery cookie; a single-user server may have set one of its own."""
    for cookie in browser.cookies.jar:
        if cookie.name == "_xsrf" and not cookie.path.startswith("/user/"):
            return cookie.value or ""
    return ""
