"""MLflow: runs, registry, saved views, and the environment slot of ``mlflow run``.

The only package that imports mlflow, and only inside functions: importing ``colliderfm.tracking``
costs nothing, so a mistyped command is answered before the seconds that mlflow's own import takes.
Read next: ``store`` (where), ``run`` (one run), ``runs`` (many), ``registry`` and ``promotion``.
"""
