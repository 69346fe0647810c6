"""Files to arrays to batches: schema, writer, reader, splits, loader, normalizer and toy events.

The only importer of pyarrow. Start with ``event_schema.py``; ``event_batch.py`` is the tensor
contract.
"""
