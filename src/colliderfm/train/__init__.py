"""The training loop: plain torch, exact resume, one or many processes.

Read :mod:`colliderfm.train.loop` first; :mod:`colliderfm.train.checkpoint` says what happens when a
run is killed, :mod:`colliderfm.train.distributed` how ``torchrun`` spreads it over processes.
"""

from __future__ import annotations
