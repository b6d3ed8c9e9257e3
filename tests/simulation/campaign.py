"""Many runs on all cores, and for each that fails the command that repeats it.

A campaign is a module of this package with a function `play(case)`, which returns what went wrong
in one run, or None. Each run has a process to itself: a simulation replaces parts of modules.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog

LONGEST = 120  # seconds that one run may take
LONGEST_TEST = 1800  # seconds that a test of many may
ENOUGH = 10  # failures, after which nobody wants to see more
TELL_EVERY = 10.0  # seconds between two lines of progress
MEMORY = Path("/dev/shm")  # a file system in memory, if there is one
FACTOR = "SWARMHUB_SOAK"
ORDER = "PYTHONHASHSEED"  # decides in which order a set is gone through


@dataclass(frozen=True, slots=True)
class Case:
    """One run of a campaign, wholly said by words, as on a command line.

    Attributes:
        campaign: the name of the module.
        words: what tells it from the others; none is empty or holds a space.
        seed: of all that is left to chance.
    """

    campaign: str
    words: tuple[str, ...]
    seed: int

    def __str__(self) -> str:
        return " ".join((self.campaign, *self.words, str(self.seed)))

    @property
    def command(self) -> str:
        """What repeats it."""
        given = f"{ORDER}={order()} " if order() != "0" else ""
        return f"cd tests && {given}uv run python -m simulation.replay {self}"


def order() -> str:
    """Return what decides on the order of sets in all runs, so that each can be repeated."""
    given = os.environ.get(ORDER, "")
    return given if given.isdigit() else "0"


@dataclass(frozen=True, slots=True)
class Failed:
    """A case that went wrong, and how."""

    case: Case
    message: str


@dataclass(slots=True)
class Report:
    """What came of many runs."""

    runs: int = 0
    failures: list[Failed] = field(default_factory=list)

    def check(self) -> None:
        """Fail if any run has.

        Raises:
            AssertionError: tells each one and how to repeat it.
        """
        told = [f"{f.message}\nRepeat it: {f.case.command}" for f in self.failures]
        if told:
            head = f"{len(told)} of {self.runs} runs went wrong"
            raise AssertionError("\n\n".join((head, *told)))


Work = Callable[[Case], str | None]


def run(
    cases: Iterable[Case], work: Work, seconds: float | None = None, enough: int = ENOUGH
) -> Report:
    """Run `work` for each case.

    Args:
        cases: which may be endless, if it is said when to end.
        work: a function of a module that another process can import.
        seconds: after which no further run is begun.
        enough: failures after which none is.
    """
    report, began = Report(), time.monotonic()
    tell = _teller(report, began)
    cores = len(os.sched_getaffinity(0))
    context = multiprocessing.get_context("spawn")
    with _ordered(), ProcessPoolExecutor(cores, context, initializer=_prepare) as pool:
        end = None if seconds is None else began + seconds
        left = _while(cases, lambda: len(report.failures) < enough, end)
        job = partial(attempt, work)
        under_way = {_submit(pool, job, c) for c in itertools.islice(left, 4 * cores)}
        while under_way:
            done, under_way = wait(under_way, TELL_EVERY, FIRST_COMPLETED)
            for future in done:
                failed = future.result()
                report.runs += 1
                report.failures += [failed] if failed else []
            under_way |= {_submit(pool, job, c) for c in itertools.islice(left, len(done))}
            tell()
    return report


@contextlib.contextmanager
def _ordered() -> Iterator[None]:
    """Have new processes go through their sets in the same order."""
    before = os.environ.get(ORDER)
    os.environ[ORDER] = order()
    try:
        yield
    finally:
        if before is None:
            del os.environ[ORDER]
        else:
            os.environ[ORDER] = before


def _submit(
    pool: ProcessPoolExecutor, job: Callable[[Case], Failed | None], case: Case
) -> Future[Failed | None]:
    return pool.submit(job, case)


def _while(cases: Iterable[Case], wanted: Callable[[], bool], end: float | None) -> Iterator[Case]:
    for case in cases:
        if not wanted() or (end is not None and time.monotonic() > end):
            return
        yield case


def _teller(report: Report, began: float) -> Callable[[], None]:
    last = began

    def tell() -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= TELL_EVERY:
            last = now
            bad = len(report.failures)
            sys.stderr.write(f"{report.runs} runs in {now - began:.0f} s, {bad} went wrong\n")

    return tell


class TookTooLong(BaseException):
    """No part of the program under test may take this for an error of its own."""


def attempt(work: Work, case: Case) -> Failed | None:
    """Run one case in this process, for so long at most."""

    def end(*_: object) -> None:
        raise TookTooLong(f"not done after {LONGEST} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(LONGEST)
    try:
        message = work(case)
    except (Exception, TookTooLong):  # noqa: BLE001 - whatever it is, the case has failed
        message = traceback.format_exc()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        gc.collect()
        gc.freeze()  # what is left is there for good, and need not be looked through again
    return None if message is None else Failed(case, message)


def _prepare() -> None:
    """Make a process ready for many runs: garbage is collected between them."""
    quiet()
    gc.disable()


def quiet() -> None:
    """Let the operator log nothing: it would take a good part of the time."""
    silent = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=silent, cache_logger_on_first_use=True)


def factor() -> int:
    """Return how many times the usual number of runs is wished for."""
    return int(os.environ.get(FACTOR, "1"))


def within() -> float:
    """Return how many seconds a test of many runs may take."""
    return LONGEST_TEST * factor()


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Make a folder for one run, in memory if that can be had."""
    where = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="swarmhub-", dir=where) as folder:
        yield Path(folder)
