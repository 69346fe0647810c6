"""Make ``source_tree`` importable whatever import mode pytest uses."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
