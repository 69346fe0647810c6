"""Pretraining of the spectrum family: ``steps`` are what ``pretrain`` and ``promote`` call."""
