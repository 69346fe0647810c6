"""Pretraining of the event family: ``steps`` are what ``pretrain`` and ``promote`` call."""
