"""What runs on other nodes, in one-off services of the operator's own image."""
