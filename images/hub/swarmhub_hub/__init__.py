"""The hub's configuration: from settings and secrets to what JupyterHub reads."""
