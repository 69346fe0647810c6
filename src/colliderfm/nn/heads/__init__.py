"""Heads: one file per task, with ``head(encoding, batch)`` and ``head.loss(outputs, batch)``.

``loss`` returns one value per event, shape (B,), whose plain mean over the batch is the loss;
events a task does not apply to hold zero and the others are scaled up accordingly
(``losses.reduce.spread_over_batch``).
"""
