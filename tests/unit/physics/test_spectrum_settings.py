import numpy as np
import pytest

from colliderfm.errors import ConfigError, DataError, PhysicsError
from colliderfm.physics.spectrum_settings import SpectrumSettings, bin_labels, bin_ranges


def test_the_default_has_sixty_and_thirty_two_bins():
    labels = list(bin_labels(SpectrumSettings()))
    assert len(labels) == 92
    assert labels[0] == ("mll", 50.0, 60.0)
    assert labels[59] == ("mll", 640.0, 650.0)
    assert labels[60] == ("pt", 10.0, 20.0)
    assert labels[91] == ("pt", 320.0, 325.0)


def test_the_split_spectrum_adds_two_halves():
    settings = SpectrumSettings(mll_edges_gev=(50, 80, 100), pt_edges_gev=(), forward_backward=True)
    assert [name for name, *_ in bin_labels(settings)] == [
        *("mll", "mll", "mll_forward", "mll_forward", "mll_backward", "mll_backward")
    ]
    assert len(list(bin_ranges(settings))) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"mll_edges_gev": (50.0, 80.0, 80.0)},
        {"mll_edges_gev": (100.0, 80.0)},
        {"mll_edges_gev": (50.0,)},
        {"pt_edges_gev": (10.0, np.nan)},
        {"pt_mll_range_gev": (650.0, 50.0)},
        {"mll_edges_gev": (), "pt_edges_gev": ()},
    ],
)
def test_edges_that_do_not_rise_are_refused(wrong):
    with pytest.raises(DataError) as caught:
        SpectrumSettings(**wrong)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"lambda_tev": 0.0},
        {"lambda_tev": -1.0},
        {"eta_max": 0.0},
        {"pt_min_gev": -1.0},
        {"mu_fixed_gev": float("nan")},
        {"mll_edges_gev": (50.0, 14000.0)},
        {"mll_edges_gev": (10.0, 15.0)},  # below twice the cut
        {"pt_edges_gev": (330.0, 340.0)},  # above half the mass range
        {"pt_edges_gev": (5.0, 8.0)},  # below the cut
        {"mll_edges_gev": (0.0, 50.0), "pt_min_gev": 0.0},  # the photon diverges
    ],
)
def test_impossible_physics_is_refused(wrong):
    with pytest.raises(PhysicsError) as caught:
        SpectrumSettings(**wrong)
    assert caught.value.exit_code == 7


@pytest.mark.parametrize(
    "wrong", [{"mu_f": "ht"}, {"nf": 6}, {"order": "nlo"}, {"width": "none"}, {"nodes": 7}]
)
def test_unknown_options_are_refused(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        SpectrumSettings(**wrong)
