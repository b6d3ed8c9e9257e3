"""A hub as a client sees it: starts and stops, with the time of each step."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote

import httpx

USER = "bench"  # an administrator by their role
_ANSWERED_WITHIN = 180.0  # seconds
_POLL = 0.02  # seconds
_CLIENT_ERROR = 400


class ServerFailedError(RuntimeError):
    """A server did not start or stop; no figure is made of that."""


@dataclass(frozen=True, slots=True)
class Start:
    """When things happened, in seconds since 1970.

    Attributes:
        asked: the POST was sent.
        accepted: it was answered.
        ready: the hub's progress said so.
        routed: the server answered through the proxy.
    """

    asked: float
    accepted: float
    ready: float
    routed: float


class HubClient:
    """A client with an administrator's token, for any number of threads.

    Attributes:
        url: of the proxy.
        token: the token.
    """

    def __init__(self, url: str, token: str) -> None:
        """Take the URL of the proxy, and a token."""
        self.url, self.token = url, token
        self._client = httpx.Client(
            base_url=url,
            headers={"Authorization": f"token {token}"},
            limits=httpx.Limits(max_connections=None),
            timeout=_ANSWERED_WITHIN,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @classmethod
    def of_user(cls, url: str, service_token: str) -> Self:
        """Return a client with a token that the hub makes for the user of `USER`.

        A token from the configuration, such as a service's, is hashed 16,384 times at each request,
        which costs the hub some 6 ms of a core; one that the hub has made is hashed once, and a
        person's cookie not at all.

        Raises:
            httpx.HTTPError: the hub does not give one.
        """
        with cls(url, service_token) as service:
            answer = service._client.post(f"/hub/api/users/{USER}/tokens", json={})
            answer.raise_for_status()
            return cls(url, str(answer.json()["token"]))

    def add(self, *names: str) -> None:
        """Have the hub know users."""
        answer = self._client.post("/hub/api/users", json={"usernames": list(names)})
        if answer.status_code != httpx.codes.CONFLICT:  # it knows them all
            answer.raise_for_status()

    def answers(self) -> bool:
        """Whether the hub can be asked."""
        try:
            return self._client.get("/hub/api/").is_success
        except httpx.HTTPError:
            return False

    def ask(self) -> float:
        """Ask the API something small and return how many seconds that took."""
        began = time.perf_counter()
        self._client.get("/hub/api/user").raise_for_status()
        return time.perf_counter() - began

    def start(self, name: str, *, is_jupyter: bool = True) -> Start:
        """Start a user's server and wait until it answers through the proxy.

        Args:
            name: of the user.
            is_jupyter: whether it is one; a tiny web server has nothing to answer with.

        Raises:
            ServerFailedError: it did not come to that.
        """
        asked = time.time()
        answer = self._client.post(f"/hub/api/users/{quote(name)}/server", json={})
        accepted = time.time()
        if answer.status_code >= _CLIENT_ERROR:
            raise ServerFailedError(f"{name}: {answer.status_code} {answer.text[:300]}")
        ready = self._until_ready(name)
        within = _ANSWERED_WITHIN
        routed = self.until(name, answering=True, within=within) if is_jupyter else ready
        return Start(asked, accepted, ready, routed)

    def _until_ready(self, name: str) -> float:
        said = ""
        path = f"/hub/api/users/{quote(name)}/server/progress"
        with self._client.stream("GET", path) as stream:
            stream.raise_for_status()
            for line in stream.iter_lines():
                if not line.startswith("data:"):
                    continue
                event = json.loads(line.removeprefix("data:"))
                said = str(event.get("message", said))
                if event.get("ready"):
                    return time.time()
                if event.get("failed"):
                    break
        raise ServerFailedError(f"{name} did not start: {said}")

    def until(self, name: str, *, answering: bool, within: float) -> float:
        """Wait until a server answers through the proxy, or does not, and return when that was.

        Args:
            name: of its user.
            answering: what to wait for.
            within: seconds.

        Raises:
            ServerFailedError: it did not come to that.
        """
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            answer = self._client.get(f"/user/{quote(name)}/api")
            if (answer.status_code == httpx.codes.OK) == answering:
                return time.time()
            time.sleep(_POLL)
        state = "does not answer" if answering else "goes on answering"
        raise ServerFailedError(f"{name} {state} through the proxy after {within:g} s.")

    def stop(self, name: str) -> float:
        """Stop a user's server and return how many seconds it took until the hub called it gone.

        Raises:
            ServerFailedError: it did not stop.
        """
        began = time.monotonic()
        answer = self._client.delete(f"/hub/api/users/{quote(name)}/server")
        if answer.status_code >= _CLIENT_ERROR:
            raise ServerFailedError(f"{name}: {answer.status_code} {answer.text[:300]}")
        while answer.status_code != httpx.codes.NO_CONTENT and self._has_server(name):
            if time.monotonic() - began > _ANSWERED_WITHIN:
                raise ServerFailedError(f"{name} did not stop within {_ANSWERED_WITHIN:g} s.")
            time.sleep(_POLL)
        return time.monotonic() - began

    def _has_server(self, name: str) -> bool:
        answer = self._client.get(f"/hub/api/users/{quote(name)}")
        answer.raise_for_status()
        return bool(answer.json()["servers"])
