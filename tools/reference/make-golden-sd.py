#!/usr/bin/env python3
"""make-golden-sd.py: what the networks and whole runs must give, by diffusers in fp32

    make-golden-sd.py [sample] [narrow] [formula] [v2] [xl] [ssd1b] [v2-full] [xl-full] [taesd]

Writes tests/golden/sd-sample (the bundled model) and, with weights of the formula, sd-narrow
and sd-formula (Stable Diffusion 1.5), sd-v2 and sd-v2-full (2.1 with v-prediction), sd-xl and
sd-xl-full, sd-ssd1b: each .safetensors with .json beside it that says what each tensor is; the
pairs of names (make-names.py) follow the bundled model too. All layouts are [n][c][h][w], all
values F32 unless said otherwise. xl-full takes 20 GB of memory.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import argparse
import hashlib
import json
import math
import pathlib
import runpy
import tempfile

import diffusers
import numpy as np
import torch
import transformers
from safetensors import safe_open
from safetensors.torch import save_file

import clip_tokenizer
import formula
import sd_networks

ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data/models/calotype-sample.safetensors"
SEED = 42
SCALES = {"sdxl": 0.13025, "ssd1b": 0.13025}  # of latents; others:
SCALE = 0.18215


def levels():
    """The 1000 training sigmas, in double precision."""
    betas = torch.linspace(0.00085**0.5, 0.0120**0.5, 1000, dtype=torch.float64) ** 2
    alphas = torch.cumprod(1 - betas, 0)
    return ((1 - alphas) / alphas).sqrt().numpy()


def karras(steps, sigmas, rho=7.0):
    low, high = sigmas[0] ** (1 / rho), sigmas[-1] ** (1 / rho)
    ramp = np.linspace(0, 1, steps)
    return np.append((high + ramp * (low - high)) ** rho, 0.0)


class Golden:
    def __init__(self, name, model):
        self.name, self.tensors, self.about = name, {}, {}
        self.head = {
            "program": "diffusers, transformers, PyTorch (CPU, fp32)",
            "version": [diffusers.__version__, transformers.__version__, torch.__version__],
            "seed": SEED,
            "command": f"tools/reference/make-golden-sd.py {name.removeprefix('sd-')}",
            "model": model,
        }
        self.generator = torch.Generator().manual_seed(SEED)

    def add(self, name, tensor, **about):
        assert tensor.dtype != torch.float32 or bool(tensor.isfinite().all()), name
        self.tensors[name], self.about[name] = tensor.contiguous().clone(), about
        print(f"  {name} {list(tensor.shape)} rms {tensor.float().pow(2).mean().sqrt():.4f}", flush=True)

    def noise(self, *shape):
        return torch.randn(shape, generator=self.generator)

    def save(self):
        base = ROOT / "tests/golden" / self.name
        save_file(self.tensors, f"{base}.safetensors")
        pathlib.Path(f"{base}.safetensors").chmod(0o644)
        text = json.dumps(self.head | {"tensors": self.about}, indent=1, ensure_ascii=False)
        pathlib.Path(f"{base}.json").write_text(text + "\n", encoding="utf-8")


def add_text(golden, state, prompts, encoders=1):
    tokenizer = clip_tokenizer.load()
    ids = torch.tensor([clip_tokenizer.ids77(tokenizer, p) for p in prompts], dtype=torch.int32)
    filled = ids.clone()  # OpenCLIP is filled up with 0 behind the end token
    for row in filled:
        row[row.tolist().index(49407) + 1 :] = 0
    by_encoder = [ids, filled][:encoders] if formula.OPEN + "ln_final.weight" not in state else [filled]
    golden.head["prompts"] = prompts
    golden.add("text.ids", torch.cat(by_encoder), what="I32 [encoder, prompt][77]: tokens of the prompts")
    context, pooled = sd_networks.context(state, [i.long() for i in by_encoder])
    golden.add("text.context", context, what="[prompt][77][width]: as the UNet takes it")
    if pooled is not None:
        golden.add("text.pooled", pooled, what="[prompt][width]: the second encoder's")
    return context, pooled


def with_label(unet, pooled, h, w):
    """the network of x, t, context, prompts; XL is told the size: as made, corner, as wanted"""
    if pooled is None:
        return lambda x, t, context, prompts: unet(x, t, context).sample
    ids = torch.tensor([8.0 * h, 8 * w, 0, 0, 8 * h, 8 * w])
    return lambda x, t, context, prompts: unet(
        x, t, context, added_cond_kwargs={"text_embeds": pooled[prompts], "time_ids": ids.repeat(len(x), 1)}).sample


def add_unet(golden, unet, context, cases, pooled=None):
    """cases: (latent height, latent width, timestep, prompts, and of some the size of the noise)"""
    for i, (h, w, t, prompts, *size) in enumerate(cases):
        x = golden.noise(len(prompts), 4, h, w) * (size[0] if size else 1)
        out = with_label(unet, pooled, h, w)(x, torch.tensor([t] * len(prompts), dtype=torch.float32), context[prompts], prompts)
        golden.add(f"unet.{i}.x", x, t=t, prompts=prompts)
        golden.add(f"unet.{i}.out", out, what=f"what the network predicts for unet.{i}.x at t with the context of its prompts")


def add_vae(golden, vae, cases, scale=SCALE):
    """cases: (name, latents, scaled as the UNet sees them)"""
    for name, latents in cases:
        golden.add(f"vae.{name}.latents", latents, what="scaled, as the UNet sees them")
        picture = vae.decode(latents / scale).sample
        golden.add(f"vae.{name}.decoded", picture, what="picture, about -1 … 1, not clamped")


def add_encoder(golden, vae, name, picture):
    """picture: [1][3][h][w] bytes"""
    golden.add(f"encode.{name}.picture", picture, what="U8: 0 … 255; the network sees x / 127.5 - 1")
    moments = vae.quant_conv(vae.encoder(picture.float() / 127.5 - 1))
    golden.add(f"encode.{name}.moments", moments, what="mean (4) and log variance (4) before clamping and scaling")


def to_bytes(picture):
    return ((picture + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


def drawn_picture(h, w):
    """Waves and a disc: smooth parts and edges, from a formula."""
    y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    wave = [torch.sin(x / (5.0 + i) + i) * torch.cos(y / (9.0 - i)) for i in range(3)]
    disc = ((x - w / 2) ** 2 + (y - h / 2) ** 2 < (min(h, w) / 3) ** 2).float()
    return to_bytes((torch.stack(wave) * 0.6 + disc * 0.4)[None])


def run(network, context, noise, sigmas, sampler, cfg, v=False):
    """k-diffusion's sample_euler and sample_dpmpp_2m; context: negative, positive"""
    train = np.log(levels())
    positions = np.arange(1000)

    def denoise(x, sigma):
        t = float(np.interp(math.log(sigma), train, positions))
        scaled = torch.cat([x, x]) / math.sqrt(sigma**2 + 1)
        negative, positive = network(scaled, torch.tensor([t, t], dtype=torch.float32), context, [0, 1]).chunk(2)
        out = negative + cfg * (positive - negative)
        return x / (sigma**2 + 1) - out * sigma / math.sqrt(sigma**2 + 1) if v else x - sigma * out

    x, previous = noise * sigmas[0], None
    for i in range(len(sigmas) - 1):
        now, then = sigmas[i], sigmas[i + 1]
        clean = denoise(x, now)
        if sampler == "euler":
            x = x + (x - clean) / now * (then - now)
        elif then == 0:
            x = clean
        else:
            h = math.log(now / then)
            mixed = clean
            if previous is not None:
                r = math.log(sigmas[i - 1] / now) / h
                mixed = (1 + 1 / (2 * r)) * clean - 1 / (2 * r) * previous
            x = then / now * x - math.expm1(-h) * mixed
        previous = clean
    return x


def add_runs(golden, unet, context, h, w, cfg, steps=20, pooled=None, v=False, samplers=("euler", "dpmpp_2m")):
    """Prompts 0 (negative) and 1."""
    noise = torch.randn((1, 4, h, w), generator=torch.Generator().manual_seed(SEED))
    golden.add("run.noise", noise, what=f"torch.randn on the CPU, seed {SEED}")
    out = None
    for sampler in samplers:
        out = run(with_label(unet, pooled, h, w), context[[0, 1]], noise, karras(steps, levels()), sampler, cfg, v)
        golden.add(f"run.{sampler}.latents", out, sampler=sampler, schedule="karras", steps=steps, cfg=cfg,
                   prompt=golden.head["prompts"][1], negative=golden.head["prompts"][0])
    return out


def make_sample():
    golden = Golden("sd-sample", "data/models/calotype-sample.safetensors")
    with safe_open(SAMPLE, "pt") as f:
        state, metadata = {k: f.get_tensor(k) for k in f.keys()}, f.metadata()
    width, height = (int(s) // 8 for s in metadata["modelspec.resolution"].split("x"))
    cfg = json.loads(metadata["calotype.defaults"])["cfg"]
    long = "The lighthouse's keeper isn't home: 3 umbrellas, 12 cats & déjà vu… " * 3
    context, _ = add_text(golden, state, ["", json.loads(metadata["calotype.prompts"])[4], long])
    unet, vae = sd_networks.unet(state), sd_networks.vae(state)
    square = (height, width)
    add_unet(golden, unet, context, [(*square, 1, [1]), (*square, 250, [1]), (*square, 999, [1]),
                                     (*square, 437.3, [2]), (12, 18, 500, [1]), (9, 13, 500, [1]),
                                     (*square, 250, [0, 1])])
    latents = add_runs(golden, unet, context, height, width, cfg)
    add_vae(golden, vae, [("run", latents), ("odd", golden.noise(1, 4, 9, 13) * 0.8)])
    add_encoder(golden, vae, "run", to_bytes(golden.tensors["vae.run.decoded"]))
    add_encoder(golden, vae, "odd", drawn_picture(72, 104))
    golden.save()


def file_hash(config):
    with tempfile.NamedTemporaryFile() as file:
        formula.write(file.name, config)
        return hashlib.file_digest(file, "sha256").hexdigest()


# name: family, narrow, cases of the UNet (height, width, t, prompts, size), guidance of 20 steps
FORMULAS = {
    "sd-narrow": ("sd1", True, [(8, 8, 10, [0]), (8, 8, 741.5, [0])], None),
    "sd-formula": ("sd1", False, [(8, 8, 10, [0]), (8, 8, 741.5, [0]), (9, 13, 400, [0]), (8, 16, 400, [0])], None),
    # the quiet one shows whether the norms have their epsilons
    "sd-v2": ("sd2", True, [(8, 8, 10, [1]), (12, 8, 741.5, [0, 1]), (8, 8, 400, [1], 1e-3)], 3.0),
    "sd-xl": ("sdxl", True, [(8, 8, 10, [1]), (12, 8, 741.5, [0, 1])], 3.0),
    "sd-ssd1b": ("ssd1b", True, [(8, 8, 10, [1]), (8, 12, 741.5, [0, 1])], None),
    "sd-v2-full": ("sd2", False, [(8, 8, 10, [1]), (8, 8, 741.5, [0, 1])], 3.0),
    "sd-xl-full": ("sdxl", False, [(8, 8, 10, [1]), (8, 8, 741.5, [0, 1])], 3.0),
}


def make_formula(name):
    family, narrow, cases, cfg = FORMULAS[name]
    config = (formula.NARROW if narrow else formula.FULL)[family]
    options = ("" if family == "sd1" else f" --family {family}") + (" --narrow" if narrow else "")
    golden = Golden(name, "tools/make-checkpoint" + options)
    golden.head["model_sha256"] = file_hash(config)

    def state(part):
        return {n: torch.from_numpy(formula.tensor(n, s)) for n, s in formula.shapes(config, part).items()}

    prompts = ["a photo of an astronaut riding a horse on mars"]
    context, pooled = add_text(golden, state("text"), prompts if family == "sd1" else [""] + prompts, len(config.text))
    unet = sd_networks.unet(state("unet"))
    add_unet(golden, unet, context, cases, pooled)
    if cfg is not None:
        add_runs(golden, unet, context, 8, 8, cfg, pooled=pooled, v=config.metadata == formula.V, samplers=["euler"])
    del unet
    vae = sd_networks.vae(state("vae"))
    add_vae(golden, vae, [("square", golden.noise(1, 4, 8, 8))], SCALES.get(family, SCALE))
    add_encoder(golden, vae, "square", drawn_picture(64, 64))
    golden.save()


def make_taesd():
    golden = Golden("sd-taesd", "tools/make-checkpoint --part taesd")
    shapes = formula.shapes(None, "taesd")
    # diffusers has no layer for the first clamp, and counts from the next
    state = {f"decoder.layers.{int(n.split('.')[0]) - 1}.{n.split('.', 1)[1]}": torch.from_numpy(formula.tensor(n, s))
             for n, s in shapes.items()}
    vae = diffusers.AutoencoderTiny().eval().requires_grad_(False)
    missing, unexpected = vae.load_state_dict(state, strict=False)
    assert not unexpected and all(n.startswith("encoder.") for n in missing)
    latents = golden.noise(1, 4, 6, 9)
    golden.add("taesd.latents", latents, what="scaled, as the UNet sees them")
    golden.add("taesd.decoded", vae.decode(latents).sample, what="picture, about -1 … 1, not clamped")
    golden.save()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["sample", "narrow", "formula"])
    torch.set_num_threads(2)
    for what in parser.parse_args().what:
        print(what)
        if what == "sample":
            make_sample()
            runpy.run_path(str(pathlib.Path(__file__).with_name("make-names.py")), run_name="__main__")
        elif what == "taesd":
            make_taesd()
        else:
            make_formula(f"sd-{what}")
