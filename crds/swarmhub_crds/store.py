"""The store: every way in which a part of swarmhub reads or writes the shared state.

The spawner (and the admin verbs of the CLI) write specs, the operator writes statuses, both can
read all. Every write is one transaction, takes the store's next revision and stamps it on the
record as its resource version. Every method may raise `StoreUnavailable`; calling again later is
then enough, the store re-opens its file by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path

from swarmhub_crds.circumstances import Circumstances
from swarmhub_crds.home import Home, HomeSpec, HomeStatus
from swarmhub_crds.memory import Memory
from swarmhub_crds.names import notebook_name
from swarmhub_crds.nodeorders import NodeOrders
from swarmhub_crds.notebook import Desired, Notebook, NotebookSpec, NotebookStatus
from swarmhub_crds.sqlstore import homeside, read, specside, statusside
from swarmhub_crds.sqlstore import lease as leases
from swarmhub_crds.sqlstore.codec import HOME, NOTEBOOK, Broken, ListDecoder
from swarmhub_crds.sqlstore.database import Database
from swarmhub_crds.sqlstore.lease import Lease
from swarmhub_crds.sqlstore.provision import provision
from swarmhub_crds.sqlstore.sqlite import path_of

__all__ = ["Broken", "Lease", "Store"]


class Store(Memory, Circumstances, NodeOrders):
    """The state database, safe to use from any thread. Made by `Store.open`."""

    def __init__(self, url: str, database: Database) -> None:
        self.url = url
        self._database = database
        self._notebooks = ListDecoder(NOTEBOOK)
        self._homes = ListDecoder(HOME)

    @classmethod
    def open(cls, url: str, *, create: bool = True, uid: str | None = None) -> Store:
        """Open the store at `url`, as in sqlite:////srv/swarmhub/state/state.db.

        With `create`, a missing database is made (mode 0600, in a folder that must exist) and an
        older one is migrated. `uid` is the identity of one that is made: that of a lost store.

        Raises:
            StoreUnavailable: it cannot be opened; Missing if it is not there and not to be made.
            StoreError: the URL is not understood.
        """
        path = path_of(url)
        if create:
            provision(path, uid)
        database = Database(path)
        database.attach()
        return cls(url, database)

    @property
    def uid(self) -> str:
        """The store's identity, made with its file or taken over from one that was lost."""
        return self._database.uid

    @property
    def path(self) -> Path:
        """The file that it is in."""
        return self._database.path

    def close(self) -> None:
        """Close the connections; every later call fails."""
        self._database.close()

    # Reading

    def revision(self) -> int:
        """Return the number of the last change of a record."""
        with self._database.read() as connection:
            return read.revision(connection)

    def get_notebook(self, name: str) -> Notebook | Broken | None:
        """Return the notebook `name`, or None."""
        with self._database.read() as connection:
            return read.get(connection, NOTEBOOK, name)

    def get_notebooks(self, names: Collection[str]) -> dict[str, Notebook | Broken]:
        """Return the notebooks of these names, as far as there are any, by name."""
        with self._database.read() as connection:
            return read.get_some(connection, NOTEBOOK, names)

    def list_notebooks(self) -> list[Notebook | Broken]:
        """Return all notebooks in the order of their names."""
        with self._database.read() as connection:
            rows = read.list_rows(connection, NOTEBOOK)
        return self._notebooks.decode(rows)

    def get_home(self, name: str) -> Home | Broken | None:
        """Return the home `name`, or None."""
        with self._database.read() as connection:
            return read.get(connection, HOME, name)

    def list_homes(self) -> list[Home | Broken]:
        """Return all homes in the order of their names."""
        with self._database.read() as connection:
            rows = read.list_rows(connection, HOME)
        return self._homes.decode(rows)

    def secret_environment(self, uid: str) -> dict[str, str]:
        """Return the secret variables of the notebook with `uid`; empty once they are erased.

        Raises:
            StoreError: what is stored for this notebook cannot be read.
        """
        with self._database.read() as connection:
            return read.secret_environment(connection, uid)

    def operator_seen_at(self) -> datetime | None:
        """Return when an operator last took or renewed the lease."""
        with self._database.read() as connection:
            return leases.last_seen(connection)

    # The spec side

    def apply_notebook(
        self,
        spec: NotebookSpec,
        *,
        homes: Mapping[str, HomeSpec] | None = None,
        secrets: Mapping[str, str] | None = None,
        name: str | None = None,
    ) -> Notebook:
        """Create the notebook or replace its spec, with its homes and its secret environment.

        The generation always rises, `secret_digest` is set here, the status stays as it is. A home
        that was released is taken into use again by its raised generation.

        Raises:
            Conflict: the notebook or a volume that it mounts is being deleted; try again once the
                operator has finished.
            HomeTaken: a home belongs to another user; nothing was written.
            ValueError: a name is none that swarmhub gives.
        """
        own = name if name is not None else notebook_name(spec.user, spec.server)
        with self._database.write() as connection:
            return specside.apply_notebook(connection, own, spec, homes or {}, secrets or {})

    def set_desired(self, name: str, desired: Desired) -> Notebook:
        """Say whether the notebook should run; the generation rises only if that is news.

        Raises:
            NotFound: there is no such notebook.
            Conflict: it is being deleted.
            StoreError: its stored spec cannot be read.
        """
        with self._database.write() as connection:
            return specside.set_desired(connection, name, desired)

    def restart_notebook(self, name: str) -> Notebook:
        """Have the operator replace the task that a notebook has now; asking again is the same.

        Raises:
            NotFound: there is no such notebook.
            Conflict: it is being deleted, or does not run.
            StoreError: its stored content cannot be read.
        """
        with self._database.write() as connection:
            return specside.restart_notebook(connection, name)

    def request_deletion(
        self, name: str, *, last_of: str | None = None
    ) -> Notebook | Broken | None:
        """Mark the notebook for deletion and stopping; the operator then removes the record.

        `last_of` is the user, if it is deleted with all its servers: then the homes that these
        share lose it, too. Returns None when there is no such notebook. Asking again changes
        nothing.
        """
        with self._database.write() as connection:
            return specside.request_deletion(connection, name, last_of)

    def order_home(self, name: str, **orders: object) -> Home:
        """Write an administrator's orders for a home: fields of `HomeOrders`, the others stay.

        Raises:
            NotFound: there is no such home.
            StoreError: its stored spec cannot be read.
        """
        with self._database.write() as connection:
            return homeside.order_home(connection, name, **orders)

    def request_home_deletion(self, name: str) -> Home:
        """Mark a released home for removal, whatever its reclaim policy; asking again is the same.

        Raises:
            NotFound: there is no such home.
            Conflict: it still has its user.
            StoreError: its stored content cannot be read.
        """
        with self._database.write() as connection:
            return homeside.request_home_deletion(connection, name)

    # The status side. `fence` is the token of the lease under which the caller acts.

    def put_notebook_status(
        self,
        name: str,
        uid: str | None,
        resource_version: int | None,
        status: NotebookStatus,
        *,
        fence: int,
    ) -> Notebook | Broken:
        """Replace the status of the notebook as it was read; also that of a `Broken` one.

        `uid` and `resource_version` are what was read, None where a `Broken` says None.

        Raises:
            LeaseLost: another operator acts now.
            Conflict: the record has changed since.
            NotFound: it is gone.
        """
        with self._database.write() as connection:
            statusside.fence(connection, fence)
            expected = (uid, resource_version)
            return statusside.put_status(connection, NOTEBOOK, name, expected, status)

    def put_home_status(
        self,
        name: str,
        uid: str | None,
        resource_version: int | None,
        status: HomeStatus,
        *,
        fence: int,
    ) -> Home | Broken:
        """Replace the status of the home as it was read. Raises as `put_notebook_status`."""
        with self._database.write() as connection:
            statusside.fence(connection, fence)
            return statusside.put_status(connection, HOME, name, (uid, resource_version), status)

    def remove_notebook(
        self, name: str, uid: str | None, resource_version: int | None, *, fence: int
    ) -> None:
        """Remove a notebook that is marked for deletion, and its secrets: the deletion's end.

        Raises:
            Conflict: it has changed since it was read, or is not marked.
            LeaseLost, NotFound: as `put_notebook_status`.
        """
        with self._database.write() as connection:
            statusside.fence(connection, fence)
            statusside.remove(connection, NOTEBOOK, name, (uid, resource_version))

    def remove_home(
        self, name: str, uid: str | None, resource_version: int | None, *, fence: int
    ) -> None:
        """Remove a home's record, its volume being gone. Raises as `put_notebook_status`."""
        with self._database.write() as connection:
            statusside.fence(connection, fence)
            statusside.remove(connection, HOME, name, (uid, resource_version))

    def erase_secrets(self, uid: str, *, generation: int, fence: int) -> None:
        """Forget a notebook's secrets, unless its spec was written anew after `generation`.

        Raises:
            LeaseLost: another operator acts now.
        """
        with self._database.write() as connection:
            statusside.fence(connection, fence)
            statusside.erase_secrets(connection, uid, generation)

    # The lease

    def acquire_lease(self, holder: str, ttl: float, silent: Lease | None = None) -> Lease | None:
        """Take the lease for `ttl` seconds; None while another holder has it.

        `holder` must differ between any two operators; its own lease is extended as it is. No
        clock is asked: `silent` is another's lease which the caller has judged to be lost, and
        which is taken over unless it was renewed since it was read.
        """
        with self._database.write() as connection:
            return leases.acquire(connection, holder, ttl, silent)

    def check_lease(self, lease: Lease) -> None:
        """Make sure that nobody else has taken the lease; only reads.

        Raises:
            LeaseLost: somebody has.
        """
        with self._database.read() as connection:
            leases.check(connection, lease)

    def renew_lease(self, lease: Lease) -> Lease:
        """Extend the lease by its own length.

        Raises:
            LeaseLost: another operator has taken it.
        """
        with self._database.write() as connection:
            return leases.renew(connection, lease)

    def release_lease(self, lease: Lease) -> None:
        """Give the lease up, so that a standby need not wait until it runs out."""
        with self._database.write() as connection:
            leases.release(connection, lease)

    def read_lease(self) -> Lease | None:
        """Return the lease, lost or not; None if nobody holds it."""
        with self._database.read() as connection:
            return leases.read(connection)
