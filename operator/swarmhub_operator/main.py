"""The operator process: waits for the store and the lease, then runs the controller."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from contextlib import closing

from prometheus_client import disable_created_metrics
from swarmhub_crds.errors import Reason, StoreError, StoreUnavailable
from swarmhub_crds.store import Store

from swarmhub_operator import interpreter, logs
from swarmhub_operator.engine.credentials import Credentials, CredentialsError
from swarmhub_operator.engine.docker_engine import DockerEngine
from swarmhub_operator.hostmemory import host_memory
from swarmhub_operator.loop import health
from swarmhub_operator.loop.alive import SignOfLife
from swarmhub_operator.loop.assemble import assemble
from swarmhub_operator.loop.leadership import Leadership
from swarmhub_operator.loop.metrics import Metrics
from swarmhub_operator.loop.ownmemory import of_nothing
from swarmhub_operator.loop.pulse import Pulse
from swarmhub_operator.settings import Settings, SettingsError, read

RETRY = 1.0  # seconds between two attempts to open the store
LEASE_EVERY = 0.5  # seconds between two looks of a standby at the lease
STOP_WITHIN = 6.0  # seconds; Swarm kills ten seconds after SIGTERM
log = logs.get_logger()


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    try:
        settings = read()
    except SettingsError as error:
        sys.exit(f"swarmhub-operator: {error}")
    logs.configure(settings.log_level)
    # A series more for each counter, which nobody asks for.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    try:
        Credentials(settings.registry_auth_file).read()
    except CredentialsError as error:
        sys.exit(f"swarmhub-operator: {error}")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    interpreter.tune(stop)
    try:
        run(settings, stop)
    except SettingsError as error:
        sys.exit(f"swarmhub-operator: {error}")


def run(settings: Settings, stop: threading.Event) -> None:
    """Be an operator until `stop` is set: standby until the lease is ours, then lead.

    Raises:
        SettingsError: the health endpoint's address cannot be used.
    """
    pulse, metrics = Pulse(), Metrics()
    scrapers = settings.metrics_from
    try:
        server = health.serve(
            pulse, metrics.registry, settings.health_host, settings.health_port, scrapers
        )
    except OSError as error:
        where = f"{settings.health_host}:{settings.health_port}"
        raise SettingsError(
            f"The health endpoint cannot listen on {where} ({error}); "
            "end what listens there or set SWARMHUB_HEALTH_PORT."
        ) from error
    try:
        while (store := _open_store(settings.state_url, pulse, stop)) is not None:
            pulse.ready = True
            metrics.state.store = store
            with closing(store):
                _serve(settings, store, pulse, metrics, stop)
    finally:
        server.shutdown()
        server.server_close()
    log.info("stopped")


def _serve(
    settings: Settings, store: Store, pulse: Pulse, metrics: Metrics, stop: threading.Event
) -> None:
    """Stand by and lead until `stop` is set, or the file turns out to hold another store.

    That one is then opened: one that was made while the right file was away gives way to it again.
    """
    holder = f"{socket.gethostname()}/{os.getpid()}"
    with closing(SignOfLife(store.path)) as life:
        while not stop.is_set():
            leadership = Leadership(store, holder, life, settings.lease_ttl)
            metrics.state.leadership = leadership
            if not _take_lead(leadership, pulse, stop):
                return
            _lead(settings, store, leadership, pulse, metrics, stop)


def _open_store(url: str, pulse: Pulse, stop: threading.Event) -> Store | None:
    said = ""
    while not stop.is_set():
        try:
            return Store.open(url)
        except StoreError as error:
            pulse.report("store", str(error))
            if str(error) != said:
                said = str(error)
                log.warning("store", outcome="unavailable", error=said)
        stop.wait(RETRY)
    return None


def _take_lead(leadership: Leadership, pulse: Pulse, stop: threading.Event) -> bool:
    said = ""
    while not stop.is_set():
        try:
            if leadership.acquire():
                log.info("lease", outcome="acquired", fence=leadership.fence)
                return True
            pulse.report("store", None)
        except StoreError as error:
            pulse.report("store", str(error))
            if str(error) != said:
                said = str(error)
                log.warning("lease", outcome="unavailable", error=said)
            if isinstance(error, StoreUnavailable) and error.reason is Reason.ANOTHER:
                return False
        stop.wait(LEASE_EVERY)
    return False


def _lead(
    settings: Settings,
    store: Store,
    leadership: Leadership,
    pulse: Pulse,
    metrics: Metrics,
    stop: threading.Event,
) -> None:
    credentials = Credentials(settings.registry_auth_file)
    engine = DockerEngine(settings.docker_host, leadership.guard, credentials)
    memory = host_memory if settings.has_local_engine else of_nothing
    controller = assemble(
        store, engine, leadership, settings, pulse, metrics=metrics, memory=memory
    )
    controller.start(settings.workers)
    pulse.leading = True
    while not stop.is_set() and not leadership.lost.is_set():
        stop.wait(0.2)
    pulse.leading = False
    metrics.state.queue = None
    leadership.end_soon()
    if controller.stop(STOP_WITHIN):
        leadership.release()
    else:
        log.warning("lease", outcome="left to run out", error="A call is still under way.")
        leadership.let_run_out()
    pulse.reset()


if __name__ == "__main__":
    main()
