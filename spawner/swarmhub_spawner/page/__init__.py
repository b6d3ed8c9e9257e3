"""The page at /services/swarmhub/: who may see it sees the servers, homes and machines, live."""
