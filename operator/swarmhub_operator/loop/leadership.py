"""One operator at a time: holds the store's lease and refuses to act without it."""

from __future__ import annotations

import threading
import time

from swarmhub_crds.errors import LeaseLost, StoreError
from swarmhub_crds.store import Lease, Store

from swarmhub_operator.logs import get_logger

TTL = 15.0  # seconds
RELEASE_WITHIN = 1.5  # seconds
MARGIN = 0.2  # of the time to live: when it is nearly over, it is over
log = get_logger()


def boot_time() -> float:
    """Return seconds since boot; unlike the monotonic clock it counts a suspended machine too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Leadership:
    """The lease of one process. `check` is called before each write to the engine."""

    def __init__(self, store: Store, holder: str, ttl: float = TTL) -> None:
        self._store = store
        self._holder = holder
        self._ttl = ttl
        self._lease: Lease | None = None
        self._deadline = float("-inf")
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.lost = threading.Event()

    def acquire(self) -> bool:
        """Try once to take the lease; on success keep it until `release` or `lost`.

        Raises:
            StoreUnavailable: when the store cannot be asked.
        """
        asked = boot_time()
        lease = self._store.acquire_lease(self._holder, self._ttl)
        if lease is None:
            return False
        self._lease, self._deadline = lease, self._deadline_from(asked)
        self._stop.clear()
        self.lost.clear()
        self._thread = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._thread.start()
        return True

    def _deadline_from(self, asked: float) -> float:
        return asked + self._ttl * (1 - MARGIN)

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

    def _renew(self) -> None:
        while not self._stop.wait(self._ttl / 5):
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

    def let_run_out(self) -> None:
        """Act no more, but keep others waiting: something of ours may still be under way."""
        self._stop.set()

    def release(self, within: float = RELEASE_WITHIN) -> None:
        """Give the lease back, so that the next operator need not wait for it to run out.

        Args:
            within: seconds; a store that hangs longer is left alone, and the lease runs out.
        """
        self._stop.set()
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
