"""Metric functions: arrays in, dataclasses out; no files, no study names."""
