"""Figures: axes in, axes out; nothing here reads a file or knows a study."""
