"""The labels that tie an engine resource to a record."""

from swarmhub_crds.node import DRAIN_LABEL

STORE = "swarmhub.store"
NOTEBOOK = "swarmhub.notebook"
UID = "swarmhub.uid"
GENERATION = "swarmhub.generation"
SPEC_HASH = "swarmhub.spec-hash"
IMAGE = "swarmhub.image"
USER = "swarmhub.user"
SERVER = "swarmhub.server"
HOME = "swarmhub.home"
RECORD = "swarmhub.record"  # the record as JSON, without secrets
TERMS = "swarmhub.terms"  # what of the policy the service was made with
SUPERSEDES = "swarmhub.supersedes"  # id of the ended task that an update of ours replaces

ERRAND = "swarmhub.errand"  # what a one-off service does
ERRAND_STORE = "swarmhub.errand.store"  # not STORE: an errand is no notebook
ERRAND_OF = "swarmhub.errand.of"  # who asked for it: the operator, or a command
DRAIN = DRAIN_LABEL


def of_store(store: str, notebook: str = "") -> list[str]:
    """Return the engine's filters for what carries a store's uid, or with "" that of any store.

    With the name of a notebook, for what carries that, too.
    """
    ours = f"{STORE}={store}" if store else STORE
    return [ours, f"{NOTEBOOK}={notebook}"] if notebook else [ours]
