"""Gathers what `doctor` judges, each part for itself: one that is missing hides no other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from swarmhub_crds.errors import StoreError, StoreUnavailable
from swarmhub_crds.notebook import Desired, Notebook, PullPolicy
from swarmhub_crds.sqlstore.sqlite import path_of
from swarmhub_crds.store import Store

from swarmhub_operator import settings as settings_module
from swarmhub_operator.cli import doctor_engine, doctor_host, doctor_probes
from swarmhub_operator.cli.health import examine as examine_store
from swarmhub_operator.cli.options import opened
from swarmhub_operator.decide.errands import Means
from swarmhub_operator.doctor.facts import Answer, Facts, Missing, StoreFacts, Swarm, Trouble
from swarmhub_operator.engine.port import Surroundings
from swarmhub_operator.settings import PREFIX, Settings, SettingsError

_POLICY_FILE: Final = f"{PREFIX}POLICY_FILE"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Images that servers, nodes or errands want, each once, and what the store says."""

    store: StoreFacts | Missing
    images: tuple[str, ...] = ()


def gather(engine: Surroundings, state_url: str, now: datetime, *, probe: bool) -> Facts:
    """Gather all facts; what cannot be had is missing with its reason.

    Args:
        engine: a manager's, if it is one and answers.
        state_url: of the store, which is only read.
        now: this machine's time.
        probe: send an errand to each node.

    Raises:
        StoreError: the URL names no file.
    """
    given, flaw = _settings()
    state = path_of(state_url)
    wanted = _from_store(state_url, now, given.errand_image)
    swarm = doctor_engine.ask(engine)
    uid = wanted.store.uid if isinstance(wanted.store, StoreFacts) else ""
    means = Means(uid, given.errand_image, given.engine_socket)
    asked = Missing("no node was asked")
    return Facts(
        now=now,
        swarm=swarm,
        network=given.network,
        store=wanted.store,
        policy=Missing(flaw) if flaw else given.effective_policy,
        files=doctor_host.files(state, given),
        state_disk=doctor_host.state_disk(state),
        answers=_answers(engine, swarm, wanted),
        certificates=doctor_host.certificates(swarm, given.network),
        unasked=max(len(wanted.images) - doctor_engine.MOST_IMAGES, 0),
        errand_image=given.errand_image,
        probes=doctor_probes.ask_nodes(engine, means, swarm, given.network, wanted.images)
        if probe
        else asked,
    )


def _settings() -> tuple[Settings, str]:
    """Return the operator's settings, and what is wrong with them: then without their policy."""
    try:
        return settings_module.read(), ""
    except SettingsError as error:
        flaw = str(error)
    policy_file = os.environ.get(_POLICY_FILE)
    others = {name: value for name, value in os.environ.items() if name != _POLICY_FILE}
    try:
        found = settings_module.read(others)
    except SettingsError:
        found = Settings()
    named = {"policy_file": Path(policy_file)} if policy_file else {}
    return found.model_copy(update=named), flaw


def _answers(engine: Surroundings, swarm: Swarm, wanted: _Wanted) -> tuple[Answer, ...] | Missing:
    if isinstance(swarm.about, Missing):
        return Missing("the engine does not answer")
    if isinstance(wanted.store, Missing):
        return Missing("the store does not tell which images are wanted")
    return doctor_engine.ask_registries(engine, wanted.images)


def _from_store(url: str, now: datetime, errand_image: str) -> _Wanted:
    try:
        with opened(url) as store:
            return _read(store, now, errand_image)
    except StoreUnavailable as error:
        return _Wanted(Missing(str(error), error.reason))
    except StoreError as error:
        return _Wanted(Missing(str(error)))


def _read(store: Store, now: datetime, errand_image: str) -> _Wanted:
    report = examine_store(store, now)
    lease, images = store.read_lease(), store.list_images()
    found = StoreFacts(
        uid=store.uid,
        schema=report.store.schema_version,
        troubles=tuple(
            Trouble(p.kind, p.name, p.phase, p.message, p.next_step, p.needs_person)
            for p in report.problems
        ),
        renewed_at=lease.renewed_at if lease else None,
        images=tuple(images),
        nodes=tuple(store.list_nodes()),
        inventories=tuple(store.list_inventories()),
    )
    wanted = (*(i.image for i in images), *_of_servers(store), errand_image)
    return _Wanted(found, tuple(dict.fromkeys(image for image in wanted if image)))


def _of_servers(store: Store) -> Iterator[str]:
    """Give the images of servers that should run, but for those that no registry is asked for."""
    for record in store.list_notebooks():
        spec = record.spec if isinstance(record, Notebook) else None
        if spec and spec.desired is Desired.RUNNING and spec.pull_policy is not PullPolicy.NEVER:
            yield spec.image
