"""Model card of a pretrained spectrum encoder."""

from __future__ import annotations

from typing import Any

_NOISE = {
    "study": "correlated noise of the source study, covariance per universe",
    "hard": "independent noise per bin, one covariance for all universes",
}


def card_text(recipe: dict[str, Any]) -> str:
    """Write the card of an encoder.

    Parameters
    ----------
    recipe : dict
        Content of ``pretraining.json``: variant, seed, updates, settings, model, parameters,
        universes and metrics.

    Returns
    -------
    str
        Markdown.
    """
    metrics, settings, model = recipe["metrics"], recipe["settings"], recipe["model"]
    rows = "\n".join(f"| {name} | {value:.4g} |" for name, value in sorted(metrics.items()))
    universes = "new ones in every update" if settings["fresh_universes"] else "those of the corpus"
    further = [
        f"{name.removesuffix('_weight')} ({value:g})"
        for name, value in sorted(settings.items())
        if name.endswith("_weight") and value
    ]
    return (
        f"# Spectrum encoder, variant {recipe['variant']}, {model['kind']} "
        f"{model['layers']} x {model['hidden']}, latent width {model['latent']}\n\n"
        "Pretrained on replicas of Drell-Yan spectra (dsigma/dm_ll and dsigma/dpT, pb/GeV) with "
        f"dimension-6 terms. Task {settings['task']}: {_NOISE[settings['task']]}. Universes: "
        f"{universes}; {recipe['universes']['seen']} seen and {recipe['universes']['unseen']} unseen ones "
        "in validation.\n"
        f"{recipe['parameters'] / 1e6:.2f} M parameters, {recipe['updates']} updates of "
        f"{settings['batch_size']} pairs, seed {recipe['seed']}, best "
        f"validation at update {recipe['best_update']}. Further objectives: "
        f"{', '.join(further) or 'none'}.\n\n"
        f"Input: {model['inputs']} scaling inside the network; bins and scales in "
        "`normalization.json`.\n\n"
        "Validation replicas of the seen universes (`val/`) and of unseen ones (`val/unseen_`); "
        "methods without a name are this encoder. Heads: linear, and vote of 15 neighbors "
        f"(`knn`).\n\n| metric | value |\n|---|---:|\n{rows}\n\n"
        "Known limits: leading order, statistical noise only; in a theory that is nearly linear, "
        "noise-whitened principal components of equal width are close to optimal: compare "
        "`val/pca_whitened_accuracy` before using this encoder.\n"
    )
