"""Scales, encoder and heads of spectrum networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from toy_spectrum import N_BINS, normalization, spectra, spectrum_model

from colliderfm.errors import CheckpointError, ConfigError
from colliderfm.models.spectrum_model import SpectrumEncoderSettings
from colliderfm.models.spectrum_normalization import INPUTS, SpectrumNormalization, SpectrumScaling


def test_inputs_by_hand():
    scales = normalization()
    values = torch.tensor([scales.sm]) + 3.0 * torch.tensor([scales.sigma])
    expected = {
        "noise": torch.full((1, N_BINS), 0.3),
        "raw": values,
        "ratio": 3.0 * torch.tensor([scales.sigma]) / torch.tensor([scales.sm]),
        "asinh": torch.full((1, N_BINS), float(np.arcsinh(3.0))),
        "standard": (values - torch.tensor([scales.mean])) / torch.tensor([scales.std]),
    }
    assert set(expected) == set(INPUTS)
    for name, wanted in expected.items():
        scaled, noise_units = SpectrumScaling(scales, name)(values)
        torch.testing.assert_close(scaled, wanted, rtol=1e-3, atol=1e-5)
        torch.testing.assert_close(noise_units, torch.full((1, N_BINS), 3.0), rtol=1e-3, atol=0)


def test_noise_units_are_inverted():
    scaling, values = SpectrumScaling(normalization(), "noise"), spectra()
    back = scaling.from_noise_units(scaling.noise_units(values))
    torch.testing.assert_close(back, values, rtol=1e-6, atol=1e-9)


def test_scales_survive_json_bit_by_bit():
    scales = normalization()
    assert SpectrumNormalization.from_json(scales.to_json()) == scales


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sm": [1]}', '{"sm": "x"}', "null"])
def test_other_texts_are_checkpoint_errors(text):
    with pytest.raises(CheckpointError, match="normalization"):
        SpectrumNormalization.from_json(text)


def test_scales_without_meaning_are_refused():
    text = normalization().to_json()
    with pytest.raises(CheckpointError, match="sigma"):
        SpectrumNormalization.from_json(
            text.replace('"sigma": [\n  0.0761', '"sigma": [\n  -0.0761')
        )
    with pytest.raises(CheckpointError, match="observable"):
        SpectrumNormalization.from_json(text.replace('"pt"', '"eta"'))


@pytest.mark.parametrize("kind", ["dense", "transformer"])
@pytest.mark.parametrize("inputs", INPUTS)
def test_every_kind_and_scaling_gives_a_finite_latent(kind, inputs):
    model = spectrum_model(kind=kind, inputs=inputs, dropout=0.1)
    latent = model(spectra())
    assert latent.shape == (6, 3)
    assert torch.isfinite(latent).all()


def test_the_latent_of_one_spectrum_ignores_the_others_in_use():
    model = spectrum_model().eval()
    values = spectra()
    torch.testing.assert_close(model(values)[:1], model(values[:1]))


def test_a_folded_encoder_gives_the_same_latents():
    model, values = spectrum_model(), spectra(64)
    for _ in range(3):
        model(values)
    encoder = model.encoder.freeze()
    torch.testing.assert_close(encoder.fold()(values), encoder(values), rtol=1e-4, atol=1e-4)
    with pytest.raises(ConfigError, match="fold"):
        spectrum_model(kind="transformer").encoder.fold()


def test_the_linear_path_exists_beside_compressed_inputs_only():
    assert spectrum_model(inputs="asinh").encoder.network.linear is not None
    assert spectrum_model(inputs="raw").encoder.network.linear is None


def test_generated_spectra_are_in_pb_per_gev():
    model = spectrum_model({"decoder": 0}).eval()
    with torch.no_grad():
        for parameter in model.heads["decoder"].parameters():
            parameter.zero_()
    generated = model.generate(torch.randn(4, 3))
    torch.testing.assert_close(generated, torch.tensor([normalization().sm]).expand(4, -1))
    with pytest.raises(ConfigError, match="generates no spectra"):
        spectrum_model().generate(torch.randn(4, 3))


def test_spectra_of_other_bins_are_refused_with_both_numbers():
    with pytest.raises(CheckpointError, match="12") as caught:
        spectrum_model()(torch.ones(2, 92))
    assert "92" in str(caught.value)


@pytest.mark.parametrize(
    "wrong", [{"kind": "forest"}, {"inputs": "log"}, {"latent": 0}, {"dropout": 1.0}]
)
def test_impossible_settings_name_the_key(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        SpectrumEncoderSettings(**wrong)
