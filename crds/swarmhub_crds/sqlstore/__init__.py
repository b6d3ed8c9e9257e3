"""How the store keeps its records in a SQLite file; `swarmhub_crds.store` is the way in."""
