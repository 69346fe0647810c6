"""Simulated collisions: Pythia 8, FastJet and a parametrized detector, in reproducible shards.

Start at ``cards`` (the physics) and ``shard`` (one unit of work); ``sets`` says what ships.
"""
