#!/usr/bin/env python3
"""make-names.py: tests/golden/sd-names.json, each weight's name in a single file and in a diffusers folder

Pairs as diffusers' own converter maps them, found by the memory that both names share. For
the formula's narrow model (the structure of Stable Diffusion 1.5) the text encoder is named
as older folders do, for the bundled model as transformers 5 does. Of the narrow 2.1 and
SSD-1B (the structure of XL, with less) the UNet alone.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import json
import pathlib

import diffusers
import torch
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint
from safetensors.torch import load_file

import formula
import sd_networks

ROOT = pathlib.Path(__file__).resolve().parents[2]


def unet_pairs(family):
    config = formula.NARROW[family]
    state = {n: torch.from_numpy(formula.tensor(n, s)) for n, s in formula.shapes(config, "unet").items()}
    places = {tensor.data_ptr(): name for name, tensor in state.items()}
    converted = convert_ldm_unet_checkpoint(dict(state), sd_networks.unet_config(state))
    assert len(converted) == len(places) == len(state)
    return sorted((places[tensor.data_ptr()], f"unet/{name}") for name, tensor in converted.items())


def pairs(state, inner):
    places = {tensor.data_ptr(): name for name, tensor in state.items()}
    assert len(places) == len(state)
    out = {}
    for part, converted in (
        ("unet", convert_ldm_unet_checkpoint(dict(state), sd_networks.unet_config(state))),
        ("vae", convert_ldm_vae_checkpoint(dict(state), sd_networks.vae_config(state))),
    ):
        for name, tensor in converted.items():
            out[places[tensor.data_ptr()]] = f"{part}/{name}"
    for name in state:
        if name.startswith(formula.TEXT) and "position_ids" not in name:
            out[name] = f"text_encoder/{inner}{name[len(formula.TEXT):]}"
    assert len(out) == sum("position_ids" not in n for n in state)
    return sorted(out.items())


if __name__ == "__main__":
    narrow = {n: torch.from_numpy(formula.tensor(n, s)) for n, s in formula.shapes(formula.NARROW["sd1"]).items()}
    sample = load_file(ROOT / "data/models/calotype-sample.safetensors")
    own = any(k.startswith("text_model.") for k in sd_networks.text(sample).state_dict())
    head = {
        "program": "diffusers' converter of single files",
        "version": diffusers.__version__,
        "command": "tools/reference/make-names.py",
    }
    parts = {"narrow": pairs(narrow, "text_model."), "sample": pairs(sample, "text_model." if own else ""),
             "v2": unet_pairs("sd2"), "ssd1b": unet_pairs("ssd1b")}
    text = ",\n".join(
        f'"{which}": [\n' + ",\n".join(json.dumps(p, separators=(",", ":")) for p in rows) + "]"
        for which, rows in parts.items()
    )
    out = f"{json.dumps(head)[:-1]},\n{text}}}\n"
    (ROOT / "tests/golden/sd-names.json").write_text(out, encoding="ascii")
    print({k: len(v) for k, v in parts.items()}, "transformers names text_model:", own)
