"""Images are pinned to digests, with a short memory."""

from __future__ import annotations

from typing import cast

from swarmhub_operator.engine.port import Engine
from swarmhub_operator.loop.images import KEEP, ImageResolver


class Registry:
    """The one call of an engine that the resolver makes."""

    def __init__(self, known: dict[str, str]) -> None:
        self.known = known
        self.asked: list[str] = []

    def resolve_image(self, image: str) -> str | None:
        """Return the image with its digest, or None."""
        self.asked.append(image)
        return self.known.get(image)


def resolver(registry: Registry, now: list[float]) -> ImageResolver:
    """Return a resolver on a clock of the test's own."""
    return ImageResolver(cast("Engine", registry), lambda: now[0])


def test_a_class_that_starts_at_once_asks_once() -> None:
    """Within a minute the answer is good."""
    registry, now = Registry({"lab": "lab@sha256:aa"}), [0.0]
    images = resolver(registry, now)
    assert {images.resolve("lab") for _ in range(40)} == {"lab@sha256:aa"}
    assert registry.asked == ["lab"]


def test_a_new_digest_is_found_after_a_while() -> None:
    """A pushed image is not ignored for ever."""
    registry, now = Registry({"lab": "lab@sha256:aa"}), [0.0]
    images = resolver(registry, now)
    images.resolve("lab")
    registry.known["lab"] = "lab@sha256:bb"
    now[0] = KEEP - 1
    assert images.resolve("lab") == "lab@sha256:aa"
    now[0] = KEEP
    assert images.resolve("lab") == "lab@sha256:bb"


def test_an_image_that_no_registry_knows_stays_as_it_is() -> None:
    """It may be on the nodes already."""
    assert resolver(Registry({}), [0.0]).resolve("local-only") == "local-only"


def test_old_answers_are_forgotten() -> None:
    """A thousand images that somebody made up do not stay in memory."""
    now = [0.0]
    images = resolver(Registry({}), now)
    for number in range(1000):
        images.resolve(f"image-{number}")
    now[0] = KEEP
    images.resolve("lab")
    assert list(images._known) == list(images._asking) == ["lab"]
