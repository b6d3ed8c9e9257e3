"""The Swarm as the operator sees it: the port, its Docker adapter, and what was observed."""
