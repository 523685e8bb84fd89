"""Convolution blocks told of the SNR: normalisation against its definition, factors, shapes."""

import torch

from deepjscc.layers.snr_conv import AttentionFeature, ChannelNorm, SnrConv


def test_channel_norm_is_mean_and_variance_over_features() -> None:
    features = torch.randn(2, 12, 3, 5)
    mean, variance = features.mean(1, keepdim=True), features.var(1, keepdim=True, unbiased=False)
    assert torch.allclose(ChannelNorm(12)(features), (features - mean) / (variance + 1e-5).sqrt(), atol=1e-5)


def test_attention_scales_by_features_means_and_snr() -> None:
    module, features = AttentionFeature(8), torch.rand(2, 8, 4, 4) + 0.1
    low, high = (module(features, torch.full((2,), snr)) / features for snr in (-3.0, 14.0))
    assert ((low > 0) & (low < 1)).all()
    assert torch.allclose(low, low[:, :, :1, :1].expand_as(low))  # one factor a feature, whatever the place
    assert not torch.allclose(low, high)
    turned = features.flip(2, 3)  # same means, other places
    assert torch.allclose(
        module(turned, torch.full((2,), 5.0)) / turned, module(features, torch.full((2,), 5.0)) / features
    )


def test_scales() -> None:
    features, snr_db = torch.rand(1, 6, 8, 10), torch.zeros(1)
    assert SnrConv(6, 9, 5, "down")(features, snr_db).shape == (1, 9, 4, 5)
    assert SnrConv(6, 4, 5, "up")(features, snr_db).shape == (1, 4, 16, 20)
    assert SnrConv(6, 6, 3)(features, snr_db).shape == features.shape


def test_a_block_that_keeps_the_shape_has_a_shortcut() -> None:
    block = SnrConv(6, 6, 3)
    torch.nn.init.zeros_(block.norm.norm.weight)
    features = torch.rand(1, 6, 8, 10)
    assert torch.equal(block(features, torch.zeros(1)), features)
