"""The swarmhub command."""
