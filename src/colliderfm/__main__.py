"""``python -m colliderfm`` is the same as ``colliderfm``."""

from colliderfm.cli import main

main()
