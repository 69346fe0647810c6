"""``registry list``: registered models, their versions, aliases and history in words."""

from __future__ import annotations

from colliderfm.pipelines.encoder import ensure_shipped_encoder


def list_registry() -> str:
    """Return one block per registered model."""
    from colliderfm.tracking.registry import list_versions

    ensure_shipped_encoder()
    names = sorted({version.name for version in list_versions()})
    return "\n".join(_block(name) for name in names) or "no registered models yet"


def _block(name: str) -> str:
    from colliderfm.tracking.promotion import history
    from colliderfm.tracking.registry import list_versions

    lines = [name]
    for version in list_versions(name):
        aliases = ", ".join(version.aliases) or "-"
        lines.append(f"  version {version.version:<3} {version.sha256[:12]}  aliases: {aliases}")
    for entry in history(name):
        details = ", ".join(
            f"{key} {entry[key]}" for key in sorted(entry) if key not in ("at", "version")
        )
        lines.append(f"    {entry['at']}  version {entry['version']}: {details}")
    return "\n".join(lines)
