"""swarmhub records: models, names and the store."""
