"""Has the nodes pull images before anybody waits for them, and tells how they stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from swarmhub_crds.image import Pull, SeenImage
from swarmhub_crds.store import Store

from swarmhub_operator.decide import pulls
from swarmhub_operator.decide.policy import Policy
from swarmhub_operator.decide.prepull import Answer, Plan, View, plan
from swarmhub_operator.decide.pulls import Key, Sent
from swarmhub_operator.decide.wishes import HUB, Wish, wishes
from swarmhub_operator.engine.errors import EngineError, Kind
from swarmhub_operator.engine.observed import Node
from swarmhub_operator.engine.port import Engine
from swarmhub_operator.engine.snapshot import newest
from swarmhub_operator.logs import get_logger
from swarmhub_operator.loop.images import KEEP, ImageResolver
from swarmhub_operator.loop.leadership import Leadership

BUSY = 1.0  # seconds between two looks while something is pulled
IDLE = 5.0
DAY = 86400.0
log = get_logger()


class Prepuller:
    """Looks after the nodes' images; for one thread."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        leadership: Leadership,
        images: ImageResolver,
        policy: Policy,
        own_image: str,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._engine = engine
        self._leadership = leadership
        self._images = images
        self._policy = policy
        self._own_image = own_image
        self._now = now
        self._clock = clock
        self._known: Sequence[SeenImage] | None = None
        self._answers: dict[str, Answer] = {}
        self._ask_at: dict[str, float] = {}
        self._told: set[str] = set()
        self._spent: dict[str, float] = {}  # what was pulled for the hub -> when
        self._any_sent = True  # by an operator before this one, for all that is known

    def step(self, nodes: Mapping[str, Node], beat: Callable[[], None]) -> float:
        """Look once, do what is due, and return the seconds until the next look.

        Args:
            nodes: of the Swarm, by id.
            beat: called before each question that may take some seconds.

        Raises:
            EngineError: the engine cannot be asked.
            StoreError: the store cannot be read or written.
            LeaseLost: another operator acts now.
        """
        wanted = wishes(self._policy, self._own_image, self._store.announced_images())
        self._ask(wanted, beat)
        if self._known is None:
            self._known = self._store.list_images()
        view = View(
            nodes=nodes,
            sent=self._sent(),
            now=self._now(),
            policy=self._policy.prepull,
            answers=self._answers,
            told=frozenset(self._told),
            spent=self._spent_today(),
        )
        decided = plan(wanted, {image.image: image for image in self._known}, view)
        self._told |= {image for image, answer in self._answers.items() if answer.reference}
        self._publish(decided.images)
        self._carry_out(decided)
        return BUSY if self._any_sent else IDLE

    def _ask(self, wanted: Sequence[Wish], beat: Callable[[], None]) -> None:
        """Ask registries what the tags name, each now and then."""
        names = {wish.image for wish in wanted if not wish.refusal}
        for memory in (self._answers, self._ask_at):
            for image in set(memory) - names:
                del memory[image]
        self._told &= names
        for image in sorted(names):
            if self._ask_at.get(image, float("-inf")) <= self._clock():
                beat()
                self._answers[image] = answer = self._answer(image)
                wait = KEEP if answer.trouble else self._policy.prepull.interval
                self._ask_at[image] = self._clock() + wait

    def _answer(self, image: str) -> Answer:
        try:
            return Answer(reference=self._engine.resolve_image(image))
        except EngineError as error:
            return Answer(trouble=error.sentence)

    def _sent(self) -> dict[Key, Sent]:
        if not self._any_sent:
            return {}
        services = [s for s in self._engine.errands(self._store.uid) if pulls.is_pull(s)]
        self._any_sent = bool(services)
        tasks = newest(self._engine.errand_tasks(self._store.uid)) if services else {}
        return pulls.sent(services, tasks)

    def _spent_today(self) -> frozenset[str]:
        begin = self._clock() - DAY
        self._spent = {image: at for image, at in self._spent.items() if at > begin}
        return frozenset(self._spent)

    def _publish(self, images: Sequence[SeenImage]) -> None:
        """Write down how the nodes stand, before anything is done about it."""
        if images != self._known:
            self._log_changes(images)
            self._store.put_images(images, fence=self._leadership.fence)
            self._known = images
        self._images.settle({one.image: one.reference for one in images if one.reference})

    def _log_changes(self, images: Sequence[SeenImage]) -> None:
        before = {(e.node_id, e.reference): e.state for one in self._known or () for e in one.nodes}
        for one in images:
            for entry in one.nodes:
                if entry.state in (Pull.PRESENT, Pull.FAILED) and entry.state is not before.get(
                    (entry.node_id, entry.reference)
                ):
                    outcome, error = entry.state.value, entry.message
                    log.info("pull", image=one.image, node=entry.node, outcome=outcome, error=error)

    def _carry_out(self, decided: Plan) -> None:
        for service in decided.remove:
            self._remove(service)
        of_hub = {one.target for one in decided.images if one.origin == HUB}
        for key in decided.send:
            if key[1] in of_hub:
                self._spent.setdefault(key[1], self._clock())
            self._any_sent = True
            self._send(key)

    def _send(self, key: Key) -> None:
        try:
            self._engine.create_service(pulls.spec(key, self._store.uid))
        except EngineError as error:
            if error.kind is not Kind.TAKEN:  # the next look shows it
                raise

    def _remove(self, service: str) -> None:
        try:
            self._engine.remove_service(service)
        except EngineError as error:
            if error.kind is not Kind.GONE:
                raise
