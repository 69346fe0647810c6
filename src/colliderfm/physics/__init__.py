"""Formulas that one can check by hand; numpy only."""
