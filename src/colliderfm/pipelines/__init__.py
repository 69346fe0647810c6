"""One module per verb: what a command, a DVC stage and an MLproject entry point do."""
