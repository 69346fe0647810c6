"""Network parts: torch only, no files, no configuration, no study names.

Reading order: ``pairs.py`` (relations between objects), ``point_edge.py`` (nearest neighbors),
``attention.py`` and ``blocks.py`` (transformer), ``encoding.py`` (what a head receives),
``heads/``. Batches are duck-typed: any object with the attributes of ``data.EventBatch`` will do.
"""
