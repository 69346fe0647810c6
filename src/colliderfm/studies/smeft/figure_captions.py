"""Study smeft: captions of the figures of a report, by name."""

from __future__ import annotations

FIGURE_CAPTIONS = {
    "learning_curves": "Mean over seeds and its standard deviation (band) against the number of "
    "labeled replicas, all universes together.",
    "operator_spectra": "One Wilson coefficient at a time at C = 1, the others zero. The four-fermion "
    "operators grow with energy, cHWB and cHq3 act near the Z peak, cll1 rescales every bin alike.",
    "universes": "Spectra of the seen universes and their ratio to the Standard Model.",
    "singular_values": "Left: how well each identifiable direction is measured, per unit coefficient; "
    "beyond the rank the spectra see nothing. Right: what the directions are made of.",
    "anomaly_spectra": "The four anomalies, each single one of the same significance.",
    "latent_map": "Test replicas in the latent, colored by what their universe does to single bins.",
    "clusters": "Replicas of universes from the nearest to the farthest from the Standard Model, in "
    "the learned latent and in linear ones; all other universes in gray.",
    "uncertainty_map": "Where the Dirichlet head is not sure: total entropy, and the part of it that "
    "says that nothing alike was seen.",
    "trajectories": "The latent while one coefficient is turned from -2 to 2; the star is the Standard "
    "Model. The ten longest paths are drawn; lengths of all are in the numbers.",
    "class_angles": "Angles in degrees, mean over seeds. Left: between each principal axis of the latent's "
    "responses and the direction along which a class of operators moves it most. Middle and right: "
    "between classes, in the latent and in the spectra.",
    "contours": "Left: all universes; right: around the query. Ellipses are the shadows of the 1, 3 and "
    "6σ contours of the full latent, colors say in which a universe lies.",
    "violins": "Wilson coefficients of 20,000 universes from the prior and of those that the contours "
    "capture, on a scale on which the prior is flat; dots are medians, bars the central 68%. "
    "Coefficients that are zero are left out.",
    "radial": "Root mean square of each coefficient among captured universes in units of the prior's: "
    "1 means that nothing is learned. Gray names have no effect on the spectra and must stay at 1.",
    "anomaly_map": "Left: the anomalies in the latent, known universes in gray. Right: distribution of "
    "the mutual information; what no universe explains should lie to the right of the known.",
    "anomalies": "Area under the curve of each anomaly against known universes. A score below 0.5 calls "
    "the anomaly more familiar than the known.",
    "reliability": "Accuracy in bins of confidence, with binomial errors, after calibration.",
    "entropy_curves": "Accuracy in tenths of the replicas ordered by total entropy.",
    "loss_curves": "Training loss and validation accuracy against updates, mean over seeds.",
}
