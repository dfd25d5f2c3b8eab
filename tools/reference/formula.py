#!/usr/bin/env python3
"""formula.py: a checkpoint with Stable Diffusion's names and shapes and weights from a formula

    formula.py [--family sd1|sd2|sdxl|ssd1b] [--narrow] [--channels 4|8|9] [--part unet|vae|text|taesd] OUT.safetensors

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
from dataclasses import dataclass, field, replace

import numpy as np

UNET, VAE, TEXT = "model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer.text_model."
METADATA = {"calotype.formula": "1"}


@dataclass
class Text:
    """A text encoder; open: with OpenCLIP's names, and a projection where output is not 0."""

    root: str
    width: int
    layers: int
    open: bool = False
    output: int = 0


@dataclass
class Config:
    unet: int
    text: list
    vae: int = 128
    unet_mult: tuple = (1, 2, 4, 4)
    unet_blocks: int = 2
    # transformer blocks of each block of each level, down and (from the deepest) up; in the middle
    down: tuple = ((1, 1), (1, 1), (1, 1), (0, 0))
    up: tuple = ((0, 0, 0), (1, 1, 1), (1, 1, 1), (1, 1, 1))
    middle: int = 1
    linear: bool = False  # projections of transformers are matrices, not 1×1 convolutions
    channels: int = 4  # that the UNet takes: 9: in-painting, 8: instructions
    label: int = 0  # what is told beside the time
    vocabulary: int = 49408
    vae_mult: tuple = (1, 2, 4, 4)
    vae_blocks: int = 2
    metadata: dict = field(default_factory=dict)

    @property
    def context(self):
        return sum(t.width for t in self.text)


OPEN, FIRST, SECOND = "cond_stage_model.model.", "conditioner.embedders.0.transformer.text_model.", "conditioner.embedders.1.model."
V = {"modelspec.prediction_type": "v"}
SIZES = 6 * 256  # of the label: six numbers as sinusoids
XL = dict(unet_mult=(1, 2, 4), linear=True, metadata={"modelspec.architecture": "stable-diffusion-xl-v1-base"})
# ---- depths of Stable Diffusion XL, of its narrow form, and of SSD-1B, which has no attention in the middle
DEEP = dict(down=((0, 0), (2, 2), (10, 10)), middle=10, up=((10, 10, 10), (2, 2, 2), (0, 0, 0)))
LESS = dict(down=((0, 0), (2, 2), (4, 4)), middle=4, up=((4, 4, 4), (2, 2, 2), (0, 0, 0)))
CUT = dict(down=((0, 0), (2, 2), (4, 4)), middle=0, up=((4, 4, 5), (2, 1, 1), (0, 0, 0)))
FULL = {
    "sd1": Config(unet=320, text=[Text(TEXT, 768, 12)]),
    "sd2": Config(unet=320, text=[Text(OPEN, 1024, 24, open=True)], linear=True, metadata=V),
    "sdxl": Config(unet=320, text=[Text(FIRST, 768, 12), Text(SECOND, 1280, 32, True, 1280)], label=1280 + SIZES, **XL, **DEEP),
}
NARROW_TEXTS = [Text(FIRST, 64, 3), Text(SECOND, 128, 3, True, 128)]
NARROW = {
    "sd1": Config(unet=64, text=[Text(TEXT, 64, 2)], vae=32),
    "sd2": Config(unet=64, text=[Text(OPEN, 128, 3, open=True)], vae=32, linear=True, metadata=V),
    "sdxl": Config(unet=128, text=NARROW_TEXTS, vae=32, label=128 + SIZES, **XL, **LESS),
    "ssd1b": Config(unet=64, text=NARROW_TEXTS, vae=32, label=128 + SIZES, **XL, **CUT),
}


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

    def transformer(self, c, name, width, depth):
        side = () if c.linear else (1, 1)
        self.norm(name + ".norm", width)
        self.both(name + ".proj_in", width, width, *side)
        for i in range(depth):
            block = f"{name}.transformer_blocks.{i}"
            for attention, inputs in (("attn1", width), ("attn2", c.context)):
                self[f"{block}.{attention}.to_q.weight"] = (width, width)
                self[f"{block}.{attention}.to_k.weight"] = (width, inputs)
                self[f"{block}.{attention}.to_v.weight"] = (width, inputs)
                self.both(f"{block}.{attention}.to_out.0", width, width)
            self.both(block + ".ff.net.0.proj", width * 8, width)
            self.both(block + ".ff.net.2", width, width * 4)
            for k in (1, 2, 3):
                self.norm(f"{block}.norm{k}", width)
        self.both(name + ".proj_out", width, width, *side)

    def add_unet(self, c):
        emb, width, index, widths = c.unet * 4, c.unet, 1, [c.unet]
        self.both(UNET + "time_embed.0", emb, c.unet)
        self.both(UNET + "time_embed.2", emb, emb)
        if c.label:
            self.both(UNET + "label_emb.0.0", emb, c.label)
            self.both(UNET + "label_emb.0.2", emb, emb)
        self.both(UNET + "input_blocks.0.0", c.unet, c.channels, 3, 3)
        for level, m in enumerate(c.unet_mult):
            for block in range(c.unet_blocks):
                self.resnet(f"{UNET}input_blocks.{index}.0", width, c.unet * m, emb)
                width = c.unet * m
                if c.down[level][block]:
                    self.transformer(c, f"{UNET}input_blocks.{index}.1", width, c.down[level][block])
                widths.append(width)
                index += 1
            if level + 1 < len(c.unet_mult):
                self.both(f"{UNET}input_blocks.{index}.0.op", width, width, 3, 3)
                widths.append(width)
                index += 1
        self.resnet(UNET + "middle_block.0", width, width, emb)
        if c.middle:
            self.transformer(c, UNET + "middle_block.1", width, c.middle)
            self.resnet(UNET + "middle_block.2", width, width, emb)
        index = 0
        for level in reversed(range(len(c.unet_mult))):
            for block in range(c.unet_blocks + 1):
                name, depth = f"{UNET}output_blocks.{index}", c.up[len(c.unet_mult) - 1 - level][block]
                self.resnet(name + ".0", width + widths.pop(), c.unet * c.unet_mult[level], emb)
                width = c.unet * c.unet_mult[level]
                if depth:
                    self.transformer(c, name + ".1", width, depth)
                if level > 0 and block == c.unet_blocks:
                    self.both(f"{name}.{2 if depth else 1}.conv", width, width, 3, 3)
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

    # ---- text encoders

    def add_clip(self, c, t):
        self[t.root + "embeddings.position_ids"] = (1, 77)
        self[t.root + "embeddings.token_embedding.weight"] = (c.vocabulary, t.width)
        self[t.root + "embeddings.position_embedding.weight"] = (77, t.width)
        for i in range(t.layers):
            layer = f"{t.root}encoder.layers.{i}"
            for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
                self.both(f"{layer}.self_attn.{part}", t.width, t.width)
            self.norm(layer + ".layer_norm1", t.width)
            self.norm(layer + ".layer_norm2", t.width)
            self.both(layer + ".mlp.fc1", t.width * 4, t.width)
            self.both(layer + ".mlp.fc2", t.width, t.width * 4)
        self.norm(t.root + "final_layer_norm", t.width)

    def add_open_clip(self, c, t):
        self[t.root + "token_embedding.weight"] = (c.vocabulary, t.width)
        self[t.root + "positional_embedding"] = (77, t.width)
        for i in range(t.layers):
            layer = f"{t.root}transformer.resblocks.{i}"
            self.norm(layer + ".ln_1", t.width)
            self[layer + ".attn.in_proj_weight"] = (3 * t.width, t.width)
            self[layer + ".attn.in_proj_bias"] = (3 * t.width,)
            self.both(layer + ".attn.out_proj", t.width, t.width)
            self.norm(layer + ".ln_2", t.width)
            self.both(layer + ".mlp.c_fc", t.width * 4, t.width)
            self.both(layer + ".mlp.c_proj", t.width, t.width * 4)
        self.norm(t.root + "ln_final", t.width)
        if t.output:
            self[t.root + "text_projection"] = (t.width, t.output)

    def add_text(self, c):
        for t in c.text:
            (self.add_open_clip if t.open else self.add_clip)(c, t)


    # ---- the decoder of TAESD, in its own file: bare numbers, convolutions, blocks of three

    def add_taesd(self):
        self.both("1", 64, 4, 3, 3)
        self.both("19", 3, 64, 3, 3)
        for layer in (7, 12, 17):
            self[f"{layer}.weight"] = (64, 64, 3, 3)
        for layer in (3, 4, 5, 8, 9, 10, 13, 14, 15, 18):
            for conv in (0, 2, 4):
                self.both(f"{layer}.conv.{conv}", 64, 64, 3, 3)


def shapes(config, part=None):
    out = Shapes()
    if part == "taesd":
        out.add_taesd()
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
        value = u * np.float32(1 / 16) if name.endswith("bias") else u * np.float32(1 / 8) + np.float32(1)
    else:
        value = u * np.float32(math.sqrt(3.0 / math.prod(shape[1:])))
    return value.astype(np.float16).reshape(shape)


def write(path, config, part=None):
    """As the reference's writer: wider types first, then by name."""
    all_shapes = shapes(config, part)
    width = lambda name: 8 if name.endswith("position_ids") else 2
    header, at = {"__metadata__": METADATA | config.metadata}, 0
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
    parser.add_argument("--family", choices=sorted(FULL | NARROW), default="sd1")
    parser.add_argument("--narrow", action="store_true")
    parser.add_argument("--channels", type=int, default=4)
    parser.add_argument("--part", choices=["unet", "vae", "text", "taesd"])
    parser.add_argument("out")
    args = parser.parse_args()
    config = (NARROW if args.narrow else FULL)[args.family]
    write(args.out, replace(config, channels=args.channels), args.part)
