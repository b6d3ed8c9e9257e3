"""A process that is the engine of many thousand notebooks: a simulated Swarm behind a socket.

    python -m bench.size.simulator FOLDER COUNT

Makes a store in FOLDER, fills both, and says "ready" on a line; then a line for each request that
changes something: when it came, its method and its path. Ends with its standard input.
"""

from __future__ import annotations

import json
import socketserver
import sys
import threading
import time
from collections.abc import Mapping
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from simswarm.doors import Door
from simswarm.raw import Raw
from simswarm.server import PORT, TICK, Served
from simswarm.swarm import Swarm
from swarmhub_crds.store import Store
from swarmhub_operator.engine import labels

from bench.size.crowd import fill, quick_swarm

_BACKLOG = 1024  # connections


class Quick(Served):
    """A Swarm that keeps the text of all it lists, and opens one door for all addresses."""

    def __init__(self, swarm: Swarm, path: Path) -> None:
        self._texts: dict[str, tuple[Raw, str]] = {}  # by id of the object
        self._lists: dict[tuple[str, str], tuple[tuple[int, ...], bytes]] = {}  # of all notebooks
        super().__init__(swarm, path)

    def _tick(self) -> None:
        while not self.stopping:
            with self.lock:
                self.catch_up()
            time.sleep(TICK)

    def request(
        self, method: str, path: str, query: Mapping[str, str], body: Any
    ) -> tuple[int, bytes]:
        """Answer a request; what of a list has not changed costs hardly more than its transfer."""
        if method != "GET":
            sys.stdout.write(f"{time.time():.4f} {method} {path}\n")
            sys.stdout.flush()
            return super().request(method, path, query, body)
        if f"{labels.NOTEBOOK}=" in query.get("filters", ""):
            return self._read(path, query)
        with self.lock:
            key, state = (path, json.dumps(dict(query))), self._state()
            known = self._lists.get(key)
        if known is None or known[0] != state:
            status, text = self._read(path, query)
            if status != HTTPStatus.OK:
                return status, text
            known = self._lists[key] = state, text
        return HTTPStatus.OK, known[1]

    def _read(self, path: str, query: Mapping[str, str]) -> tuple[int, bytes]:
        with self.lock:
            self.catch_up()
            status, answer = self._api.request("GET", path, query, None)
        if not isinstance(answer, list):
            return status, json.dumps(answer).encode()
        # Nobody else waits for this: an engine answers several at once, too.
        return status, f"[{','.join(map(self._text, answer))}]".encode()

    def _text(self, raw: Raw) -> str:
        """Return the text of an object, which is replaced when it changes."""
        known = self._texts.get(raw["ID"])
        if known is None or known[0] is not raw:
            known = self._texts[raw["ID"]] = raw, json.dumps(raw, separators=(",", ":"))
        return known[1]

    def _state(self) -> tuple[int, ...]:
        world = self.swarm.world
        return (world.index, len(world.services), len(world.tasks), len(world.secrets))


class _Doors(ThreadingHTTPServer):
    request_queue_size = _BACKLOG
    daemon_threads = True


def main(folder: str, count: str) -> None:
    """Serve until there is no more standard input."""
    state = Path(folder) / "state"
    state.mkdir()
    store = Store.open(f"sqlite:///{state}/state.db")
    swarm = quick_swarm()
    fill(store, swarm, int(count))
    store.close()
    socketserver.UnixStreamServer.request_queue_size = _BACKLOG
    served = Quick(swarm, Path(folder) / "engine.sock")
    doors = _Doors(("0.0.0.0", PORT), Door)
    threading.Thread(target=doors.serve_forever, daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    served.close()
    doors.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
