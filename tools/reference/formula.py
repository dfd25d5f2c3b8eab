#!/usr/bin/env python3
"""formula.py: a checkpoint with the names and shapes of Stable Diffusion 1.5 and weights from a formula

    formula.py [--narrow] [--part unet|vae|text] OUT.safetensors

The twin of tools/make-checkpoint.c: both write the same bytes, so that golden values of a
network of true size need no large file. Element i of a tensor is

    x = i * 0x9E3779B9 + FNV-1a(name);  x = murmur3's last mix of x
    u = (x >> 8) / 2^23 - 1                                    in [-1, 1)

    weight of a norm    1 + u / 8
    bias                u / 16
    other weights       u * float(sqrt(3 / inputs))            variance 1 / inputs

in single precision, rounded to F16. With these the activations keep a size near one through
every network. `position_ids` (I64, 0 … 76) is there because real files have it.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import argparse
import json
import math
import struct
from dataclasses import dataclass

import numpy as np

UNET, VAE, TEXT = "model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer.text_model."
METADATA = {"calotype.formula": "1"}


@dataclass
class Config:
    unet: int = 320
    unet_mult: tuple = (1, 2, 4, 4)
    unet_blocks: int = 2
    attention: tuple = (True, True, True, False)
    text: int = 768
    text_layers: int = 12
    vocabulary: int = 49408
    vae: int = 128
    vae_mult: tuple = (1, 2, 4, 4)
    vae_blocks: int = 2


FULL = Config()
NARROW = Config(unet=64, text=64, text_layers=2, vae=32)


class Shapes(dict):
    """name -> shape"""

    def both(self, name, *shape):
        self[name + ".weight"] = shape
        self[name + ".bias"] = shape[:1]

    def norm(self, name, width):
        self.both(name, width)

    # ---- UNet

    def resnet(self, name, a, b, emb):
        self.norm(name + ".in_layers.0", a)
        self.both(name + ".in_layers.2", b, a, 3, 3)
        self.both(name + ".emb_layers.1", b, emb)
        self.norm(name + ".out_layers.0", b)
        self.both(name + ".out_layers.3", b, b, 3, 3)
        if a != b:
            self.both(name + ".skip_connection", b, a, 1, 1)

    def transformer(self, name, width, context):
        self.norm(name + ".norm", width)
        self.both(name + ".proj_in", width, width, 1, 1)
        block = name + ".transformer_blocks.0"
        for attention, inputs in (("attn1", width), ("attn2", context)):
            self[f"{block}.{attention}.to_q.weight"] = (width, width)
            self[f"{block}.{attention}.to_k.weight"] = (width, inputs)
            self[f"{block}.{attention}.to_v.weight"] = (width, inputs)
            self.both(f"{block}.{attention}.to_out.0", width, width)
        self.both(block + ".ff.net.0.proj", width * 8, width)
        self.both(block + ".ff.net.2", width, width * 4)
        for i in (1, 2, 3):
            self.norm(f"{block}.norm{i}", width)
        self.both(name + ".proj_out", width, width, 1, 1)

    def add_unet(self, c):
        emb, width, index, widths = c.unet * 4, c.unet, 1, [c.unet]
        self.both(UNET + "time_embed.0", emb, c.unet)
        self.both(UNET + "time_embed.2", emb, emb)
        self.both(UNET + "input_blocks.0.0", c.unet, 4, 3, 3)
        for level, m in enumerate(c.unet_mult):
            for _ in range(c.unet_blocks):
                self.resnet(f"{UNET}input_blocks.{index}.0", width, c.unet * m, emb)
                width = c.unet * m
                if c.attention[level]:
                    self.transformer(f"{UNET}input_blocks.{index}.1", width, c.text)
                widths.append(width)
                index += 1
            if level + 1 < len(c.unet_mult):
                self.both(f"{UNET}input_blocks.{index}.0.op", width, width, 3, 3)
                widths.append(width)
                index += 1
        self.resnet(UNET + "middle_block.0", width, width, emb)
        self.transformer(UNET + "middle_block.1", width, c.text)
        self.resnet(UNET + "middle_block.2", width, width, emb)
        index = 0
        for level in reversed(range(len(c.unet_mult))):
            for block in range(c.unet_blocks + 1):
                name = f"{UNET}output_blocks.{index}"
                self.resnet(name + ".0", width + widths.pop(), c.unet * c.unet_mult[level], emb)
                width = c.unet * c.unet_mult[level]
                if c.attention[level]:
                    self.transformer(name + ".1", width, c.text)
                if level > 0 and block == c.unet_blocks:
                    self.both(f"{name}.{2 if c.attention[level] else 1}.conv", width, width, 3, 3)
                index += 1
        self.norm(UNET + "out.0", width)
        self.both(UNET + "out.2", 4, width, 3, 3)

    # ---- VAE

    def vae_resnet(self, name, a, b):
        self.norm(name + ".norm1", a)
        self.both(name + ".conv1", b, a, 3, 3)
        self.norm(name + ".norm2", b)
        self.both(name + ".conv2", b, b, 3, 3)
        if a != b:
            self.both(name + ".nin_shortcut", b, a, 1, 1)

    def vae_middle(self, name, width):
        self.vae_resnet(name + ".block_1", width, width)
        self.norm(name + ".attn_1.norm", width)
        for part in ("q", "k", "v", "proj_out"):
            self.both(f"{name}.attn_1.{part}", width, width, 1, 1)
        self.vae_resnet(name + ".block_2", width, width)

    def add_vae(self, c):
        width, last = c.vae, len(c.vae_mult) - 1
        encoder, decoder = VAE + "encoder", VAE + "decoder"
        self.both(encoder + ".conv_in", width, 3, 3, 3)
        for level, m in enumerate(c.vae_mult):
            for block in range(c.vae_blocks):
                self.vae_resnet(f"{encoder}.down.{level}.block.{block}", width, c.vae * m)
                width = c.vae * m
            if level < last:
                self.both(f"{encoder}.down.{level}.downsample.conv", width, width, 3, 3)
        self.vae_middle(encoder + ".mid", width)
        self.norm(encoder + ".norm_out", width)
        self.both(encoder + ".conv_out", 8, width, 3, 3)
        self.both(VAE + "quant_conv", 8, 8, 1, 1)
        self.both(VAE + "post_quant_conv", 4, 4, 1, 1)
        self.both(decoder + ".conv_in", width, 4, 3, 3)
        self.vae_middle(decoder + ".mid", width)
        for level in reversed(range(last + 1)):
            for block in range(c.vae_blocks + 1):
                self.vae_resnet(f"{decoder}.up.{level}.block.{block}", width, c.vae * c.vae_mult[level])
                width = c.vae * c.vae_mult[level]
            if level > 0:
                self.both(f"{decoder}.up.{level}.upsample.conv", width, width, 3, 3)
        self.norm(decoder + ".norm_out", width)
        self.both(decoder + ".conv_out", 3, width, 3, 3)

    # ---- text encoder

    def add_text(self, c):
        width = c.text
        self[TEXT + "embeddings.position_ids"] = (1, 77)
        self[TEXT + "embeddings.token_embedding.weight"] = (c.vocabulary, width)
        self[TEXT + "embeddings.position_embedding.weight"] = (77, width)
        for i in range(c.text_layers):
            layer = f"{TEXT}encoder.layers.{i}"
            for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
                self.both(f"{layer}.self_attn.{part}", width, width)
            self.norm(layer + ".layer_norm1", width)
            self.norm(layer + ".layer_norm2", width)
            self.both(layer + ".mlp.fc1", width * 4, width)
            self.both(layer + ".mlp.fc2", width, width * 4)
        self.norm(TEXT + "final_layer_norm", width)


def shapes(config, part=None):
    out = Shapes()
    if part in (None, "unet"):
        out.add_unet(config)
    if part in (None, "vae"):
        out.add_vae(config)
    if part in (None, "text"):
        out.add_text(config)
    return dict(out)


def fnv1a(name):
    h = 0x811C9DC5
    for byte in name.encode():
        h = (h ^ byte) * 0x01000193 & 0xFFFFFFFF
    return h


def uniform(name, n):
    x = np.arange(n, dtype=np.uint32) * np.uint32(0x9E3779B9) + np.uint32(fnv1a(name))
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x85EBCA6B)
    x ^= x >> np.uint32(13)
    x *= np.uint32(0xC2B2AE35)
    x ^= x >> np.uint32(16)
    return (x >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)


def tensor(name, shape):
    n = math.prod(shape)
    if name.endswith("position_ids"):
        return np.arange(n, dtype=np.int64).reshape(shape)
    u = uniform(name, n)
    if len(shape) == 1:
        value = u * np.float32(1 / 16) if name.endswith(".bias") else u * np.float32(1 / 8) + np.float32(1)
    else:
        value = u * np.float32(math.sqrt(3.0 / math.prod(shape[1:])))
    return value.astype(np.float16).reshape(shape)


def write(path, config, part=None):
    """As the reference's writer: wider types first, then by name."""
    all_shapes = shapes(config, part)
    width = lambda name: 8 if name.endswith("position_ids") else 2
    header, at = {"__metadata__": METADATA}, 0
    names = sorted(all_shapes, key=lambda name: (-width(name), name))
    for name in names:
        end = at + width(name) * math.prod(all_shapes[name])
        dtype = "I64" if width(name) == 8 else "F16"
        header[name] = {"dtype": dtype, "shape": list(all_shapes[name]), "data_offsets": [at, end]}
        at = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for name in names:
            tensor(name, all_shapes[name]).tofile(out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--narrow", action="store_true")
    parser.add_argument("--part", choices=["unet", "vae", "text"])
    parser.add_argument("out")
    args = parser.parse_args()
    write(args.out, NARROW if args.narrow else FULL, args.part)
