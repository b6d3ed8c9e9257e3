"""The labels that tie an engine resource to a record."""

STORE = "swarmhub.store"
NOTEBOOK = "swarmhub.notebook"
UID = "swarmhub.uid"
GENERATION = "swarmhub.generation"
SPEC_HASH = "swarmhub.spec-hash"
IMAGE = "swarmhub.image"
USER = "swarmhub.user"
SERVER = "swarmhub.server"
HOME = "swarmhub.home"
SUPERSEDES = "swarmhub.supersedes"  # id of the ended task that an update of ours replaces
