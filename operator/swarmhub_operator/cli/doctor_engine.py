"""What `doctor` asks of the engine: five calls, whatever runs, and one for each image."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from swarmhub_operator.doctor.facts import Answer, Missing, Swarm
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.port import Surroundings
from swarmhub_operator.engine.registries import registry_of

MOST_IMAGES: Final = 20  # that registries are asked for
T = TypeVar("T")


def _asked(call: Callable[[], T]) -> T | Missing:
    try:
        return call()
    except EngineError as error:
        return Missing(error.sentence)


def ask(engine: Surroundings) -> Swarm:
    """Ask for all that the engine tells; each list that cannot be had says why."""
    about = _asked(engine.about)
    if isinstance(about, Missing):
        away = Missing("the engine does not answer")  # and would only be waited for again
        return Swarm(about, away, away, away, away)
    if not about.manager:
        why = Missing("this engine is not a manager of a Swarm")
        return Swarm(about, why, why, why, why)
    nodes = _asked(engine.nodes)
    if isinstance(nodes, Missing):
        away = Missing("the engine does not tell of the Swarm")
        return Swarm(about, nodes, away, away, away)
    return Swarm(
        about=about,
        nodes=nodes,
        services=_asked(engine.all_services),
        tasks=_asked(engine.all_tasks),
        networks=_asked(engine.networks),
    )


def ask_registries(engine: Surroundings, images: Iterable[str]) -> tuple[Answer, ...]:
    """Ask for images, by tag or digest; a registry that does not answer is asked once."""
    found: list[Answer] = []
    silent: set[str] = set()
    for image in tuple(images)[:MOST_IMAGES]:
        registry = registry_of(image)
        if registry in silent:
            continue
        answer = _answer(engine, image, registry)
        found.append(answer)
        if answer.kind is Kind.UNAVAILABLE:
            silent.add(registry)
    return tuple(found)


def _answer(engine: Surroundings, image: str, registry: str) -> Answer:
    try:
        engine.registry_digest(image)
    except EngineError as error:
        return Answer(image, registry, error.kind, error.sentence)
    return Answer(image, registry)
