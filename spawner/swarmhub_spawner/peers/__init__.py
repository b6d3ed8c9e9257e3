"""What becomes of each option of the spawners that people come from."""
