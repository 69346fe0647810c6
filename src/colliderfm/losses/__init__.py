"""Losses: torch only, one file per task, per-event values before any reduction."""
