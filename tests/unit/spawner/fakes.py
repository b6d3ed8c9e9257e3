"""An operator and notebooks that only pretend: statuses are written, nothing is run."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from swarmhub_crds.base import Condition, ConditionStatus, set_condition
from swarmhub_crds.errors import Conflict, NotFound, StoreUnavailable
from swarmhub_crds.image import SeenImage
from swarmhub_crds.notebook import Desired, Notebook, NotebookStatus, Phase
from swarmhub_crds.store import Lease, Store
from swarmhub_crds.watch import StoreWatch


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args: object) -> None:
        """Be quiet."""


class FakeNotebooks:
    """One HTTP server that answers for every notebook."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


class FakeOperator:
    """Acts on each new generation at once, as the record's image says.

    Images: "ok" becomes ready; "hang" stays Pending; "refuse", "fail" and "backoff" end so. Any
    other first stays at Starting for `slow` seconds.
    """

    def __init__(self, url: str, address: str, *, slow: float = 1.0) -> None:
        self._store = Store.open(url)
        self._watch = StoreWatch(url)
        self._address = address
        self._slow = slow
        self._closed = threading.Event()
        self._lease = self._acquire()
        self._timers: list[threading.Timer] = []
        self.ready_written: dict[str, float] = {}  # time.monotonic by record name
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop acting and give the lease up."""
        self._closed.set()
        self._watch.wake()
        self._thread.join(10)
        for timer in self._timers:
            timer.cancel()
            timer.join(10)
        with suppress(StoreUnavailable):
            self._store.release_lease(self._lease)
        self._watch.close()
        self._store.close()

    def write(
        self, name: str, *conditions: Condition, generation: int | None = None, **status: Any
    ) -> None:
        """Put a status on the record as it is by now, unless it has left `generation`."""
        for _ in range(50):
            record = self._store.get_notebook(name)
            assert isinstance(record, Notebook)
            if generation not in (None, record.metadata.generation):
                return
            merged = record.status.conditions
            for condition in conditions:
                merged = set_condition(merged, condition)
            values = {
                "observed_generation": record.metadata.generation,
                **status,
                "conditions": merged,
            }
            with suppress(Conflict):
                self._put(record, record.status.model_copy(update=values))
                return
        raise AssertionError(f"the status of {name} could not be written")

    def _acquire(self) -> Lease:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            lease = self._store.acquire_lease("fake", 3600)
            if lease is not None:
                return lease
            time.sleep(0.05)
        raise AssertionError("the lease is held by somebody else")

    def _put(self, record: Notebook, status: NotebookStatus) -> None:
        meta = record.metadata
        self._store.put_notebook_status(
            meta.name, meta.uid, meta.resource_version, status, fence=self._lease.token
        )

    def _run(self) -> None:
        again = False
        while not self._closed.is_set():
            try:
                again = self._look(wait=not again)
            except (StoreUnavailable, Conflict, NotFound):
                again = True
                self._closed.wait(0.01)

    def _look(self, *, wait: bool) -> bool:
        if self._watch.wait(1.0 if wait else 0.0) is not None or not wait:
            for record in self._store.list_notebooks():
                if isinstance(record, Notebook):
                    self._act(record)
        return False

    def _act(self, record: Notebook) -> None:
        meta = record.metadata
        if meta.deletion_requested_at is not None:
            self._store.remove_notebook(
                meta.name, meta.uid, meta.resource_version, fence=self._lease.token
            )
        elif record.status.observed_generation >= meta.generation:
            return
        elif record.spec.desired is Desired.STOPPED:
            self.write(
                meta.name,
                condition("Ready", ok=False),
                generation=meta.generation,
                phase=Phase.STOPPED,
                address=None,
            )
            self._store.erase_secrets(meta.uid, generation=meta.generation, fence=self._lease.token)
        else:
            self._start(meta.name, record.spec.image, meta.generation)

    def _start(self, name: str, image: str, generation: int) -> None:
        accepted = condition("Accepted", ok=True)
        waiting = condition("Ready", ok=False, message="Jupyter does not answer yet.")
        write = partial(self.write, name, generation=generation)
        if image == "ok":
            self.ready(name, generation)
        elif image == "hang":
            write(accepted, condition("Scheduled", ok=False, message="No room <here>."))
        elif image == "refuse":
            no = condition("Accepted", ok=False, message="The image <refuse> is not allowed.")
            write(no, phase=Phase.FAILED, message=no.message)
        elif image == "fail":
            self.fail(name, generation)
        elif image == "backoff":
            write(accepted, waiting, phase=Phase.BACK_OFF, message="It crashed; again in 9 s.")
        else:
            write(accepted, waiting, phase=Phase.STARTING)
            timer = threading.Timer(self._slow, self.ready, (name, generation))
            self._timers.append(timer)
            timer.start()

    def put_images(self, *seen: SeenImage) -> None:
        """Say which images nodes are to have."""
        self._store.put_images(seen, fence=self._lease.token)

    def ready(self, name: str, generation: int | None = None) -> None:
        """Say that the notebook answers."""
        kinds = ("Accepted", "HomeReady", "Scheduled", "Started", "Ready")
        before = time.monotonic()
        self.write(
            name,
            *(condition(kind, ok=True) for kind in kinds),
            generation=generation,
            phase=Phase.RUNNING,
            node="node1",
            address=self._address,
        )
        self.ready_written[name] = before

    def fail(self, name: str, generation: int | None = None) -> None:
        """Say that the notebook has crashed too often."""
        self.write(
            name,
            condition("Ready", ok=False),
            generation=generation,
            phase=Phase.FAILED,
            message="The notebook crashed 5 times in a row & was given up.",
            exit_code=3,
            last_log=("Traceback <module>", "ValueError: boom"),
        )


def condition(kind: str, *, ok: bool, message: str = "") -> Condition:
    """Return a condition."""
    return Condition(
        type=kind,
        status=ConditionStatus.TRUE if ok else ConditionStatus.FALSE,
        reason="Fake",
        message=message,
        last_transition_time=datetime.now(UTC),
    )
