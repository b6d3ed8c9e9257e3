"""The operator that reconciles swarmhub records with a Docker Swarm."""
