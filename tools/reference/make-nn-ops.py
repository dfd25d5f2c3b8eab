#!/usr/bin/env python3
# make-nn-ops.py: golden values of the operators, by PyTorch in double precision
#
# SPDX-License-Identifier: GPL-3.0-or-later
#
# usage: make-nn-ops.py tests/golden/nn-ops.txt
#
# Inputs are not stored: value(seed, i) below is the same formula as in test-nn-ref.c.
# A line is the case's name, the count, and the values in the order [n][h][w][c].
import json
import sys

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def values(seed, *shape):
    count = 1
    for s in shape:
        count *= s
    out = []
    for i in range(count):
        h = (i * 2654435761 + seed * 40503) & 0xFFFFFFFF
        h ^= h >> 16
        h = (h * 0x45D9F3B) & 0xFFFFFFFF
        h ^= h >> 16
        out.append(((h >> 8) & 0xFFFF) / 32768 - 1)
    return torch.tensor(out).reshape(shape)


def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


def linear(x, out, seed):
    return x @ values(seed, out, x.shape[-1]).T


def conv(x, out, seed, **kw):
    return nhwc(F.conv2d(nchw(x), values(seed, out, x.shape[-1], 3, 3), **kw))


def attention(q, k, v, heads, causal=False):
    def split(t):
        return t.reshape(t.shape[0], -1, heads, t.shape[-1] // heads).transpose(1, 2)
    y = F.scaled_dot_product_attention(split(q), split(k), split(v), is_causal=causal)
    return y.transpose(1, 2).reshape(q.shape)


def group_norm(x, groups, eps, gamma, beta):
    return nhwc(F.group_norm(nchw(x), groups, gamma, beta, eps))


def time_embed(t, dim):
    t = t.float()
    half = dim // 2
    freq = torch.exp(-torch.log(torch.tensor(10000.0, dtype=torch.float32))
                     * torch.arange(half, dtype=torch.float32) / half)
    a = (t[:, None] * freq[None]).double()
    return torch.cat([a.cos(), a.sin()], -1)


def cases():
    x = values(1, 2, 3, 5, 12)
    x2 = values(2, 2, 3, 5, 7)
    both = torch.cat([x, x2], -1)
    yield "linear", linear(both, 10, 3) + values(4, 10) + values(5, 2, 3, 5, 10)
    yield "linear-gelu", F.gelu(linear(x, 9, 3))
    z = linear(x, 16, 3) + values(4, 16)
    yield "linear-geglu", z[..., :8] * F.gelu(z[..., 8:])
    z = linear(x, 5, 3)
    yield "linear-quick-gelu", z * torch.sigmoid(1.702 * z)
    yield "conv3", F.silu(conv(both, 6, 3, bias=values(4, 6), padding=1)
                          + values(6, 2, 12)[:, None, None, 4:10]) + values(5, 2, 3, 5, 6)
    yield "conv3-stride", conv(x, 3, 3, stride=2, padding=1)
    yield "conv3-pad-end", nhwc(F.conv2d(F.pad(nchw(x), (0, 1, 0, 1)), values(3, 4, 12, 3, 3), stride=2))
    yield "conv3-up", nhwc(F.conv2d(F.interpolate(nchw(x), size=(7, 9), mode="nearest"),
                                    values(3, 4, 12, 3, 3), padding=1))
    q, k, v = values(1, 2, 1, 9, 24), values(2, 2, 1, 9, 24), values(3, 2, 1, 9, 24)
    yield "attention", attention(q, k, v, 2)
    yield "attention-causal", attention(q, k, v, 3, True)
    yield "attention-valid", attention(q, k[:, :, :5], v[:, :, :5], 2)
    yield "group-norm", group_norm(x, 3, 1e-5, values(3, 12), values(4, 12))
    both = torch.cat([x, values(2, 2, 3, 5, 6)], -1) + 100
    yield "group-norm-straddle", F.silu(group_norm(both, 9, 1e-6, values(3, 18), values(4, 18)))
    yield "layer-norm", F.layer_norm(x2, (7,), values(3, 7), values(4, 7), 1e-5)
    yield "time-embed", time_embed(torch.tensor([0.0, 1.0, 500.25, 999.0]), 10)
    yield "act-silu", F.silu(8 * x2)
    yield "combine", 0.5 * x - 2.0 * values(2, 2, 3, 5, 12) + 3.0 * values(3, 2, 3, 5, 12)


def main():
    with open(sys.argv[1], "w") as f:
        for name, y in cases():
            y = y.flatten()
            f.write(f"{name} {len(y)} " + " ".join(f"{v:.10g}" for v in y.tolist()) + "\n")
    with open(sys.argv[1].rsplit(".", 1)[0] + ".json", "w") as f:
        json.dump({"program": "tools/reference/make-nn-ops.py", "torch": torch.__version__,
                   "precision": "float64", "seed": "inputs by formula",
                   "command": "tools/reference/make-nn-ops.py tests/golden/nn-ops.txt"}, f, indent=2)
        f.write("\n")


main()
