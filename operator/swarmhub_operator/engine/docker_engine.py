"""The Docker Engine API of a Swarm manager: the one module that imports docker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import docker
import requests
from docker.auth import AuthConfig
from docker.errors import APIError, DockerException

from swarmhub_operator.engine import decode, elements, labels, news, tasklog
from swarmhub_operator.engine.credentials import Credentials
from swarmhub_operator.engine.errors import EngineError, Kind, classify, classify_registry
from swarmhub_operator.engine.inspecting import Inspecting
from swarmhub_operator.engine.news import News
from swarmhub_operator.engine.observed import Node, Reservation, Secret, Service, Task, Volume
from swarmhub_operator.engine.registries import registry_of

T = TypeVar("T")

READ_TIMEOUT = 30  # seconds; a raft write on a loaded manager may take several
RESOLVE_TIMEOUT = 5  # seconds; a dead registry must not hold up those who wait for a worker
LOG_TIMEOUT = 5  # seconds; logs of a task on a dead node never come
MEASURE_TIMEOUT = 600  # seconds; as long as it takes to look at all files of a node
_READING = frozenset({"GET", "HEAD"})


def _allow() -> None:
    """Allow every call."""


class _Logins(AuthConfig):  # type: ignore[misc]  # the SDK has no types
    """The operator's own logins, in the place of those that the SDK finds in the home directory.

    That directory is one which the hub can write, too, and a file there can name a program to run.
    """

    is_empty = False  # else the SDK would look for a file again

    def __init__(self, credentials: Credentials) -> None:
        super().__init__({})
        self._credentials = credentials

    def resolve_authconfig(self, registry: str | None = None) -> dict[str, str] | None:
        """Return the login at a registry, or None."""
        return self._credentials.of(registry or "")


class _GuardedClient(docker.APIClient):  # type: ignore[misc]  # the SDK has no types
    """Asks a guard at the last moment before a changing request is handed to the socket."""

    def __init__(self, guard: Callable[[], None], credentials: Credentials, **options: Any) -> None:
        self._guard = guard
        super().__init__(**options)
        self._general_configs: dict[str, Any] = {}  # likewise from a file in the home directory
        self._auth_configs = _Logins(credentials)
        # A socket needs no proxy; to look for one, and for a .netrc, is a tenth of each request.
        self.trust_env = not str(options.get("base_url", "")).startswith("unix:")

    def send(self, request: Any, **options: Any) -> Any:
        """Send one request, as every call of the SDK does in the end."""
        if request.method not in _READING:
            self._guard()
            if request.body is not None:
                request.body = self._guarded(request.body)
        return super().send(request, **options)

    def _result(self, response: Any, json: bool = False, binary: bool = False) -> Any:
        """Return the content of an answer as the SDK does, but a list as an iterator."""
        if not json:
            return super()._result(response, binary=binary)
        self._raise_for_status(response)
        return elements.parse(response.content.decode())

    def _guarded(self, body: Any) -> Iterator[Any]:
        """Ask once more after connection and headers: without its body a request does nothing."""
        self._guard()
        yield body


class DockerEngine(Inspecting):
    """`Engine` over the docker SDK's low-level client."""

    def __init__(
        self,
        base_url: str,
        guard: Callable[[], None] = _allow,
        credentials: Credentials | None = None,
    ) -> None:
        """Connect lazily.

        Args:
            base_url: explicit, since `from_env` would follow CLI contexts.
            guard: called right before the bytes of each request that changes something; what it
                raises ends the call, and nothing has been changed then.
            credentials: logins at registries, which go along with each service; None: there are
                none.
        """
        self._base_url = base_url
        self._guard = guard
        self._credentials = credentials or Credentials()
        self._apis: dict[int, Any] = {}  # by time-out

    def _client(self, timeout: int) -> Any:
        if timeout not in self._apis:
            self._apis[timeout] = _GuardedClient(
                self._guard,
                self._credentials,
                base_url=self._base_url,
                version="auto",
                timeout=timeout,
                num_pools=16,
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

    def services(self, store: str, notebook: str = "") -> tuple[Service, ...]:
        """List the services labelled with the store's uid, or with "" those of any store."""
        ours = {"label": labels.of_store(store, notebook)}
        return self._list(decode.service, lambda api: api.services(filters=ours))

    def tasks(self, store: str, notebook: str = "") -> tuple[Task, ...]:
        """List the tasks of services that carried the store's uid when the task was made."""
        ours = {"label": labels.of_store(store, notebook)}
        return self._list(decode.task, lambda api: api.tasks(filters=ours))

    def ending_tasks(self, store: str) -> tuple[Task, ...]:
        """List those of `tasks` that are to end or have ended, as long as Swarm remembers them.

        Swarm wishes a task to be shut down that has ended by itself, too: of one that failed the
        desired state becomes "shutdown" along with its state (swarmkit, restart supervisor).
        """
        ours = {"label": labels.of_store(store), "desired-state": "shutdown"}
        return self._list(decode.task, lambda api: api.tasks(filters=ours))

    def errands(self, store: str) -> tuple[Service, ...]:
        """List the one-off services of a store."""
        ours = {"label": f"{labels.ERRAND_STORE}={store}"}
        return self._list(decode.service, lambda api: api.services(filters=ours))

    def errand_tasks(self, store: str) -> tuple[Task, ...]:
        """List the tasks of a store's one-off services."""
        ours = {"label": f"{labels.ERRAND_STORE}={store}"}
        return self._list(decode.task, lambda api: api.tasks(filters=ours))

    def secrets(self, store: str, notebook: str = "") -> tuple[Secret, ...]:
        """List the secrets labelled with the store's uid."""
        ours = {"label": labels.of_store(store, notebook)}
        return self._list(decode.secret, lambda api: api.secrets(filters=ours))

    def nodes(self) -> tuple[Node, ...]:
        """List the nodes of the Swarm."""
        return self._list(decode.node, lambda api: api.nodes())

    def reservations(self) -> tuple[Reservation, ...]:
        """List what the tasks of the whole Swarm hold of their nodes, whoever owns them.

        No filter fits: what is to end, or was removed, holds its share until it has ended.
        """
        found = self._list(decode.reservation, lambda api: api.tasks())
        return tuple(held for held in found if held is not None)

    def update_node(
        self, node_id: str, version: int, availability: str, labels: Mapping[str, str]
    ) -> None:
        """Set a node's availability and labels if it still has `version`; its role stays."""

        def request(api: Any) -> None:
            spec = api.inspect_node(node_id)["Spec"]  # an update replaces all of it
            wanted = {**spec, "Availability": availability, "Labels": dict(labels)}
            api.update_node(node_id, version, wanted)

        self._call(request)

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
        content = self._log(task_id, stdout="1", stderr="1", tail=str(lines))
        return tuple(content.decode(errors="replace").splitlines()[-lines:])

    def task_output(self, task_id: str) -> str:
        """Return all that a task wrote to its standard output."""
        return self._log(task_id, stdout="1", stderr="0", tail="all").decode(errors="replace")

    def stream_log(self, task_id: str, params: Mapping[str, str]) -> Iterator[bytes]:
        """Give what a task writes, to either output, as it comes.

        Args:
            task_id: full id.
            params: `tail`, `since`, `timestamps` and `follow` of the engine's API.

        Raises:
            EngineError: the engine cannot be asked, or is silent for long though nobody follows.
        """
        asked = {**params, "stdout": "1", "stderr": "1"}
        silence = None if "follow" in params else READ_TIMEOUT
        pieces = self._call(lambda api: tasklog.stream(api, task_id, silence, **asked))
        while (piece := self._call(lambda _: next(pieces, None))) is not None:
            yield piece

    def _log(self, task_id: str, **params: str) -> bytes:
        found: bytes = self._call(lambda api: tasklog.read(api, task_id, LOG_TIMEOUT, **params))
        return found

    def resolve_image(self, image: str) -> str:
        """Return `image` pinned to the digest that its registry knows it by."""
        return image if "@sha256:" in image else f"{image}@{self.registry_digest(image)}"

    def registry_digest(self, image: str) -> str:
        """Return the digest by which its registry knows an image, also if it is named by digest.

        Raises:
            EngineError: as `resolve_image` does.
        """
        registry = registry_of(image)
        if not {".", ".."}.isdisjoint(image.split("/")):
            # The client would ask another path of the engine.
            raise classify_registry(404, "invalid name", image, registry, logged_in=False)

        def request(api: Any) -> str:
            return str(api.inspect_distribution(image)["Descriptor"]["digest"])

        try:
            return str(self._call(request, RESOLVE_TIMEOUT))
        except EngineError as error:
            cause = error.__cause__
            status = cause.status_code if isinstance(cause, APIError) else None
            detail = str(cause.explanation or cause) if isinstance(cause, APIError) else str(error)
            logged_in = self._credentials.of(registry) is not None
            raise classify_registry(status, detail, image, registry, logged_in=logged_in) from error

    def own_image(self, image: str) -> str | None:
        """Return the id by which this engine's own node has an image, or None if it has not."""
        if not {".", ".."}.isdisjoint(image.split("/")):
            return None
        try:
            return str(self._call(lambda api: api.inspect_image(image)["Id"]))
        except EngineError as error:
            if error.kind is Kind.GONE:
                return None
            raise

    def own_node_id(self) -> str:
        """Return the node id of the engine that answers here."""
        return str(self._call(lambda api: api.info()["Swarm"]["NodeID"]))

    def find_volume(self, name: str) -> Volume | None:
        """Return a volume of this engine's own node, or None when it has none of that name."""
        try:
            return decode.volume(self._call(lambda api: api.inspect_volume(name)))
        except EngineError as error:
            if error.kind is Kind.GONE:
                return None
            raise

    def own_volumes(self) -> tuple[Volume, ...]:
        """List the volumes of this engine's own node, whoever made them."""
        return self._list(decode.volume, lambda api: api.volumes()["Volumes"] or ())

    def measured_volumes(self) -> tuple[Volume, ...]:
        """List the volumes of this engine's own node with their sizes: every file is looked at."""

        def request(api: Any) -> Any:
            # The SDK's `df` measures images and containers, too, which engines from 23 on need not.
            url = f"{api.base_url}/v{api.api_version}/system/df"
            response = api.get(url, params={"type": "volume"}, timeout=MEASURE_TIMEOUT)
            response.raise_for_status()
            return response.json()["Volumes"] or ()

        return self._list(decode.volume, request)

    def remove_volume(self, name: str) -> None:
        """Remove a volume of this engine's own node."""
        self._call(lambda api: api.remove_volume(name))

    def events(self, seconds: float) -> Iterator[News]:
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
            lambda api: api.events(
                since=now, until=now + int(seconds), filters=filters, decode=True
            )
        )
        try:
            for event in stream:
                yield news.read(event)
        except (DockerException, requests.RequestException, OSError) as error:
            raise classify(None, str(error)) from error
        finally:
            stream.close()
