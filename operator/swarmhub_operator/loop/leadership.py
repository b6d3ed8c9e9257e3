"""One operator at a time: holds the store's lease and refuses to act without it.

No wall clock decides. A holder counts the time since it last asked for a renewal, a standby the
time for which it has itself seen the lease unchanged; both by the clock of the machine's boot. Of a
holder whose process has ended the kernel tells (`alive`).
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

from swarmhub_crds.errors import LeaseLost, StoreError
from swarmhub_crds.store import Lease, Store

from swarmhub_operator.logs import get_logger
from swarmhub_operator.loop.alive import SignOfLife

TTL = 15.0  # seconds
RELEASE_WITHIN = 1.5  # seconds
MARGIN = 0.2  # of the time to live: when it is nearly over, it is over
log = get_logger()


def boot_time() -> float:
    """Return seconds since boot; unlike the monotonic clock it counts a suspended machine too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot_id() -> str:
    """Return what tells one boot of this machine from another, for all its containers."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:8]


class Leadership:
    """The lease of one process.

    `guard` is called right before each changing request to the engine; `fence` goes with each
    write to the store.
    """

    def __init__(
        self,
        store: Store,
        holder: str,
        life: SignOfLife,
        ttl: float = TTL,
        boot: str | None = None,
    ) -> None:
        self._store = store
        self._life = life
        self._boot = boot_id() if boot is None else boot
        self._holder = f"{holder}@{self._boot}"
        self._ttl = ttl
        self._seen: Lease | None = None  # another's lease as last read, and since when
        self._seen_since = float("inf")
        self._lease: Lease | None = None
        self._deadline = float("-inf")
        self._ending = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.lost = threading.Event()

    def acquire(self) -> bool:
        """Try once to take the lease; on success keep it until `release` or `lost`.

        A standby calls this again and again: the lease of a holder that has ended is taken over
        at once, that of one that has fallen silent once it has been seen unchanged for its whole
        time to live.

        Raises:
            StoreUnavailable: when the store cannot be asked.
        """
        self._life.show(self._holder)
        asked = boot_time()
        other = self._store.read_lease()
        silent = other if other is not None and self._is_silent(other) else None
        if other is not None and other.holder != self._holder and silent is None:
            return False
        lease = self._store.acquire_lease(self._holder, self._ttl, silent)
        if lease is None:
            return False
        self._life.tidy()
        self._lease, self._deadline = lease, self._deadline_from(asked)
        self._ending.clear()
        self._stop.clear()
        self.lost.clear()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._thread.start()
        return True

    def _is_silent(self, other: Lease) -> bool:
        """Whether a lease is certainly lost to its holder.

        It is if the process has ended, or is one of an earlier boot: holder and standby use one
        file of one machine.
        """
        _, has_boot, boot = other.holder.rpartition("@")
        if (has_boot and boot != self._boot) or self._life.is_gone(other.holder):
            return True
        now = boot_time()
        if other != self._seen:
            self._seen, self._seen_since = other, now
        return now - self._seen_since >= self._ttl

    def _deadline_from(self, asked: float) -> float:
        return asked + self._ttl * (1 - MARGIN)

    @property
    def host(self) -> str:
        """The host of this operator, as it calls itself: a container's id as a rule."""
        return self._holder.partition("/")[0].partition("@")[0]

    @property
    def fence(self) -> int:
        """The fencing token, after a `check`."""
        lease = self.check()
        return lease.token

    def check(self) -> Lease:
        """Return the lease if it certainly still holds.

        Raises:
            LeaseLost: when it has run out or has been taken over.
        """
        lease = self._lease
        over = self._stop.is_set() or self.lost.is_set() or boot_time() >= self._deadline
        if lease is None or over:
            raise LeaseLost("This operator no longer holds the lease; another one acts now.")
        return lease

    def guard(self) -> None:
        """Make sure, by this machine's clock and by the store, that the lease holds right now.

        Raises:
            LeaseLost: it does not.
            StoreUnavailable: the store cannot be asked.
        """
        try:
            self._store.check_lease(self.check())
            self.check()  # the answer may have taken long
        except LeaseLost:
            self.lost.set()
            raise

    def _renew(self) -> None:
        while not self._ending.wait(self._ttl / 5):
            asked = boot_time()
            lease = self._lease
            if lease is None:
                return
            try:
                self._lease = self._store.renew_lease(lease)
                self._deadline = self._deadline_from(asked)
            except LeaseLost as error:
                log.warning("lease lost", error=str(error))
                self.lost.set()
                return
            except StoreError as error:
                log.warning("lease not renewed", error=str(error))
                if boot_time() >= self._deadline:
                    self.lost.set()
                    return
            except Exception:
                log.exception("lease not renewed")
                self.lost.set()
                return

    def end_soon(self) -> None:
        """Renew no more: what is under way may end, but nobody waits for it longer than the TTL."""
        self._ending.set()

    def let_run_out(self) -> None:
        """Act no more, but keep others waiting: something of ours may still be under way."""
        self._ending.set()
        self._stop.set()

    def release(self, within: float = RELEASE_WITHIN) -> None:
        """Give the lease back, so that the next operator need not wait for it to run out.

        Args:
            within: seconds; a store that hangs longer is left alone, and the lease runs out.
        """
        self.let_run_out()
        lease, self._lease = self._lease, None
        if lease is None or self.lost.is_set():
            return
        giving = threading.Thread(target=self._give_back, args=(lease,), daemon=True)
        giving.start()
        giving.join(within)
        if giving.is_alive():
            log.warning("lease not released", error="The store does not answer; it runs out.")

    def _give_back(self, lease: Lease) -> None:
        if self._thread is not None:
            self._thread.join()
        try:
            self._store.release_lease(lease)
        except StoreError as error:
            log.warning("lease not released", error=str(error))
