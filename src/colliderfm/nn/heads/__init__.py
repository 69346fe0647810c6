"""Heads: one file per task, with ``head(encoding, batch)`` and ``head.loss(outputs, batch)``.

``loss`` returns one value per event, shape (B,), whose plain mean over the batch is the loss;
events a task does not apply to hold zero and the others are scaled up accordingly
(``losses.reduce.spread_over_batch``). A head of that kind also has ``valid_events(batch)`` and takes a
third argument in ``loss``, so that a batch may go through the network in parts
(``models.batch_parts``).
"""
