"""The options of the spawner, by theme."""
