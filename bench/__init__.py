"""Measurements of swarmhub beside the bare engine and beside other spawners; see `__main__`."""
