"""The Docker Engine API of a Swarm manager: the one module that imports docker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import docker
import requests
from docker.errors import APIError, DockerException

from swarmhub_operator.engine import decode, labels
from swarmhub_operator.engine.errors import EngineError, Kind, classify
from swarmhub_operator.engine.observed import Node, Secret, Service, Task

T = TypeVar("T")

READ_TIMEOUT = 30  # seconds; a raft write on a loaded manager may take several
RESOLVE_TIMEOUT = 5  # seconds; a dead registry must not hold up those who wait for a worker
LOG_TIMEOUT = 5  # seconds; logs of a task on a dead node never come


class DockerEngine:
    """`Engine` over the docker SDK's low-level client."""

    def __init__(self, base_url: str) -> None:
        """Connect lazily; `base_url` is explicit, since `from_env` would follow CLI contexts."""
        self._base_url = base_url
        self._apis: dict[int, Any] = {}  # by time-out

    def _client(self, timeout: int) -> Any:
        if timeout not in self._apis:
            self._apis[timeout] = docker.APIClient(
                base_url=self._base_url, version="auto", timeout=timeout, num_pools=16
            )
        return self._apis[timeout]

    def _call(self, request: Callable[[Any], Any], timeout: int = READ_TIMEOUT) -> Any:
        try:
            return request(self._client(timeout))
        except APIError as error:
            status = error.response.status_code if error.response is not None else None
            raise classify(status, str(error.explanation or error)) from error
        except requests.Timeout as error:
            raise EngineError(
                Kind.UNAVAILABLE, f"The engine did not answer in {timeout} s; trying again."
            ) from error
        except (DockerException, requests.RequestException, OSError) as error:
            raise classify(None, str(error)) from error
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise EngineError(
                Kind.UNAVAILABLE,
                f"The engine's answer is of a form that is not known here ({error!r}); "
                "see whether this operator supports the engine's version.",
            ) from error

    def _list(
        self, read: Callable[[Mapping[str, Any]], T], request: Callable[[Any], Any]
    ) -> tuple[T, ...]:
        found: tuple[T, ...] = self._call(lambda api: tuple(read(raw) for raw in request(api)))
        return found

    def services(self, store: str) -> tuple[Service, ...]:
        """List the services labelled with the store's uid."""
        ours = {"label": f"{labels.STORE}={store}"}
        return self._list(decode.service, lambda api: api.services(filters=ours))

    def tasks(self, store: str) -> tuple[Task, ...]:
        """List the tasks of services that carried the store's uid when the task was made."""
        ours = {"label": f"{labels.STORE}={store}"}
        return self._list(decode.task, lambda api: api.tasks(filters=ours))

    def secrets(self, store: str) -> tuple[Secret, ...]:
        """List the secrets labelled with the store's uid."""
        ours = {"label": f"{labels.STORE}={store}"}
        return self._list(decode.secret, lambda api: api.secrets(filters=ours))

    def nodes(self) -> tuple[Node, ...]:
        """List the nodes of the Swarm."""
        return self._list(decode.node, lambda api: api.nodes())

    def find_service(self, name: str) -> Service | None:
        """Find a service by its exact name; the engine's own filter matches prefixes."""
        found = self._list(decode.service, lambda api: api.services(filters={"name": name}))
        return next((service for service in found if service.name == name), None)

    def create_service(self, spec: Mapping[str, Any]) -> str:
        """Create a service and return its id."""
        created = self._call(
            lambda api: api.create_service(
                spec["TaskTemplate"],
                name=spec["Name"],
                labels=spec["Labels"],
                mode=spec["Mode"],
                endpoint_spec=spec["EndpointSpec"],
            )
        )
        return str(created["ID"])

    def update_service(self, service_id: str, version: int, spec: Mapping[str, Any]) -> None:
        """Replace a service's spec if it still has `version`."""
        self._call(
            lambda api: api.update_service(
                service_id,
                version,
                task_template=spec["TaskTemplate"],
                name=spec["Name"],
                labels=spec["Labels"],
                mode=spec["Mode"],
                endpoint_spec=spec["EndpointSpec"],
            )
        )

    def remove_service(self, service_id: str) -> None:
        """Remove a service by its full id."""
        self._call(lambda api: api.remove_service(service_id))

    def create_secret(self, name: str, data: bytes, labels: Mapping[str, str]) -> str:
        """Create a secret and return its id."""
        created = self._call(lambda api: api.create_secret(name, data, labels=dict(labels)))
        return str(created["ID"])

    def find_secret(self, name: str) -> Secret | None:
        """Find a secret by its exact name."""
        found = self._list(decode.secret, lambda api: api.secrets(filters={"name": name}))
        return next((secret for secret in found if secret.name == name), None)

    def remove_secret(self, secret_id: str) -> None:
        """Remove a secret by its full id."""
        self._call(lambda api: api.remove_secret(secret_id))

    def task_log(self, task_id: str, lines: int) -> tuple[str, ...]:
        """Return the last lines that a task wrote."""

        def request(api: Any) -> bytes:
            # The SDK has logs of a service, which mix its tasks, but none of a single task.
            params = {"stdout": "1", "stderr": "1", "tail": str(lines)}
            url = f"{api.base_url}/v{api.api_version}/tasks/{task_id}/logs"
            response = api.get(url, params=params, timeout=LOG_TIMEOUT)
            response.raise_for_status()
            return bytes(response.content)

        text = b"".join(_frames(self._call(request))).decode(errors="replace")
        return tuple(text.splitlines()[-lines:])

    def resolve_image(self, image: str) -> str | None:
        """Return `image` pinned to its digest, or None when no registry knows it."""
        if "@sha256:" in image:
            return image
        if not {".", ".."}.isdisjoint(image.split("/")):
            return None  # no image: the client would ask another path of the engine

        def request(api: Any) -> str:
            return str(api.inspect_distribution(image)["Descriptor"]["digest"])

        try:
            return f"{image}@{self._call(request, RESOLVE_TIMEOUT)}"
        except EngineError:
            return None

    def own_node_id(self) -> str:
        """Return the node id of the engine that answers here."""
        return str(self._call(lambda api: api.info()["Swarm"]["NodeID"]))

    def volume_labels(self, name: str) -> Mapping[str, str] | None:
        """Return the labels of a volume of this engine's own node, or None when it has none."""
        try:
            return self._call(lambda api: api.inspect_volume(name)).get("Labels") or {}
        except EngineError as error:
            if error.kind is Kind.GONE:
                return None
            raise

    def remove_volume(self, name: str) -> None:
        """Remove a volume of this engine's own node."""
        self._call(lambda api: api.remove_volume(name))

    def events(self, seconds: float) -> Iterator[None]:
        """Yield once per event that may concern us, for at most `seconds`.

        The bound stands in for the read time-out that the SDK lacks: the engine itself ends the
        stream at `until`, so that a silent connection is noticed.
        """
        now = int(datetime.now(UTC).timestamp())
        filters = {
            "type": ["service", "node", "secret", "container"],
            "event": ["create", "update", "remove", "die"],
        }
        stream = self._call(
            lambda api: api.events(since=now, until=now + int(seconds), filters=filters)
        )
        try:
            for _ in stream:
                yield
        except (DockerException, requests.RequestException, OSError) as error:
            raise classify(None, str(error)) from error
        finally:
            stream.close()


def _frames(content: bytes) -> Iterator[bytes]:
    """Split the engine's multiplexed log stream (8-byte header: stream, length) into frames."""
    offset = 0
    while offset + 8 <= len(content):
        size = int.from_bytes(content[offset + 4 : offset + 8], "big")
        yield content[offset + 8 : offset + 8 + size]
        offset += 8 + size
