"""Sees everything that happens to the services of one store, by events and by looking often."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from typing import Any, Self

import docker
import requests
from docker.errors import DockerException
from support.node import Node
from swarmhub_crds.store import Store

_UNREACHABLE = (DockerException, requests.RequestException, OSError)
_STORE = "swarmhub.store"
_NOTEBOOK = "swarmhub.notebook"


class Witness:
    """Watches from `with` on, in threads of its own, also while the engine is away.

    Attributes:
        made: for each notebook, the ids of all services that it ever had.
        most: for each notebook, how many of its containers ran at one time at most.
        looks: how many looks succeeded.
    """

    def __init__(self, manager: Node, store: Store) -> None:
        self._socket = manager.socket
        self._store = store
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=job) for job in (self._look_often, self._listen)]
        self.made: defaultdict[str, set[str]] = defaultdict(set)
        self.most: Counter[str] = Counter()
        self.looks = 0
        self._removed: set[str] = set()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=20)

    @property
    def creates(self) -> int:
        """How many services were made, by looks and events together."""
        return sum(map(len, self.made.values()))

    @property
    def removals(self) -> int:
        """How many of them were removed, as far as events told."""
        return len(self._removed & {ident for ids in self.made.values() for ident in ids})

    def _client(self) -> Any:
        return docker.APIClient(base_url=self._socket, version="1.41", timeout=5)

    def _look_often(self) -> None:
        api = self._client()
        ours = {"label": f"{_STORE}={self._store.uid}"}
        while not self._stop.wait(0.1):
            try:
                self._see(api.tasks(filters=ours), api.services(filters=ours))
            except _UNREACHABLE:
                continue
        api.close()

    def _see(self, tasks: list[dict[str, Any]], services: list[dict[str, Any]]) -> None:
        running: Counter[str] = Counter()
        for task in tasks:
            if task["Status"]["State"] == "running":
                running[task["Spec"]["ContainerSpec"]["Labels"][_NOTEBOOK]] += 1
        self.most |= running
        for service in services:
            self.made[service["Spec"]["Labels"][_NOTEBOOK]].add(service["ID"])
        self.looks += 1

    def _listen(self) -> None:
        since = int(time.time())
        while not self._stop.is_set():
            api = self._client()
            now = int(time.time())
            try:
                # A stream that the engine itself ends, so that this thread ends too.
                told = api.events(
                    since=since, until=now + 2, decode=True, filters={"type": "service"}
                )
                for event in told:
                    self._note(event)
                since = now
            except _UNREACHABLE:
                self._stop.wait(0.2)
            finally:
                api.close()

    def _note(self, event: dict[str, Any]) -> None:
        ident, name = event["Actor"]["ID"], event["Actor"]["Attributes"].get("name", "")
        notebook = name.removeprefix("jupyter-")
        # An engine that comes back tells of long-gone services once more, of other stores too.
        if event["Action"] == "create" and self._store.get_notebook(notebook) is not None:
            self.made[notebook].add(ident)
        elif event["Action"] == "remove":
            self._removed.add(ident)
