"""The operator beside a Swarm of many thousand notebooks: simulated, and asked over HTTP."""
