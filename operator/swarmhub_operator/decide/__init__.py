"""Decisions: pure functions on frozen values; no clock, no engine, no store, no threads."""
