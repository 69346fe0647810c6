"""Study smeft: from labeled replicas to a trained arm.

The head starts where it would be best for Gaussian noise: at the mean latent of each universe, in
units of the noise. Training then only has to correct what is not Gaussian. ``scratch`` first trains
encoder and head together; its head then ends as all others do, on the frozen encoder, so that arms
differ by their latent alone. A second head, for the case of held-out operators, is trained the same
way on the universes without them; the encoder may have seen them, the head has not.
Read next: ``testing.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from colliderfm.baselines.linear_embeddings import LinearEmbedding
from colliderfm.config.schema import Params
from colliderfm.errors import CheckpointError
from colliderfm.models.spectrum_files import load_spectrum_encoder
from colliderfm.models.spectrum_model import (
    SpectrumEncoder,
    SpectrumEncoderSettings,
    build_spectrum_encoder,
)
from colliderfm.models.spectrum_normalization import corpus_normalization
from colliderfm.studies.protocol import Cell
from colliderfm.studies.smeft.anomalies import distort, without_held_out
from colliderfm.studies.smeft.arms import Arm, embed_spectra, fingerprint, linear_embedding
from colliderfm.studies.smeft.calibration import calibrate
from colliderfm.studies.smeft.data import LabeledReplicas, SmeftData, labeled_replicas
from colliderfm.studies.smeft.fitting import ReplicaBatches, UniverseClassifier, fit_classifier
from colliderfm.studies.smeft.heads import DirichletHead
from colliderfm.studies.smeft.retrieval import latent_noise_whitener
from colliderfm.train.protocols import Tracker
from colliderfm.train.settings import FitResult

OFF_MANIFOLD_SPECTRA = 4_000
_NOISE_UNIVERSES, _NOISE_SEED = 100, 5_000_011


@dataclass(frozen=True)
class HeadInputs:
    """Training and validation of one head.

    Parameters
    ----------
    labeled, validation : LabeledReplicas
        Spectra, or latents of a frozen encoder, with universes 0 to U - 1.
    off_manifold : ndarray, shape (M, B or D), float32
        Spectra or latents that belong to no universe.
    n_universes : int
        U.
    """

    labeled: LabeledReplicas
    validation: LabeledReplicas
    off_manifold: np.ndarray
    n_universes: int

    def embedded(self, embedding: SpectrumEncoder | LinearEmbedding) -> HeadInputs:
        """Return the same with latents in place of spectra."""
        labeled, validation = (
            LabeledReplicas(embed_spectra(embedding, part.values), part.universe)
            for part in (self.labeled, self.validation)
        )
        off_manifold = embed_spectra(embedding, self.off_manifold)
        return HeadInputs(labeled, validation, off_manifold, self.n_universes)

    def without(self, kept: np.ndarray) -> HeadInputs:
        """Return the same with the kept universes only, renumbered in their order."""
        parts = []
        for part in (self.labeled, self.validation):
            rows = np.isin(part.universe, kept)
            renumbered = np.searchsorted(kept, part.universe[rows])
            parts.append(LabeledReplicas(part.values[rows], renumbered))
        return HeadInputs(parts[0], parts[1], self.off_manifold, len(kept))


def train_arm(
    params: Params,
    data: SmeftData,
    cell: Cell,
    encoder: Path | None,
    folder: Path,
    tracker: Tracker | None,
) -> tuple[Arm, FitResult | None]:
    """Build and train an arm.

    Parameters
    ----------
    params : Params
        Settings.
    data : SmeftData
        Corpus with noise.
    cell : Cell
        Arm, labeled replicas and seed.
    encoder : path or None
        Folder of the pretrained encoder.
    folder : path
        Holds the checkpoints.
    tracker : Tracker or None
        Receives the metrics of the main head.

    Returns
    -------
    tuple of (Arm, FitResult or None)
        ``bayes`` trains nothing.
    """
    torch.set_num_threads(params.compute.threads)
    torch.manual_seed(cell.seed)
    labeled = labeled_replicas(data, cell.events, cell.seed)
    embedding = _embedding(params, data, cell, encoder, labeled)
    if cell.init == "bayes":
        return Arm(cell.init, embedding), None
    inputs = HeadInputs(
        labeled, data.validation, _off_manifold(data, labeled, cell.seed), data.n_universes
    )
    end_to_end = None
    if cell.init == "scratch" and isinstance(embedding, SpectrumEncoder):
        start = _new_head(params, data, embedding, inputs.embedded(embedding))
        model = UniverseClassifier(embedding, start)
        end_to_end = fit_classifier(
            params, cell, model, _batches(params, cell, inputs), inputs.validation, folder, tracker
        )
        embedding.freeze()
        folder, tracker = folder / "head", None
    inputs = inputs.embedded(embedding)
    head, result = _frozen_head(params, data, cell, embedding, inputs, folder, tracker)
    held_out = None
    kept = without_held_out(data.corpus.seen.wilson)
    if len(kept) > 1:
        held_out, _ = _frozen_head(
            params, data, cell, embedding, inputs.without(kept), folder / "held_out", None
        )
    return Arm(cell.init, embedding, head, held_out), end_to_end or result


def _embedding(
    params: Params, data: SmeftData, cell: Cell, encoder: Path | None, labeled: LabeledReplicas
) -> SpectrumEncoder | LinearEmbedding:
    shape = params.model.spectrum
    if cell.init in ("lda", "pca", "bayes"):
        return linear_embedding(cell.init, data, labeled, shape.latent)
    if cell.init == "pretrained":
        if encoder is None:
            raise CheckpointError("arm pretrained", got="no encoder", need="--encoder")
        network = load_spectrum_encoder(encoder)
        check_bins(network, data, encoder)
        return network.freeze()
    network = build_spectrum_encoder(
        SpectrumEncoderSettings(**shape.model_dump()), corpus_normalization(data.corpus, data.task)
    )
    return network if cell.init == "scratch" else network.freeze()


def check_bins(network: SpectrumEncoder, data: SmeftData, encoder: Path) -> None:
    """Refuse an encoder for other bins.

    Parameters
    ----------
    network : SpectrumEncoder
        The encoder.
    data : SmeftData
        Corpus with the bins.
    encoder : path
        Where it came from, for the message.

    Raises
    ------
    CheckpointError
        If observables or edges differ.
    """
    bins, table = network.normalization, data.table
    is_same = bins.observable == tuple(table.observable) and np.allclose(
        [bins.low_gev, bins.high_gev], [table.low_gev, table.high_gev]
    )
    if not is_same:
        raise CheckpointError(
            f"{encoder} was trained on other bins",
            got=f"{bins.n_bins} bins",
            need=f"the {table.n_bins} bins of the corpus",
        )


def _off_manifold(data: SmeftData, labeled: LabeledReplicas, seed: int) -> np.ndarray:
    """Distorted copies of the labeled replicas; none of the test's anomalies is among them."""
    rng = data.generator("distortions", seed)
    rows = rng.integers(len(labeled), size=OFF_MANIFOLD_SPECTRA)
    return distort(rng, labeled.values[rows], data.table.observable, data.sigma)


def _new_head(
    params: Params,
    data: SmeftData,
    embedding: SpectrumEncoder | LinearEmbedding,
    inputs: HeadInputs,
) -> DirichletHead:
    """Head at its closed-form start; ``inputs`` hold latents."""
    latent = inputs.labeled.values.astype(np.float64)
    whitener = data.once(
        ("head noise", fingerprint(embedding)), lambda: _noise_in_latent(data, embedding)
    )
    concentration = params.studies.smeft.concentration
    head = DirichletHead(inputs.n_universes, latent.shape[1], concentration)
    head.place_universes(latent, inputs.labeled.universe, whitener)
    return head


def _noise_in_latent(data: SmeftData, embedding: SpectrumEncoder | LinearEmbedding) -> np.ndarray:
    mean = data.new_universes(_NOISE_UNIVERSES, _NOISE_SEED).mean_pb_per_gev
    return latent_noise_whitener(
        lambda values: embed_spectra(embedding, values),
        data.noise_about(mean),
        data.generator("head noise"),
    )


def _frozen_head(
    params: Params,
    data: SmeftData,
    cell: Cell,
    embedding: SpectrumEncoder | LinearEmbedding,
    inputs: HeadInputs,
    folder: Path,
    tracker: Tracker | None,
) -> tuple[DirichletHead, FitResult]:
    """Train a head on latents and calibrate it."""
    head = _new_head(params, data, embedding, inputs)
    model = UniverseClassifier(nn.Identity(), head)
    batches = _batches(params, cell, inputs)
    result = fit_classifier(params, cell, model, batches, inputs.validation, folder, tracker)
    calibrate(head, inputs.validation)
    return head.eval(), result


def _batches(params: Params, cell: Cell, inputs: HeadInputs) -> ReplicaBatches:
    return ReplicaBatches(
        inputs.labeled.values,
        inputs.labeled.universe,
        inputs.off_manifold,
        params.studies.smeft.batch_size,
        cell.seed,
    )
