"""Gathers what a report holds, each part by itself: one that is not to be had costs no other.

What fails says so in its place. An engine that does not answer and a store that cannot be opened
are asked once; each part that needs them then has their sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from swarmhub_crds.errors import StoreError
from swarmhub_crds.store import Store

from swarmhub_operator.cli.bugreport.archive import Part
from swarmhub_operator.cli.errors import EXPECTED
from swarmhub_operator.engine.errors import EngineError
from swarmhub_operator.engine.port import Reporting

Take = Callable[[], Any]


class Missing(Exception):  # noqa: N818 - it says what is the case
    """A part is not to be had; `str()` is one sentence."""


@dataclass
class Gathered:
    """Parts in the order in which they were asked for."""

    parts: list[Part] = field(default_factory=list)

    def take(self, file: str, what: str, how: Take, *, by_engine: bool = False) -> Any:
        """Ask for one part; None if it is not to be had."""
        try:
            content = how()
        except (*EXPECTED, Missing) as error:
            self.parts.append(Part(file, what, missing=str(error)))
            return None
        except Exception as error:  # noqa: BLE001 - a fault here must not cost the other parts
            why = f"It could not be taken: {type(error).__name__}: {error}."
            self.parts.append(Part(file, what, missing=why))
            return None
        self.parts.append(Part(file, what, content, by_engine=by_engine))
        return content

    def content(self, file: str) -> Any:
        """Return what a part holds, None if it is missing."""
        return next((p.content for p in self.parts if p.file == file and not p.missing), None)


@dataclass
class Source:
    """Store and engine, each asked for the first time once.

    Attributes:
        store: None: it cannot be opened.
        engine: asked for nothing but lists.
        why_no_store: the sentence for that.
        why_no_engine: "" while the engine answers.
    """

    store: Store | None
    engine: Reporting
    why_no_store: str = ""
    why_no_engine: str = ""

    def of_store(self, how: Callable[[Store], Any]) -> Take:
        """Return what takes a part from the store."""

        def take() -> Any:
            if self.store is None:
                raise Missing(self.why_no_store)
            return how(self.store)

        return take

    def of_engine(self, how: Callable[[Reporting], Any]) -> Take:
        """Return what takes a part from the engine."""

        def take() -> Any:
            if self.why_no_engine:
                raise Missing(self.why_no_engine)
            return how(self.engine)

        return take

    def greet(self) -> Mapping[str, Any]:
        """Ask the engine about itself; if it does not answer nothing more is asked of it.

        Raises:
            EngineError: it does not answer.
        """
        try:
            return self.engine.essentials()
        except EngineError as error:
            self.why_no_engine = str(error)
            raise


@contextmanager
def source(url: str, engine: Reporting) -> Iterator[Source]:
    """Open the store for a block, if that can be done."""
    try:
        store = Store.open(url, create=False)
    except StoreError as error:
        yield Source(None, engine, why_no_store=str(error))
        return
    try:
        yield Source(store, engine)
    finally:
        store.close()
