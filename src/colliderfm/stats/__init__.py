"""Spreads over seeds, paired gains and the bootstrap: numpy and scipy only."""
