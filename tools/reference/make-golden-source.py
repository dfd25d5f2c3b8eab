#!/usr/bin/env python3
"""make-golden-source.py: what runs that begin from a picture must give, by diffusers in fp32

    make-golden-source.py [sample] [inpaint] [instruct] [instruct-xl]

Writes tests/golden/sd-source-NAME.safetensors with .json beside it: pictures (U8 [1][3][h][w]),
masks (U8 [1][1][h][w]) and the latents that come of them, from noise of torch on the CPU. Latents
are those of diffusers' own pipelines with EulerDiscreteScheduler and Karras' levels, but for
in-painting with a plain model, where k-diffusion's way is written out below: A1111 replaces the
predicted clean latents outside the mask after each call of the network, and once more in the end.
diffusers makes ⌊n·strength⌋ steps where A1111 makes ⌊n·strength⌋ + 1: it is given the strength
that makes as many. Encodings are the mean, not a sample.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import argparse
import importlib.util
import math
import pathlib
import sys
from dataclasses import replace

import diffusers
import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from safetensors import safe_open

import clip_tokenizer
import formula
import sd_networks

HERE = pathlib.Path(__file__).resolve().parent
spec = importlib.util.spec_from_file_location("golden_sd", HERE / "make-golden-sd.py")
base = importlib.util.module_from_spec(spec)
spec.loader.exec_module(base)

SEED, STEPS, CFG, IMAGE_CFG = base.SEED, 10, 4.0, 1.6
PROMPTS = ["blurry, grey", "a lighthouse by the sea, a red boat"]
DiagonalGaussianDistribution.sample = lambda self, generator=None: self.mean


class Golden(base.Golden):
    def __init__(self, name, model):
        super().__init__(name, model)
        self.head["command"] = f"tools/reference/make-golden-source.py {name.removeprefix('sd-source-')}"
        self.head |= {"steps": STEPS, "cfg": CFG, "prompt": PROMPTS[1], "negative": PROMPTS[0],
                      "sampler": "euler", "schedule": "karras"}


class Model:
    def __init__(self, state, encoders=1, scale=base.SCALE):
        self.unet, self.vae = sd_networks.unet(state), sd_networks.vae(state)
        self.vae.register_to_config(scaling_factor=scale)
        tokenizer = clip_tokenizer.load()
        ids = torch.tensor([clip_tokenizer.ids77(tokenizer, p) for p in PROMPTS])
        filled = ids.clone()
        for row in filled:
            row[row.tolist().index(49407) + 1 :] = 0
        self.context, self.pooled = sd_networks.context(state, [ids, filled][:encoders])

    def parts(self, kind, **more):
        scheduler = diffusers.EulerDiscreteScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", use_karras_sigmas=True,
            timestep_spacing="linspace", interpolation_type="linear")
        pipeline = kind(vae=self.vae, text_encoder=None, tokenizer=None, unet=self.unet, scheduler=scheduler, **more)
        pipeline.set_progress_bar_config(disable=True)
        return pipeline

    def arguments(self):
        return dict(prompt_embeds=self.context[1:2], negative_prompt_embeds=self.context[0:1],
                    num_inference_steps=STEPS, guidance_scale=CFG, output_type="latent",
                    generator=torch.Generator().manual_seed(SEED))

    def encode(self, picture):
        return self.vae.encode(to_floats(picture)).latent_dist.mean * self.vae.config.scaling_factor


UNSAFE = dict(safety_checker=None, feature_extractor=None, requires_safety_checker=False)


def to_floats(picture):
    return picture.float() / 127.5 - 1


def our_steps(strength):
    return math.floor(STEPS * min(strength, 0.999)) + 1


def image_to_image(model, picture, strength):
    theirs = (our_steps(strength) + 0.5) / STEPS
    return model.parts(diffusers.StableDiffusionImg2ImgPipeline, **UNSAFE)(
        image=model.encode(picture), strength=min(theirs, 1.0), **model.arguments()).images


def noise(h, w):
    return torch.randn((1, 4, h, w), generator=torch.Generator().manual_seed(SEED))


def cells(mask, soft):
    """1 where it is made anew"""
    mean = torch.nn.functional.avg_pool2d(mask.float() / 255, 8)
    return mean if soft else mean.round()


def masked_by_k_diffusion(model, picture, mask, strength, content="original", soft=False):
    init, share = model.encode(picture), cells(mask, soft)
    drawn = noise(*init.shape[2:])
    if content == "noise":
        init = init * (1 - share) + drawn * share
    elif content == "nothing":
        init = init * (1 - share)
    sigmas = base.karras(STEPS, base.levels())[-our_steps(strength) - 1 :]
    network = lambda x, t, context, prompts: model.unet(x, t, context).sample
    train, positions = base.np.log(base.levels()), base.np.arange(1000)
    x = init + drawn * float(sigmas[0])
    for now, then in zip(sigmas[:-1], sigmas[1:]):
        now, then = float(now), float(then)
        t = float(base.np.interp(math.log(now), train, positions))
        scaled = torch.cat([x, x]) / math.sqrt(now**2 + 1)
        negative, positive = network(scaled, torch.tensor([t, t]), model.context, [0, 1]).chunk(2)
        clean = x - now * (negative + CFG * (positive - negative))
        clean = clean * share + init * (1 - share)
        x = x + (x - clean) / now * (then - now)
    return x * share + init * (1 - share)


def rectangle(h, w, y0, x0, y1, x1, value=255):
    mask = torch.zeros((1, 1, h, w), dtype=torch.uint8)
    mask[..., y0:y1, x0:x1] = value
    return mask


def slope(h, w):
    """greys from left to right"""
    return (torch.arange(w) * 255 // (w - 1)).to(torch.uint8).expand(1, 1, h, w).contiguous()


def add(golden, name, picture, latents, mask=None, **how):
    golden.add(f"{name}.picture", picture, what="U8")
    if mask is not None:
        golden.add(f"{name}.mask", mask, what="U8: 255 is made anew")
    golden.add(f"{name}.latents", latents, **how)


def make_sample():
    with safe_open(base.SAMPLE, "pt") as f:
        model = Model({k: f.get_tensor(k) for k in f.keys()})
    golden = Golden("sd-source-sample", "data/models/calotype-sample.safetensors")
    square, odd = base.drawn_picture(64, 64), base.drawn_picture(72, 104)
    for name, picture, strength in (("half", square, 0.5), ("most", square, 0.85), ("odd", odd, 0.6)):
        add(golden, f"image.{name}", picture, image_to_image(model, picture, strength), strength=strength)
    ragged = rectangle(64, 64, 13, 10, 49, 43)
    wide = rectangle(72, 104, 8, 20, 70, 77)
    for name, picture, mask, strength, content, soft in (
            ("plain", square, ragged, 0.75, "original", False), ("odd", odd, wide, 1.0, "original", False),
            ("noise", square, ragged, 1.0, "noise", False), ("nothing", square, ragged, 0.9, "nothing", False),
            ("soft", odd, slope(72, 104), 0.8, "original", True)):
        latents = masked_by_k_diffusion(model, picture, mask, strength, content, soft)
        add(golden, f"mask.{name}", picture, latents, mask, strength=strength, content=content, soft=soft)
    golden.save()


def formula_model(family, channels):
    config = replace(formula.NARROW[family], channels=channels)
    state = {n: torch.from_numpy(formula.tensor(n, s)) for n, s in formula.shapes(config).items()}
    scale = base.SCALES.get(family, base.SCALE)
    return Model(state, len(config.text), scale), config


def make_inpaint():
    model, config = formula_model("sd1", 9)
    golden = Golden("sd-source-inpaint", "tools/make-checkpoint --narrow --channels 9")
    golden.head["model_sha256"] = base.file_hash(config)
    pipeline = model.parts(diffusers.StableDiffusionInpaintPipeline, **UNSAFE)
    for name, (h, w), strength, box in (("most", (64, 64), 0.75, (16, 8, 48, 40)), ("odd", (72, 104), 0.6, (8, 24, 64, 80))):
        picture, mask = base.drawn_picture(h, w), rectangle(h, w, *box)
        theirs = (our_steps(strength) + 0.5) / STEPS
        latents = pipeline(image=to_floats(picture), mask_image=mask.float() / 255, height=h, width=w,
                           strength=theirs, **model.arguments()).images
        add(golden, f"mask.{name}", picture, latents, mask, strength=strength)
    golden.save()


def make_instruct(name, family):
    model, config = formula_model(family, 8)
    xl = family == "sdxl"
    options = " --family sdxl" if xl else ""
    golden = Golden(f"sd-source-{name}", f"tools/make-checkpoint{options} --narrow --channels 8")
    golden.head["model_sha256"] = base.file_hash(config)
    if xl:
        pipeline = model.parts(diffusers.StableDiffusionXLInstructPix2PixPipeline, text_encoder_2=None, tokenizer_2=None)
        # what it would ask the second encoder for
        pipeline._get_add_time_ids = lambda original, corner, target, dtype, **_: torch.tensor(
            [list(original) + list(corner) + list(target)], dtype=dtype)
    else:
        pipeline = model.parts(diffusers.StableDiffusionInstructPix2PixPipeline, **UNSAFE)
    for case, (h, w) in (("square", (64, 64)), ("odd", (72, 104))):
        picture, more = base.drawn_picture(h, w), {}
        if xl:
            more = dict(pooled_prompt_embeds=model.pooled[1:2], negative_pooled_prompt_embeds=model.pooled[0:1],
                        height=h, width=w)
        latents = pipeline(image=to_floats(picture), image_guidance_scale=IMAGE_CFG, **more, **model.arguments()).images
        add(golden, f"instruct.{case}", picture, latents, image_cfg=IMAGE_CFG)
    golden.save()


MAKERS = {"sample": make_sample, "inpaint": make_inpaint,
          "instruct": lambda: make_instruct("instruct", "sd1"), "instruct-xl": lambda: make_instruct("instruct-xl", "sdxl")}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=list(MAKERS))
    torch.set_num_threads(2)
    torch.set_grad_enabled(False)
    for what in parser.parse_args().what:
        print(what)
        MAKERS[what]()
