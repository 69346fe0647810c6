"""Whole networks: settings to network, weights to files.

Reading order: ``event_model.py`` (embed, blocks, heads), ``sizes.py`` (presets), ``build.py``
(settings to network), ``weights.py`` (save, load, partial load).
"""
