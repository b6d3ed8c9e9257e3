"""Carries out actions, each idempotent; engine and store refuse those of a lease that is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, assert_never

from swarmhub_crds import names
from swarmhub_crds.home import Home, HomeStatus
from swarmhub_crds.notebook import Notebook

from swarmhub_operator.decide import actions
from swarmhub_operator.decide.actions import Action
from swarmhub_operator.decide.build import (
    Placement,
    Wanted,
    ownership,
    secret_file,
    secret_name,
    service_spec,
)
from swarmhub_operator.decide.environment import secret_faults
from swarmhub_operator.decide.homes import adopted, losing, released
from swarmhub_operator.decide.inputs import Observed
from swarmhub_operator.engine import labels
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observed import Secret, Service
from swarmhub_operator.logs import get_logger
from swarmhub_operator.loop.parts import Parts

log = get_logger()


class Applier:
    """Applies the actions of one notebook in their order."""

    def __init__(self, parts: Parts) -> None:
        self._now = parts.now
        self._metrics = parts.metrics
        self._refused = parts.policy.refused_environment
        self._engine = parts.engine
        self._store = parts.store
        self._leadership = parts.leadership
        self._events = parts.events

    def apply(self, wanted: Wanted, observed: Observed, todo: tuple[Action, ...]) -> None:
        """Apply `todo`; the first failure ends it, and the next look starts from what is.

        Raises:
            EngineError: a call failed.
            StoreError: the store refused a write.
            LeaseLost: another operator acts now.
        """
        known = known_secrets(wanted, observed)
        for action in todo:
            began = time.monotonic()
            outcome = "error"
            try:
                self._one(wanted, action, known)
                outcome = "done"
                self._events.carried_out(wanted.name, action)
            except EngineError as error:
                outcome = error.kind.value
                self._events.refused(wanted.name, action, error)
                raise
            finally:
                duration = round(time.monotonic() - began, 4)
                kind, why = type(action).__name__, getattr(action, "why", "")
                self._metrics.actions.labels(kind, outcome).inc()
                log.info(
                    "action",
                    notebook=wanted.name,
                    action=kind,
                    why=why,
                    outcome=outcome,
                    duration=duration,
                )

    def remove(self, notebook: str, services: Iterable[Service], secrets: Iterable[Secret]) -> None:
        """Remove what is left of a notebook whose record cannot be read. Raises as `apply`."""
        for service in services:
            self._unless_gone(partial(self._engine.remove_service, service.id))
            self._tell_removed(notebook, "RemoveService")
        for secret in secrets:
            self._unless_gone(partial(self._engine.remove_secret, secret.id))
            self._tell_removed(notebook, "RemoveSecret")

    def _tell_removed(self, notebook: str, action: str) -> None:
        self._metrics.actions.labels(action, "done").inc()
        log.info("action", notebook=notebook, action=action, outcome="done")

    def _one(self, wanted: Wanted, action: Action, secret_ids: dict[str, str]) -> None:
        match action:
            case actions.CreateSecret(name):
                secret_ids[name] = self._create_secret(wanted, name)
            case actions.CreateService(placement):
                self._create_service(wanted, placement, secret_ids)
            case actions.UpdateService(service_id, version, placement):
                spec = self._spec(wanted, placement, secret_ids)
                self._engine.update_service(service_id, version, spec)
            case actions.RemoveService(service_id):
                self._unless_gone(lambda: self._engine.remove_service(service_id))
            case actions.RemoveSecret(secret_id):
                self._unless_gone(lambda: self._engine.remove_secret(secret_id))
            case actions.EraseSecretEnvironment(generation):
                uid = wanted.notebook.metadata.uid
                self._store.erase_secrets(uid, generation=generation, fence=self._leadership.fence)
            case actions.AdoptHome() | actions.ReleaseHomes():
                self._home(wanted, action)
            case actions.RemoveRecord():
                meta = wanted.notebook.metadata
                fence = self._leadership.fence
                self._store.remove_notebook(meta.name, meta.uid, meta.resource_version, fence=fence)
            case _:
                assert_never(action)

    def _home(self, wanted: Wanted, action: actions.AdoptHome | actions.ReleaseHomes) -> None:
        if isinstance(action, actions.AdoptHome):
            home = wanted.homes[action.volume]
            self._put_home(home, adopted(home, action.node, self._now(), own=action.own))
            return
        for volume in action.volumes:
            self._release_home(volume, wanted.notebook)

    def _release_home(self, volume: str, leaving: Notebook) -> None:
        home = self._store.get_home(volume)
        if not isinstance(home, Home):
            return
        others = (n for n in self._store.list_notebooks() if isinstance(n, Notebook))
        if losing(home, leaving, others):
            self._put_home(home, released(home, self._now()))

    def _put_home(self, home: Home, status: HomeStatus) -> None:
        meta, fence = home.metadata, self._leadership.fence
        self._store.put_home_status(meta.name, meta.uid, meta.resource_version, status, fence=fence)
        self._events.home(home, status)

    def _unless_gone(self, remove: Callable[[], None]) -> None:
        try:
            remove()
        except EngineError as error:
            if error.kind is not Kind.GONE:
                raise

    def _spec(
        self, wanted: Wanted, placement: Placement, secret_ids: dict[str, str]
    ) -> dict[str, Any]:
        name = secret_name(wanted.notebook)
        if name and name not in secret_ids:
            raise EngineError(Kind.STALE, "Its secret is not there yet; looking again.")
        return service_spec(wanted, placement, secret_ids.get(name or ""))

    def _create_secret(self, wanted: Wanted, name: str) -> str:
        environment = self._store.secret_environment(wanted.notebook.metadata.uid)
        if not environment:
            raise EngineError(
                Kind.REFUSED, "Its API token is no longer stored; start the server from the hub."
            )
        fault = next(secret_faults(environment, self._refused), None)
        if fault:
            raise EngineError(Kind.REFUSED, fault)
        try:
            return self._engine.create_secret(name, secret_file(environment), ownership(wanted))
        except EngineError as error:
            if error.kind is not Kind.TAKEN:
                raise
        found = self._engine.find_secret(name)
        if found is not None and ownership(wanted).items() <= found.labels.items():
            return found.id
        raise self._taken("secret", name, found.labels if found else None, wanted)

    def _create_service(
        self, wanted: Wanted, placement: Placement, secret_ids: dict[str, str]
    ) -> None:
        spec = self._spec(wanted, placement, secret_ids)
        try:
            self._engine.create_service(spec)
        except EngineError as error:
            if error.kind is not Kind.TAKEN:
                raise
            name = names.service_name(wanted.name)
            found = self._engine.find_service(name)
            raise self._taken("service", name, found.labels if found else None, wanted) from error

    def _taken(
        self, what: str, name: str, owner: Mapping[str, str] | None, wanted: Wanted
    ) -> EngineError:
        """Ours: the next look will see and judge it. Another's: refuse, and touch nothing."""
        if owner is None or owner.get(labels.STORE) == wanted.store:
            return EngineError(Kind.STALE, f"The {what} {name} exists already; looking again.")
        sentence = f"A {what} named {name} exists that this hub did not make; remove or rename it."
        other = owner.get(labels.STORE)
        if other:
            sentence = (
                f"A {what} named {name} belongs to another store (uid {other}); if this store "
                f"took that one's place, run `swarmhub state rebuild --from-store {other}`, else "
                "remove it."
            )
        return EngineError(Kind.REFUSED, sentence)


def known_secrets(wanted: Wanted, observed: Observed) -> dict[str, str]:
    """Ids by name; what a service mounts is there, even if the list of secrets missed it."""
    found = {s.name: s.id for s in observed.secrets}
    name, service = secret_name(wanted.notebook), observed.service
    if name and service is not None and service.mounted_secret:
        found.setdefault(name, service.mounted_secret)
    return found
