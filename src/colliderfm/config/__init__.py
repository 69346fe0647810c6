"""Parameters: one schema, one loader, one printer (see ``schema.py``)."""
