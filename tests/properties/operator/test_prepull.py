"""Whatever nodes and registries do, images get to the nodes, few at a time."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from swarmhub_crds.image import Pull, SeenImage
from swarmhub_operator.decide.prepull import Answer, View, plan
from swarmhub_operator.decide.prepull_policy import PrepullPolicy
from swarmhub_operator.decide.pulls import Key, Sent
from swarmhub_operator.decide.wishes import HUB, Wish
from swarmhub_operator.engine.observed import TaskState
from swarmhub_operator.engine.registries import registry_of
from unit.operator.test_prepull import NOW, node, pull

POLICY = PrepullPolicy(at_once=2)
IMAGES = ("a.example/x", "a.example/y", "b.example/z")
NAMES = ("n1", "n2", "n3", "n4")
STEPS = st.lists(
    st.fixed_dictionaries(
        {
            "digests": st.lists(st.sampled_from(("", "aa", "bb")), min_size=3, max_size=3),
            "up": st.sets(st.sampled_from(NAMES)),
            "ends": st.lists(
                st.sampled_from((None, *TaskState)), min_size=2 * len(IMAGES), max_size=20
            ),
            "lost": st.booleans(),
        }
    ),
    max_size=15,
)


class Site:
    """Nodes and registries, and what an operator remembers."""

    def __init__(self) -> None:
        self.at = NOW
        self.before: dict[str, SeenImage] = {}
        self.sent: dict[Key, Sent] = {}
        self.told: set[str] = set()

    def step(self, digests: dict[str, str], up: set[str]) -> None:
        """Plan once and do what it says."""
        nodes = {n: node(n, "ready" if n in up else "down") for n in NAMES}
        answers = {
            image: Answer(f"{image}@sha256:{digest}") if digest else Answer(trouble="No.")
            for image, digest in digests.items()
        }
        view = View(nodes, self.sent, self.at, POLICY, answers, frozenset(self.told))
        decided = plan([Wish(image, HUB) for image in IMAGES], self.before, view)
        self.told |= {image for image, digest in digests.items() if digest}
        for image in decided.images:
            old = self.before.get(image.image)
            if old is not None and old.reference and image.image in self.told:
                assert image.reference
        gone = set(decided.remove)
        self.sent = {k: s for k, s in self.sent.items() if s.service.id not in gone}
        for key in decided.send:
            assert key not in self.sent
            assert key[0] in up
            self.sent[key] = pull(key, None)
        going = Counter(registry_of(reference) for _, reference in self.sent)
        assert all(number <= POLICY.at_once for number in going.values())
        self.before = {image.image: image for image in decided.images}
        self.at += timedelta(seconds=1)


@settings(max_examples=150)
@given(STEPS)
def test_in_the_end_every_node_has_every_image(steps: list[dict[str, object]]) -> None:
    """After any history: with all nodes up and registries that answer, it comes to rest."""
    site = Site()
    for given_ in steps:
        digests = dict(zip(IMAGES, given_["digests"], strict=True))  # type: ignore[call-overload]
        site.step(digests, given_["up"])  # type: ignore[arg-type]
        ends = iter(given_["ends"])  # type: ignore[call-overload]
        site.sent = {key: pull(key, next(ends, None)) for key in site.sent}
        if given_["lost"]:
            site.sent = {}
    for _ in range(60):
        site.step(dict.fromkeys(IMAGES, "bb"), set(NAMES))
        site.sent = {key: pull(key, TaskState.FAILED) for key in site.sent}
        site.at += timedelta(seconds=60)
        if not site.sent:
            break
    site.step(dict.fromkeys(IMAGES, "bb"), set(NAMES))
    for image in site.before.values():
        assert (image.reference, image.coming) == (f"{image.image}@sha256:bb", "")
        assert {entry.state for entry in image.nodes} == {Pull.PRESENT}
        assert len(image.nodes) == len(NAMES)
