"""Speeds of the project, each measured beside a matrix-product rate; ``make bench``."""
