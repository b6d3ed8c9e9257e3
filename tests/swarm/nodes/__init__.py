"""The tests on three nodes: a package, so that its nodes end with its last test."""
