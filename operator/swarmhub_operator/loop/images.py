"""Pins an image to the digest that its registry knows it by."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from swarmhub_crds.notebook import PullPolicy

from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.port import Engine

KEEP = 60.0  # seconds that a registry which does not tell is left alone
ANEW = 2.0  # seconds that "anew at each start" may be old: a class that starts at once asks once


@dataclass(frozen=True, slots=True)
class _Answer:
    at: float
    reference: str
    trouble: str = ""  # one sentence: why there is no digest


class ImageResolver:
    """Resolves tags with a memory. Thread-safe."""

    def __init__(
        self, engine: Engine, clock: Callable[[], float] = time.monotonic, keep: float = KEEP
    ) -> None:
        """Ask `engine`; a digest is kept for `keep` seconds."""
        self._engine = engine
        self._clock = clock
        self._keep = keep
        self._lock = threading.Lock()
        self._asking: dict[str, threading.Lock] = {}
        self._known: dict[str, _Answer] = {}
        self._settled: Mapping[str, str] = {}

    def settle(self, references: Mapping[str, str]) -> None:
        """Be told which digests the nodes have already: starts use these."""
        self._settled = references

    def resolve(self, image: str, policy: PullPolicy = PullPolicy.IF_NOT_PRESENT) -> str:
        """Return what a service is to run: `image` with its digest, as a rule.

        When no registry tells, it is `image` as it is: one that is only on the nodes then still
        starts, as with `docker service create`. An id of an image, which NEVER gives, is one that
        nodes take from what they have, or do without.

        Raises:
            EngineError: the policy is NEVER, and this engine's own node does not have the image.
        """
        if policy is PullPolicy.NEVER:
            return self._own(image)
        if policy is PullPolicy.ALWAYS:
            return self._answer(image, ANEW).reference
        return self._settled.get(image) or self._answer(image, self._keep).reference

    def trouble(self, image: str) -> str:
        """Return why the registry told no digest when it was last asked, or ""."""
        known = self._known.get(image)
        return known.trouble if known else ""

    def _own(self, image: str) -> str:
        found = self._engine.own_image(image)
        if found is None:
            raise EngineError(
                Kind.REFUSED,
                f"The image {image} is not on the manager, and as its pull policy is Never, no "
                "registry is asked: load it on every node, or choose IfNotPresent.",
            )
        return found

    def _answer(self, image: str, keep: float) -> _Answer:
        with self._lock:
            self._forget_old()
            asking = self._asking.setdefault(image, threading.Lock())
        with asking:  # one question at a time for one image; others need not wait for it
            known = self._known.get(image)
            if known and self._clock() - known.at < (KEEP if known.trouble else keep):
                return known
            answer = self._known[image] = self._ask(image)
            return answer

    def _ask(self, image: str) -> _Answer:
        try:
            return _Answer(self._clock(), self._engine.resolve_image(image))
        except EngineError as error:
            return _Answer(self._clock(), image, error.sentence)

    def _forget_old(self) -> None:
        """Users may name images at will; what they named is not remembered for ever."""
        end = self._clock() - max(self._keep, KEEP)
        for image in [known for known, answer in dict(self._known).items() if answer.at <= end]:
            self._known.pop(image, None)
            self._asking.pop(image, None)
