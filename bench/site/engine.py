"""The engine's API without a library in between, which would be measured along with it."""

from __future__ import annotations

import json
import time
from typing import Any, Self

import httpx

_ANSWERED_WITHIN = 60.0  # seconds
_POLL = 0.05  # seconds between two looks at a task


class EngineClient:
    """A client of an engine, for any number of threads."""

    def __init__(self, socket: str) -> None:
        """Take the engine's URL, as unix:///path."""
        transport = httpx.HTTPTransport(uds=socket.removeprefix("unix://"))
        self._client = httpx.Client(
            transport=transport, base_url="http://engine", timeout=_ANSWERED_WITHIN
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def call(self, method: str, path: str, body: Any = None, **params: str) -> Any:
        """Call the engine and return what it answers.

        Raises:
            httpx.HTTPError: it refuses, or does not answer.
        """
        answer = self._client.request(method, path, json=body, params=params)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def create_service(self, spec: dict[str, Any]) -> str:
        """Create a service and return its id."""
        return str(self.call("POST", "/services/create", spec)["ID"])

    def remove_service(self, service: str) -> None:
        """Remove a service."""
        self.call("DELETE", f"/services/{service}")

    def service_of(self, notebook: str) -> str | None:
        """Return the id of a notebook's service, if it has one."""
        filters = json.dumps({"label": [f"swarmhub.notebook={notebook}"]})
        found = self.call("GET", "/services", filters=filters)
        return str(found[0]["ID"]) if found else None

    def task_of(self, service: str) -> dict[str, Any] | None:
        """Return the newest task of a service, if it has one."""
        filters = json.dumps({"service": [service], "desired-state": ["running"]})
        tasks: list[dict[str, Any]] = self.call("GET", "/tasks", filters=filters)
        return max(tasks, key=lambda task: str(task["CreatedAt"]), default=None)

    def address_of(self, service: str, network: str, within: float) -> str:
        """Return where the task of a service is reached on a network, as soon as it runs.

        Args:
            service: its id.
            network: its id.
            within: seconds.

        Raises:
            TimeoutError: it did not run by then.
        """
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            task = self.task_of(service)
            if task is not None and task["Status"]["State"] == "running":
                for attachment in task.get("NetworksAttachments", []):
                    if attachment["Network"]["ID"] == network and attachment.get("Addresses"):
                        return str(attachment["Addresses"][0]).split("/")[0]
            time.sleep(_POLL)
        raise TimeoutError(f"Waited {within:g} s in vain for the task of {service} to run.")
