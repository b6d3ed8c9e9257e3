"""The queue's rules, with a clock of the test's own."""

from __future__ import annotations

import threading

import pytest
from swarmhub_operator.engine.observer import SEEN_FOR
from swarmhub_operator.loop.workqueue import BASE_DELAY, MAX_DELAY, Lane, WorkQueue


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return a clock at 1000 seconds."""
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> WorkQueue:
    """Return an empty queue on that clock."""
    return WorkQueue(clock)


def drain(queue: WorkQueue) -> list[str]:
    """Take and finish all that is ready."""
    names = []
    while (name := queue.get(0)) is not None:
        names.append(name)
        queue.done(name)
    return names


def test_a_name_that_waits_is_not_added_twice(queue: WorkQueue) -> None:
    """A hundred changes of one record are one look; first come first served."""
    for name in ("a", "b", "a", "a"):
        queue.add(name)
    assert queue.depth() == 2
    assert drain(queue) == ["a", "b"]


def test_a_name_is_never_worked_on_twice_at_once(queue: WorkQueue) -> None:
    """Added meanwhile, it comes back when the worker is done, once."""
    queue.add("a")
    assert queue.get(0) == "a"
    queue.add("a")
    queue.add("a")
    assert queue.get(0) is None
    queue.done("a")
    assert drain(queue) == ["a"]


def test_what_was_not_added_meanwhile_does_not_come_back(queue: WorkQueue) -> None:
    """Done is done."""
    queue.add("a")
    assert drain(queue) == ["a"]
    assert drain(queue) == []


def test_a_delayed_name_comes_in_its_time(queue: WorkQueue, clock: Clock) -> None:
    """Not a moment earlier."""
    queue.add_after("a", 5)
    clock.now += 4.9
    assert drain(queue) == []
    clock.now += 0.2
    assert drain(queue) == ["a"]
    clock.now += 100
    assert drain(queue) == []


@pytest.mark.parametrize(("first", "second"), [(5, 9), (9, 5)])
def test_the_earliest_time_asked_for_is_kept(
    queue: WorkQueue, clock: Clock, first: int, second: int
) -> None:
    """And the later one does not come on top."""
    queue.add_after("a", first)
    queue.add_after("a", second)
    clock.now += 5
    assert drain(queue) == ["a"]
    clock.now += 5
    assert drain(queue) == []


def test_now_replaces_later(queue: WorkQueue, clock: Clock) -> None:
    """An added name need not be looked at again for the old wish."""
    queue.add_after("a", 5)
    queue.add("a")
    assert drain(queue) == ["a"]
    clock.now += 6
    assert drain(queue) == []


def test_no_delay_is_now(queue: WorkQueue) -> None:
    """Zero and less mean at once."""
    queue.add_after("a", 0)
    queue.add_after("b", -1)
    assert drain(queue) == ["a", "b"]


def test_a_delay_that_ends_during_the_work_waits_for_its_end(
    queue: WorkQueue, clock: Clock
) -> None:
    """Even a due name is not handed out twice."""
    queue.add("a")
    assert queue.get(0) == "a"
    queue.add_after("a", 1)
    clock.now += 2
    assert queue.get(0) is None
    queue.done("a")
    assert drain(queue) == ["a"]


def test_retries_back_off_with_jitter_up_to_a_maximum(queue: WorkQueue) -> None:
    """Each wait is between three quarters and the whole of its step."""
    for number in range(40):
        step = min(MAX_DELAY, BASE_DELAY * 2.0**number)
        assert 0.75 * step <= queue.retry("a") <= step


def test_waits_differ_between_names(queue: WorkQueue) -> None:
    """What failed together does not come back together."""
    assert len({queue.retry(f"n{i}") for i in range(20)}) > 1


def test_success_ends_the_back_off(queue: WorkQueue) -> None:
    """The next failure begins with the shortest wait, for that name alone."""
    for _ in range(9):
        queue.retry("a")
        queue.retry("b")
    queue.forget("a")
    assert queue.retry("a") <= BASE_DELAY
    assert queue.retry("b") > BASE_DELAY


def test_a_closed_queue_hands_out_nothing_more() -> None:
    """Neither what is ready nor what is waited for; every waiting worker is let go."""
    queue = WorkQueue()
    got: list[str | None] = []
    workers = [threading.Thread(target=lambda: got.append(queue.get(30))) for _ in range(3)]
    for worker in workers:
        worker.start()
    queue.close()
    for worker in workers:
        worker.join(5)
    assert got == [None, None, None]
    queue.add("a")
    assert queue.get(0) is None


def test_a_waiting_worker_gets_a_delayed_name_when_it_is_due() -> None:
    """On the real clock: it sleeps no longer than needed."""
    queue = WorkQueue()
    queue.add_after("a", 0.05)
    assert queue.get(10) == "a"


def test_many_workers_never_hold_one_name_together() -> None:
    """The rule under real threads."""
    queue = WorkQueue()
    held: set[str] = set()
    clashes: list[str] = []
    lock = threading.Lock()

    def work() -> None:
        while (name := queue.get(0.2)) is not None:
            with lock:
                clashes.extend([name] if name in held else [])
                held.add(name)
            with lock:
                held.discard(name)
            queue.done(name)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for number in range(2000):
        queue.add(f"n{number % 3}")
    for worker in workers:
        worker.join(10)
    assert clashes == []
    assert queue.depth() == 0


# -- the periodic pass


def test_what_happened_goes_before_the_periodic_pass(queue: WorkQueue) -> None:
    """A start does not wait for thousands of records, but every fourth name is one of them."""
    for number in range(100):
        queue.add_idle(f"idle-{number}")
    for number in range(6):
        queue.add(f"new-{number}")
    taken = [queue.get(0) for _ in range(8)]
    assert taken[:4] == ["new-0", "new-1", "new-2", "idle-0"]
    assert taken[4:] == ["new-3", "new-4", "new-5", "idle-1"]
    queue.done("idle-0")
    assert queue.get(0) == "idle-2"


def test_an_idle_name_that_something_happened_to_waits_no_longer(queue: WorkQueue) -> None:
    """It is handed out once."""
    queue.add_idle("a")
    queue.add_idle("b")
    queue.add("b")
    queue.add_idle("b")
    assert [queue.get(0), queue.get(0), queue.get(0)] == ["b", "a", None]


def test_a_name_that_is_worked_on_needs_no_periodic_pass(queue: WorkQueue) -> None:
    """It is being looked at now."""
    queue.add("a")
    assert queue.get(0) == "a"
    queue.add_idle("a")
    queue.done("a")
    assert queue.get(0) is None


def test_each_lane_tells_how_long_its_first_name_has_waited(queue: WorkQueue, clock: Clock) -> None:
    """A name that is added again keeps its age; one that is worked on waits no more."""
    queue.add("a")
    queue.add_idle("b")
    clock.now += 5
    queue.add("c")
    queue.add_idle("b")
    assert queue.lanes() == {"changed": Lane(2, 5.0), "periodic": Lane(1, 5.0)}
    queue.get(0)
    assert queue.lanes() == {"changed": Lane(1, 0.0), "periodic": Lane(1, 5.0)}
    drain(queue)
    assert queue.lanes() == {"changed": Lane(0, 0.0), "periodic": Lane(0, 0.0)}


def test_what_was_seen_will_do_only_if_everybody_says_so(clock: Clock) -> None:
    """Who adds a name without saying since when it is seen wants it to be looked at anew."""
    queue = WorkQueue(clock)
    queue.add_idle("swept", 5.0)
    queue.add("hinted", clock.now)
    queue.add_asked("hinted")
    queue.add_asked("asked")
    for first, second in ((7.0, None), (None, 7.0)):
        queue.add(f"{first} {second}", first)
        queue.add(f"{first} {second}", second)
    queue.add_idle("changed", 5.0)
    queue.add("changed")
    seen = {}
    while (name := queue.get(0)) is not None:
        seen[name] = queue.seen(name)
    assert seen == {
        "hinted": clock.now,
        "asked": clock.now - SEEN_FOR,
        "7.0 None": None,
        "None 7.0": None,
        "changed": None,
        "swept": 5.0,
    }


def test_what_comes_back_is_to_be_seen_anew(clock: Clock) -> None:
    """Something has happened while it was worked on."""
    queue = WorkQueue(clock)
    queue.add("ada", 5.0)
    assert queue.get(0) == "ada"
    queue.add("ada", 6.0)
    assert queue.seen("ada") == 5.0
    queue.done("ada")
    assert queue.get(0) == "ada"
    assert queue.seen("ada") is None


def test_the_periodic_pass_leaves_workers_to_what_happens(queue: WorkQueue) -> None:
    """However many of its names wait; the next one comes when one is done with."""
    for name in "abc":
        queue.add_idle(name)
    assert [queue.get(0), queue.get(0), queue.get(0)] == ["a", "b", None]
    queue.add("d")
    assert [queue.get(0), queue.get(0)] == ["d", None]
    queue.done("d")
    assert queue.get(0) is None
    queue.done("a")
    assert queue.get(0) == "c"
