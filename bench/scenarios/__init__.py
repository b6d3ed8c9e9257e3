"""What is measured, one scenario a module; each returns figures, or raises if anything fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bench.results import Figure
from bench.scenarios import arrival, back, calls, crash, image, one, size, waits, width
from bench.site.site import Site

ON_AN_ENGINE: Final[dict[str, Callable[[Site, int], list[Figure]]]] = {
    one.NAME: one.run,
    crash.NAME: crash.run,
    image.NAME: image.run,
    arrival.NAME: arrival.run,
    calls.NAME: calls.run,
    width.NAME: width.run,
    back.NAME: back.run,
}
SIMULATED: Final[dict[str, Callable[[int], list[Figure]]]] = {
    size.NAME: size.run,
    waits.NAME: waits.run,
}
NAMES: Final = (*ON_AN_ENGINE, *SIMULATED)
