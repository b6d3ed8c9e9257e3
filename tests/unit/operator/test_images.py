"""Images are pinned to digests, with a memory; what the pull policy changes about that."""

from __future__ import annotations

from typing import cast

import pytest
from swarmhub_crds.notebook import PullPolicy
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.port import Engine
from swarmhub_operator.loop.images import ANEW, KEEP, ImageResolver


class Registry:
    """The calls of an engine that the resolver makes."""

    def __init__(self, known: dict[str, str]) -> None:
        self.known = known
        self.own: dict[str, str] = {}
        self.asked: list[str] = []

    def resolve_image(self, image: str) -> str:
        """Return the image with its digest."""
        self.asked.append(image)
        if image not in self.known:
            raise EngineError(Kind.GONE, f"Nobody knows {image}.")
        return self.known[image]

    def own_image(self, image: str) -> str | None:
        """Return an image's id."""
        return self.own.get(image)


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


def test_a_kept_digest_is_good_for_as_long_as_it_was_said() -> None:
    """A registry that fails is asked again much sooner."""
    registry, now = Registry({"lab": "lab@sha256:aa"}), [0.0]
    images = ImageResolver(cast("Engine", registry), lambda: now[0], keep=10 * KEEP)
    assert images.resolve("lab") == "lab@sha256:aa"
    assert images.resolve("odd") == "odd"
    assert images.trouble("odd") == "Nobody knows odd."
    registry.known = {"lab": "lab@sha256:bb", "odd": "odd@sha256:cc"}
    now[0] = 2 * KEEP
    assert images.resolve("lab") == "lab@sha256:aa"
    assert images.resolve("odd") == "odd@sha256:cc"
    assert images.trouble("odd") == ""


def test_always_asks_anew_at_each_start() -> None:
    """But a class that starts in the same moment asks once."""
    registry, now = Registry({"lab": "lab@sha256:aa"}), [0.0]
    images = resolver(registry, now)
    images.settle({"lab": "lab@sha256:00"})
    assert {images.resolve("lab", PullPolicy.ALWAYS) for _ in range(40)} == {"lab@sha256:aa"}
    registry.known["lab"] = "lab@sha256:bb"
    now[0] = ANEW
    assert images.resolve("lab", PullPolicy.ALWAYS) == "lab@sha256:bb"
    assert registry.asked == ["lab", "lab"]


def test_never_takes_what_the_node_has_by_its_id() -> None:
    """Nodes pull nothing that is named by an id; no registry is asked."""
    registry = Registry({"lab": "lab@sha256:aa"})
    registry.own["lab"] = "sha256:1d"
    images = resolver(registry, [0.0])
    assert images.resolve("lab", PullPolicy.NEVER) == "sha256:1d"
    with pytest.raises(EngineError, match="is not on the manager") as caught:
        images.resolve("other", PullPolicy.NEVER)
    assert caught.value.kind is Kind.REFUSED
    assert registry.asked == []


def test_what_the_nodes_have_is_used_without_asking() -> None:
    """A newer digest would have to be pulled first."""
    registry = Registry({"lab": "lab@sha256:bb"})
    images = resolver(registry, [0.0])
    images.settle({"lab": "lab@sha256:aa"})
    assert images.resolve("lab") == "lab@sha256:aa"
    assert registry.asked == []
