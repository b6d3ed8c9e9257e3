"""An engine whose calls are counted and timed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from swarmhub_operator.engine.errors import EngineError
from swarmhub_operator.engine.port import Engine
from swarmhub_operator.loop.metrics import Metrics, Outcome, outcome_of

_STREAMS = frozenset({"events"})  # last as long as they are read; their duration tells nothing


class _Measured:
    """Passes each method of an engine on; its name is the verb."""

    def __init__(self, engine: Engine, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._metrics = metrics
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._engine, name)
        if name in _STREAMS or not callable(found):
            return found
        return partial(self._call, name, found)

    def _call(self, verb: str, method: Callable[..., Any], *given: Any, **named: Any) -> Any:
        outcome: str = Outcome.DONE
        began = self._clock()
        try:
            return method(*given, **named)
        except Exception as error:
            outcome = error.kind if isinstance(error, EngineError) else outcome_of(error)
            raise
        finally:
            self._metrics.requests.labels(verb, outcome).inc()
            self._metrics.request_durations.labels(verb).observe(self._clock() - began)


def measured(engine: Engine, metrics: Metrics, clock: Callable[[], float]) -> Engine:
    """Return `engine` with its calls counted and timed, in seconds of `clock`."""
    return cast("Engine", _Measured(engine, metrics, clock))
