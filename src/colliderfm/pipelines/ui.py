"""``ui``: serve the MLflow pages of this project on this machine."""

from __future__ import annotations

import os
import sys

from colliderfm.config.project import project_root


def serve(port: int) -> None:
    """Replace this process by the MLflow server; Ctrl-C stops it."""
    from colliderfm.tracking.store import tracking_uri

    os.chdir(project_root())
    arguments = ["server", "--backend-store-uri", tracking_uri(), "--host", "127.0.0.1"]
    arguments += ["--port", str(port), "--workers", "1"]
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", *arguments])
