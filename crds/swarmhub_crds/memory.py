"""What the store knows besides its records: removals, what is held back, what lies on nodes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal

from swarmhub_crds.held import Held
from swarmhub_crds.home import Home
from swarmhub_crds.inventory import Inventory
from swarmhub_crds.notebook import Notebook
from swarmhub_crds.sqlstore import holding, inventorying, read, recovery, statusside
from swarmhub_crds.sqlstore.codec import HOME, NOTEBOOK
from swarmhub_crds.sqlstore.database import Database
from swarmhub_crds.sqlstore.recovery import PutBack


class Memory:
    """What the store knows besides its records; a part of `Store`."""

    _database: Database

    def removed_uids(self, kind: Literal["Notebook", "Home"] = "Notebook") -> frozenset[str]:
        """Return the uids of the records whose removal is remembered (10,000 revisions long)."""
        with self._database.read() as connection:
            return read.removed_uids(connection, kind)

    def list_held(self) -> list[Held]:
        """Return what the operator holds back."""
        with self._database.read() as connection:
            return holding.held_now(connection)

    def confirmed_removals(self) -> frozenset[str]:
        """Return the ids of what a person wants removed after all."""
        with self._database.read() as connection:
            return holding.confirmed(connection)

    def confirm_removals(self, ids: Collection[str]) -> None:
        """Let the operator remove what it holds back under these ids, all of them or none.

        Raises:
            NotFound: one of them is not held, or nobody may remove it.
        """
        with self._database.write() as connection:
            holding.confirm(connection, ids)

    def put_held(self, found: Sequence[Held], *, fence: int) -> None:
        """Say what is held back; confirmations of anything else are dropped.

        Raises:
            LeaseLost: another operator acts now.
        """
        with self._database.write() as connection:
            statusside.fence(connection, fence)
            holding.replace_held(connection, found)

    def secret_texts(self) -> frozenset[str]:
        """Return every text of the secret environments, for who has to leave them out elsewhere."""
        with self._database.read() as connection:
            return read.secret_texts(connection)

    def list_inventories(self) -> list[Inventory]:
        """Return which volumes the nodes held when they were last asked."""
        with self._database.read() as connection:
            return inventorying.stored(connection)

    def put_inventory(self, inventory: Inventory, *, fence: int) -> None:
        """Replace what is known of one node's volumes.

        Raises:
            LeaseLost: another operator acts now.
        """
        with self._database.write() as connection:
            statusside.fence(connection, fence)
            inventorying.put(connection, inventory)

    def forget_inventories(self, nodes: Collection[str], *, fence: int) -> None:
        """Drop what is known of nodes that have left the Swarm. Raises as `put_inventory`."""
        with self._database.write() as connection:
            statusside.fence(connection, fence)
            inventorying.forget(connection, nodes)

    def backup(self, target: Path) -> None:
        """Copy the store, as it is at one moment, into a new file that only its owner may read.

        Raises:
            StoreError: the file cannot be made, or is there already.
        """
        with self._database.read() as connection:
            recovery.copy(connection, target)

    def put_back(
        self,
        notebooks: Sequence[PutBack[Notebook]],
        homes: Sequence[PutBack[Home]],
        *,
        adopt: str | None = None,
    ) -> None:
        """Write records that were made again from what runs, all of them or none.

        Args:
            notebooks: each with the version that it replaces.
            homes: likewise.
            adopt: uid of the lost store that this one is from now on; whoever has it open goes on
                with it, and the operator takes its lease anew.

        Raises:
            Conflict: one of them has changed since it was read; nothing was written.
        """
        with self._database.write() as connection:
            for home in homes:
                recovery.put_back(connection, HOME, home)
            for notebook in notebooks:
                recovery.put_back(connection, NOTEBOOK, notebook)
            if adopt is not None:
                recovery.adopt(connection, adopt)
