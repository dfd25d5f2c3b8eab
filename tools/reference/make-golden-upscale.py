#!/usr/bin/env python3
"""make-golden-upscale.py: what upscalers must give, by PyTorch on the CPU in fp32

    make-golden-upscale.py

Writes tests/golden/upscale/NAME.safetensors, small models with random weights (F16), and
values.safetensors with a picture (U8 [h][w][3]) and what comes of it ([h][w][3], not clamped) for
each. The networks are written down here from the papers: ESRGAN (Wang et al. 2018: residual in
residual dense blocks, residuals scaled by 0.2, leaky ReLU of 0.2, nearest enlarging), Real-ESRGAN
(Wang et al. 2021: pixel unshuffle before them for x2 and x1; the compact network with PReLU, a
pixel shuffle at the end and the picture, enlarged by nearest, added).

SPDX-License-Identifier: GPL-3.0-or-later
"""

import json
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

FOLDER = pathlib.Path(__file__).parents[2] / "tests/golden/upscale"
SEED = 42


def conv(weights, name, x):
    return F.conv2d(x, weights[name + ".weight"].float(), weights[name + ".bias"].float(), padding=1)


def leaky(x):
    return F.leaky_relu(x, 0.2)


def rrdb(weights, names, x, blocks):
    """names: (first, dense (block, k, j), trunk, enlarging, last but one, last)"""
    first, dense, trunk, ups, hr, last = names
    inputs = weights[first + ".weight"].shape[1]
    if inputs > 3:
        x = F.pixel_unshuffle(x, {12: 2, 48: 4}[inputs])
    head = x = conv(weights, first, x)
    for block in range(blocks):
        begin = x
        for k in 1, 2, 3:
            have = [x]
            for j in 1, 2, 3, 4:
                have.append(leaky(conv(weights, dense(block, k, j), torch.cat(have, 1))))
            x = x + 0.2 * conv(weights, dense(block, k, 5), torch.cat(have, 1))
        x = begin + 0.2 * x
    x = head + conv(weights, trunk, x)
    for name in ups:
        x = leaky(conv(weights, name, F.interpolate(x, scale_factor=2, mode="nearest")))
    return conv(weights, last, leaky(conv(weights, hr, x)))


def compact(weights, x, last, scale):
    y = x
    for i in range(0, last, 2):
        y = F.prelu(conv(weights, f"body.{i}", y), weights[f"body.{i + 1}.weight"].float())
    y = F.pixel_shuffle(conv(weights, f"body.{last}", y), scale)
    return y + F.interpolate(x, scale_factor=scale, mode="nearest")


def add(weights, generator, name, out, inputs, gain=1.0):
    scale = gain * (2 / (9 * inputs)) ** 0.5
    weights[name + ".weight"] = (torch.randn(out, inputs, 3, 3, generator=generator) * scale).half()
    weights[name + ".bias"] = (torch.randn(out, generator=generator) * 0.05).half()


def rrdb_weights(generator, names, inputs, width, growth, blocks):
    first, dense, trunk, ups, hr, last = names
    weights = {}
    add(weights, generator, first, width, inputs)
    for block in range(blocks):
        for k in 1, 2, 3:
            for j in 1, 2, 3, 4, 5:
                add(weights, generator, dense(block, k, j), growth if j < 5 else width, width + (j - 1) * growth)
    for name in [trunk, *ups, hr]:
        add(weights, generator, name, width, width)
    add(weights, generator, last, 3, width)
    return weights


NEW = ("conv_first", lambda b, k, j: f"body.{b}.rdb{k}.conv{j}", "conv_body", ["conv_up1", "conv_up2"], "conv_hr", "conv_last")
FIRST = ("conv_first", lambda b, k, j: f"RRDB_trunk.{b}.RDB{k}.conv{j}", "trunk_conv", ["upconv1", "upconv2"], "HRconv", "conv_last")
OLD = ("model.0", lambda b, k, j: f"model.1.sub.{b}.RDB{k}.conv{j}.0", "model.1.sub.1", ["model.3", "model.6"], "model.8", "model.10")


def main():
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    values = {}

    def keep(name, weights, run):
        x = torch.rand(1, 3, 5, 7, generator=generator)
        x = F.interpolate(x, size=(28, 44), mode="bicubic").clamp(0, 1)  # something smooth
        pixels = (x * 255).round().to(torch.uint8)
        with torch.no_grad():
            y = run(pixels.float() / 255)
        save_file(weights, FOLDER / f"{name}.safetensors")
        values[name + ".in"] = pixels[0].permute(1, 2, 0).contiguous()
        values[name + ".out"] = y[0].permute(1, 2, 0).contiguous()

    for name, names, inputs in ("rrdb-x4", OLD, 3), ("rrdb-x2", NEW, 12), ("rrdb-x1", FIRST, 48):
        weights = rrdb_weights(generator, names, inputs, 16, 8, 1)
        keep(name, weights, lambda x: rrdb(weights, names, x, 1))
    weights = {}
    for i, (out, inputs) in enumerate([(16, 3), (16, 16), (16, 16), (48, 16)]):
        add(weights, generator, f"body.{2 * i}", out, inputs)
        if i < 3:
            weights[f"body.{2 * i + 1}.weight"] = (torch.rand(out, generator=generator) * 0.5).half()
    keep("compact-x4", weights, lambda x: compact(weights, x, 6, 4))
    save_file(values, FOLDER / "values.safetensors")
    about = {"program": "PyTorch (CPU, fp32)", "version": torch.__version__, "seed": SEED,
             "command": "tools/reference/make-golden-upscale.py"}
    (FOLDER / "values.json").write_text(json.dumps(about, indent=1) + "\n")


main()
