"""Dense and transformer networks of spectra, and the heads on their latent."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from colliderfm.nn.spectrum import DenseSpectrumNetwork
from colliderfm.nn.spectrum_heads import LatentHead, SpectrumDecoder
from colliderfm.nn.spectrum_transformer import (
    METADATA_SIZES,
    BinBlock,
    SpectrumTransformer,
    token_bins,
)


def dense(**changes):
    torch.manual_seed(0)
    settings = {
        "hidden": 100,
        "layers": 3,
        "dropout": 0.35,
        "batch_norm": True,
        "linear_path": False,
    }
    return DenseSpectrumNetwork(92, 2, **{**settings, **changes})


def transformer():
    torch.manual_seed(0)
    observable = torch.tensor([0] * 6 + [1] * 4)
    place = torch.linspace(-1.0, 1.0, 10)
    return SpectrumTransformer(observable, place, latent=3, width=32, blocks=2, dropout=0.0)


def test_the_network_of_the_study_has_its_layers_and_parameters():
    network = dense()
    kinds = [type(part) for part in network.body]
    assert kinds == 3 * [nn.Linear, nn.BatchNorm1d, nn.ReLU, nn.Dropout] + [nn.Linear]
    weights = 92 * 100 + 2 * 100 * 100 + 100 * 2 + 3 * 100 + 2
    assert sum(p.numel() for p in network.parameters()) == weights + 3 * 200
    assert [tuple(kernel.shape) for kernel in network.kernels()] == [(100, 92)] + 2 * [(100, 100)]


@pytest.mark.parametrize("linear_path", [False, True])
@pytest.mark.parametrize("batch_norm", [False, True])
def test_folding_changes_nothing_but_the_layers(linear_path, batch_norm):
    network = dense(linear_path=linear_path, batch_norm=batch_norm)
    for _ in range(5):
        inputs = 3.0 * torch.randn(256, 92) + 1.0
        network(inputs, inputs)
    network.eval()
    folded = network.fold()
    inputs = torch.randn(64, 92)
    torch.testing.assert_close(
        folded(inputs, inputs), network(inputs, inputs), rtol=1e-4, atol=1e-5
    )
    kinds = {type(part) for part in folded.body}
    assert kinds == {nn.Linear, nn.ReLU}
    assert not any(p.requires_grad for p in folded.parameters())
    # Training on does not reach into the folded copy.
    before = folded(inputs, inputs)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1.0)
    assert torch.equal(folded(inputs, inputs), before)


def test_the_linear_path_is_linear():
    network = dense(linear_path=True).eval()
    zero = torch.zeros(1, 92)
    first, second = torch.randn(1, 92), torch.randn(1, 92)
    offset = network(zero, zero)
    torch.testing.assert_close(
        network(zero, first + 2.0 * second) - offset,
        (network(zero, first) - offset) + 2.0 * (network(zero, second) - offset),
    )


def test_metadata_reach_the_latent_and_unknown_is_the_default():
    network = transformer().eval()
    values = torch.randn(5, 10)
    unknown = torch.zeros(5, len(METADATA_SIZES), dtype=torch.int64)
    torch.testing.assert_close(network(values, values), network(values, values, unknown))
    for token in range(len(METADATA_SIZES)):
        known = unknown.clone()
        known[:, token] = 1
        assert not torch.allclose(network(values, values), network(values, values, known))


def test_neighboring_bins_of_one_observable_share_a_token():
    bins, is_bin = token_bins(torch.tensor([0] * 6 + [1] * 4))
    assert bins.tolist() == [[0, 1, 2, 3], [4, 5, 0, 0], [6, 7, 8, 9]]
    assert is_bin.tolist() == [[True] * 4, [True, True, False, False], [True] * 4]
    # Observables that alternate stay apart, and each bin is in one token.
    bins, is_bin = token_bins(torch.tensor([0, 1] * 5))
    assert sorted(bins[is_bin].tolist()) == list(range(10))
    assert all(
        len(set((row[mask] % 2).tolist())) == 1 for row, mask in zip(bins, is_bin, strict=True)
    )


def test_a_token_with_fewer_bins_does_not_see_the_first_one():
    network = transformer().eval()
    values = torch.zeros(2, 10)
    values[1, 0] = 5.0
    tokens = network._bin_tokens(values)
    assert not torch.allclose(tokens[0, 0], tokens[1, 0])
    torch.testing.assert_close(tokens[0, 1], tokens[1, 1])


def test_a_block_gives_the_first_tokens_as_if_it_gave_all():
    torch.manual_seed(0)
    block, tokens = BinBlock(32, 2, 0.0).eval(), torch.randn(3, 7, 32)
    torch.testing.assert_close(block(tokens, 1), block(tokens)[:, :1])


def test_large_deviations_do_not_drown_the_tokens():
    """Inputs are scaled; deviations in noise units reach thousands and only go down the linear path."""
    network = transformer().eval()
    values, deviations = torch.randn(4, 10), torch.randn(4, 10)
    change = network(values, 1000.0 * deviations) - network(values, deviations)
    torch.testing.assert_close(change, 999.0 * network.linear(deviations), rtol=1e-4, atol=1e-3)


def test_equal_values_in_other_bins_give_another_latent():
    network = transformer().eval()
    values = torch.zeros(2, 10)
    values[0, 1] = values[1, 7] = 3.0
    latent = network(values, torch.zeros(2, 10))
    assert (latent[0] - latent[1]).abs().max() > 1e-3


def test_the_latent_of_a_spectrum_does_not_depend_on_the_others():
    network = transformer().eval()
    values = torch.randn(6, 10)
    torch.testing.assert_close(
        network(values, values)[:2], network(values[:2], values[:2]), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("network", [dense(linear_path=True), transformer()])
def test_gradients_reach_every_parameter(network):
    n_bins = 92 if isinstance(network, DenseSpectrumNetwork) else 10
    values = torch.randn(16, n_bins)
    network(values, values).square().sum().backward()
    missing = [
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().sum() > 0
    ]
    # Attention keys are blind to a constant that all of them share.
    assert not missing


def test_heads_have_the_shapes_they_promise():
    latent = torch.randn(7, 4)
    assert LatentHead(4, 16, 1)(latent).shape == (7, 1)
    assert SpectrumDecoder(4, 16, 92)(latent).shape == (7, 92)
