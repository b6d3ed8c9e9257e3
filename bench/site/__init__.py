"""What is measured: a throw-away engine, the product on it, and the others beside it."""
