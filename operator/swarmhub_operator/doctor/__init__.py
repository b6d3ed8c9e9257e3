"""What `swarmhub doctor` makes of what it has gathered."""
