"""The JupyterHub spawner that writes swarmhub records."""
