#!/usr/bin/env python3
"""layouts.py: names and shapes of real models, for the tests of recognition

    layouts.py OUT.txt

Makes tests/golden/layouts.txt. What diffusers and transformers have is built there without
memory (device "meta"), with the configurations of the published models; the layouts of single
files are put together here from their published structure. Each layout begins with
"= NAME EXPECTED-ID"; then follow lines of "DTYPE SIDES NAME", where {0-18} in a name stands for
each of these numbers, several at once for all their combinations. "< NAME" takes over the lines of an
earlier layout, but for those with "- " in front.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import re
import sys

import torch

layouts = []


def add(name, expected, tensors, dtype="BF16"):
    """tensors: {name: sides}"""
    layouts.append((name, expected, {k: tuple(v) for k, v in tensors.items()}, dtype))


def prefixed(prefix, tensors):
    return {prefix + k: v for k, v in tensors.items()}


def norm(out, name, n, bias=True):
    out[name + ".weight"] = (n,)
    if bias:
        out[name + ".bias"] = (n,)


def linear(out, name, n, m, bias=True):
    out[name + ".weight"] = (n, m)
    if bias:
        out[name + ".bias"] = (n,)


def conv(out, name, n, m, k=3):
    out[name + ".weight"] = (n, m, k, k)
    out[name + ".bias"] = (n,)


# ---- Stable Diffusion in one file ----

def ldm_res(out, name, n_in, n_out, emb):
    norm(out, name + ".in_layers.0", n_in)
    conv(out, name + ".in_layers.2", n_out, n_in)
    linear(out, name + ".emb_layers.1", n_out, emb)
    norm(out, name + ".out_layers.0", n_out)
    conv(out, name + ".out_layers.3", n_out, n_out)
    if n_in != n_out:
        conv(out, name + ".skip_connection", n_out, n_in, 1)


def ldm_transformer(out, name, n, context, depth, matrix):
    norm(out, name + ".norm", n)
    for end in ("proj_in", "proj_out"):
        linear(out, f"{name}.{end}", n, n) if matrix else conv(out, f"{name}.{end}", n, n, 1)
    for i in range(depth):
        block = f"{name}.transformer_blocks.{i}"
        for k, width in (("attn1", n), ("attn2", context)):
            linear(out, f"{block}.{k}.to_q", n, n, False)
            linear(out, f"{block}.{k}.to_k", n, width, False)
            linear(out, f"{block}.{k}.to_v", n, width, False)
            linear(out, f"{block}.{k}.to_out.0", n, n)
        linear(out, f"{block}.ff.net.0.proj", 8 * n, n)
        linear(out, f"{block}.ff.net.2", n, 4 * n)
        for k in ("norm1", "norm2", "norm3"):
            norm(out, f"{block}.{k}", n)


def ldm_unet(width=320, mult=(1, 2, 4, 4), depth=(1, 1, 1, 0), middle=1, context=768, channels=4, label=0, matrix=False):
    out, emb = {}, 4 * width
    linear(out, "time_embed.0", emb, width)
    linear(out, "time_embed.2", emb, emb)
    if label:
        linear(out, "label_emb.0.0", emb, label)
        linear(out, "label_emb.0.2", emb, emb)
    conv(out, "input_blocks.0.0", width, channels)
    skips, at, n = [width], 1, width
    for level, m in enumerate(mult):
        for _ in range(2):
            ldm_res(out, f"input_blocks.{at}.0", n, m * width, emb)
            n = m * width
            if depth[level]:
                ldm_transformer(out, f"input_blocks.{at}.1", n, context, depth[level], matrix)
            skips.append(n)
            at += 1
        if level + 1 < len(mult):
            conv(out, f"input_blocks.{at}.0.op", n, n)
            skips.append(n)
            at += 1
    ldm_res(out, "middle_block.0", n, n, emb)
    ldm_transformer(out, "middle_block.1", n, context, middle, matrix)
    ldm_res(out, "middle_block.2", n, n, emb)
    at = 0
    for level in reversed(range(len(mult))):
        for i in range(3):
            ldm_res(out, f"output_blocks.{at}.0", n + skips.pop(), mult[level] * width, emb)
            n, more = mult[level] * width, 1
            if depth[level]:
                ldm_transformer(out, f"output_blocks.{at}.1", n, context, depth[level], matrix)
                more = 2
            if i == 2 and level:
                conv(out, f"output_blocks.{at}.{more}.conv", n, n)
            at += 1
    norm(out, "out.0", width)
    conv(out, "out.2", 4, width)
    return prefixed("model.diffusion_model.", out)


def ldm_vae(latent=4, quant=True):
    out = {}
    for side, ends in (("encoder", (3, 2 * latent)), ("decoder", (latent, 3))):
        inner = 128 if side == "encoder" else 512
        conv(out, f"{side}.conv_in", inner, ends[0])
        conv(out, f"{side}.conv_out", ends[1], 512 if side == "encoder" else 128)
        norm(out, f"{side}.norm_out", 512 if side == "encoder" else 128)
        for block in ("mid.block_1", "mid.block_2"):
            for k in ("norm1", "norm2"):
                norm(out, f"{side}.{block}.{k}", 512)
            for k in ("conv1", "conv2"):
                conv(out, f"{side}.{block}.{k}", 512, 512)
        norm(out, f"{side}.mid.attn_1.norm", 512)
        for k in ("q", "k", "v", "proj_out"):
            conv(out, f"{side}.mid.attn_1.{k}", 512, 512, 1)
        widths = (128, 256, 512, 512)
        for level, n in enumerate(widths):
            way = "down" if side == "encoder" else "up"
            before = (widths[max(level - 1, 0)] if way == "down" else widths[min(level + 1, 3)])
            for i in range(2 if way == "down" else 3):
                block = f"{side}.{way}.{level}.block.{i}"
                n_in = before if i == 0 else n
                norm(out, f"{block}.norm1", n_in)
                conv(out, f"{block}.conv1", n, n_in)
                norm(out, f"{block}.norm2", n)
                conv(out, f"{block}.conv2", n, n)
                if n_in != n:
                    conv(out, f"{block}.nin_shortcut", n, n_in, 1)
            if (level < 3) if way == "down" else level:
                conv(out, f"{side}.{way}.{level}.{way}sample.conv", n, n)
    if quant:
        conv(out, "quant_conv", 2 * latent, 2 * latent, 1)
        conv(out, "post_quant_conv", latent, latent, 1)
    return out


def clip(width=768, layers=12, positions=True):
    out = {"embeddings.token_embedding.weight": (49408, width), "embeddings.position_embedding.weight": (77, width)}
    if positions:
        out["embeddings.position_ids"] = (1, 77)
    for i in range(layers):
        layer = f"encoder.layers.{i}"
        for k in "qkv":
            linear(out, f"{layer}.self_attn.{k}_proj", width, width)
        linear(out, f"{layer}.self_attn.out_proj", width, width)
        norm(out, f"{layer}.layer_norm1", width)
        norm(out, f"{layer}.layer_norm2", width)
        linear(out, f"{layer}.mlp.fc1", 4 * width, width)
        linear(out, f"{layer}.mlp.fc2", width, 4 * width)
    norm(out, "final_layer_norm", width)
    return prefixed("text_model.", out)


def open_clip(width=1024, layers=24):
    out = {"token_embedding.weight": (49408, width), "positional_embedding": (77, width), "text_projection": (width, width),
           "logit_scale": ()}
    for i in range(layers):
        block = f"transformer.resblocks.{i}"
        out[f"{block}.attn.in_proj_weight"], out[f"{block}.attn.in_proj_bias"] = (3 * width, width), (3 * width,)
        linear(out, f"{block}.attn.out_proj", width, width)
        norm(out, f"{block}.ln_1", width)
        norm(out, f"{block}.ln_2", width)
        linear(out, f"{block}.mlp.c_fc", 4 * width, width)
        linear(out, f"{block}.mlp.c_proj", width, 4 * width)
    norm(out, "ln_final", width)
    return out


def t5(prefix="", width=4096, layers=24, vocabulary=32128):
    out = {"shared.weight": (vocabulary, width), "encoder.final_layer_norm.weight": (width,)}
    for i in range(layers):
        block = f"encoder.block.{i}.layer"
        for k in "qkvo":
            out[f"{block}.0.SelfAttention.{k}.weight"] = (width, width)
        out[f"{block}.0.layer_norm.weight"] = out[f"{block}.1.layer_norm.weight"] = (width,)
        for k in ("wi_0", "wi_1"):
            out[f"{block}.1.DenseReluDense.{k}.weight"] = (10240, width)
        out[f"{block}.1.DenseReluDense.wo.weight"] = (width, 10240)
    out["encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"] = (32, 64)
    return prefixed(prefix, out)


SCHEDULE = {k: (1000,) for k in ("betas", "alphas_cumprod", "alphas_cumprod_prev", "sqrt_alphas_cumprod",
                                 "sqrt_one_minus_alphas_cumprod", "log_one_minus_alphas_cumprod", "sqrt_recip_alphas_cumprod",
                                 "sqrt_recipm1_alphas_cumprod", "posterior_variance", "posterior_log_variance_clipped",
                                 "posterior_mean_coef1", "posterior_mean_coef2")}
XL = dict(mult=(1, 2, 4), depth=(0, 2, 10), middle=10, context=2048, label=2816, matrix=True)
SD2 = dict(context=1024, matrix=True)
CLIP_L = prefixed("cond_stage_model.transformer.", clip())
VAE = prefixed("first_stage_model.", ldm_vae())
XL_TEXT = {**prefixed("conditioner.embedders.0.transformer.", clip()), **prefixed("conditioner.embedders.1.model.", open_clip(1280, 32))}


def stable_diffusion():
    add("sd1", "sd1", {**ldm_unet(), **CLIP_L, **VAE, **SCHEDULE}, "F16")
    add("sd1-inpainting", "sd1-inpainting", {**ldm_unet(channels=9), **CLIP_L, **VAE}, "F16")
    add("sd1-pix2pix", "sd1-instruction", {**ldm_unet(channels=8), **CLIP_L, **VAE}, "F16")
    h = prefixed("cond_stage_model.model.", open_clip())
    add("sd2", "sd2", {**ldm_unet(**SD2), **h, **VAE}, "F16")
    add("sd2-inpainting", "sd2-inpainting", {**ldm_unet(channels=9, **SD2), **h, **VAE}, "F16")
    add("sd2-depth", "sd2-depth", {**ldm_unet(channels=5, **SD2), **h, **VAE}, "F16")
    add("sd2-unclip", "sd2-variations", {**ldm_unet(label=2048, **SD2), **h, **VAE}, "F16")
    add("sdxl", "sdxl-base", {**ldm_unet(**XL), **XL_TEXT, **VAE}, "F16")
    add("sdxl-inpainting", "sdxl-inpainting", {**ldm_unet(channels=9, **XL), **XL_TEXT, **VAE}, "F16")
    add("sdxl-pix2pix", "sdxl-instruction", {**ldm_unet(channels=8, **XL), **XL_TEXT, **VAE}, "F16")
    refiner = dict(width=384, mult=(1, 2, 4, 4), depth=(0, 4, 4, 0), middle=4, context=1280, label=2560, matrix=True)
    add("sdxl-refiner", "sdxl-refiner", {**ldm_unet(**refiner), **prefixed("conditioner.embedders.0.model.", open_clip(1280, 32)), **VAE}, "F16")
    add("vae", "vae-4", ldm_vae(), "F32")
    add("vae-flux", "vae-16", ldm_vae(16, False))
    add("clip-l", "clip-l", clip(), "F16")
    add("open-clip-g", "open-clip-text", open_clip(1280, 32), "F16")
    add("t5-xxl", "t5-xxl", t5(), "F16")
    add("controlnet", "controlnet-ldm base=sd1", {"control_model." + k[len("model.diffusion_model."):]: v for k, v in ldm_unet().items()
                                         if "output_blocks" not in k and ".out." not in k}, "F16")


# ---- transformers in one file ----

def mmdit_block(out, name, n, last, norms, dual):
    for side in ("context_block", "x_block"):
        block = f"{name}.{side}"
        closing = last and side == "context_block"
        linear(out, f"{block}.adaLN_modulation.1", (2 if closing else 9 if dual and side == "x_block" else 6) * n, n)
        linear(out, f"{block}.attn.qkv", 3 * n, n)
        for k in ("ln_q", "ln_k") if norms else ():
            out[f"{block}.attn.{k}.weight"] = (64,)
        if dual and side == "x_block":
            linear(out, f"{block}.attn2.qkv", 3 * n, n)
            linear(out, f"{block}.attn2.proj", n, n)
        if not closing:
            linear(out, f"{block}.attn.proj", n, n)
            linear(out, f"{block}.mlp.fc1", 4 * n, n)
            linear(out, f"{block}.mlp.fc2", n, 4 * n)


def mmdit(depth, positions, norms=False, dual=0):
    out, n = {}, 64 * depth
    out["pos_embed"] = (1, positions, n)
    conv(out, "x_embedder.proj", n, 16, 2)
    linear(out, "context_embedder", n, 4096)
    for k, m in (("t_embedder", 256), ("y_embedder", 2048)):
        linear(out, f"{k}.mlp.0", n, m)
        linear(out, f"{k}.mlp.2", n, n)
    for i in range(depth):
        mmdit_block(out, f"joint_blocks.{i}", n, i == depth - 1, norms, i < dual)
    linear(out, "final_layer.adaLN_modulation.1", 2 * n, n)
    linear(out, "final_layer.linear", 64, n)
    return prefixed("model.diffusion_model.", out)


def flux(guidance=True, channels=64, n=3072, chroma=False):
    out = {}
    linear(out, "img_in", n, channels)
    linear(out, "txt_in", n, 4096)
    if chroma:
        linear(out, "distilled_guidance_layer.in_proj", 5120, 64)
        linear(out, "distilled_guidance_layer.out_proj", n, 5120)
        for i in range(5):
            linear(out, f"distilled_guidance_layer.layers.{i}.in_layer", 5120, 5120)
            linear(out, f"distilled_guidance_layer.layers.{i}.out_layer", 5120, 5120)
            out[f"distilled_guidance_layer.norms.{i}.scale"] = (5120,)
    else:
        for k, m in (("time_in", 256), ("vector_in", 768)) + ((("guidance_in", 256),) if guidance else ()):
            linear(out, f"{k}.in_layer", n, m)
            linear(out, f"{k}.out_layer", n, n)
    for i in range(19):
        for side in ("img", "txt"):
            block = f"double_blocks.{i}.{side}"
            if not chroma:
                linear(out, f"{block}_mod.lin", 6 * n, n)
            linear(out, f"{block}_attn.qkv", 3 * n, n)
            linear(out, f"{block}_attn.proj", n, n)
            out[f"{block}_attn.norm.query_norm.scale"] = out[f"{block}_attn.norm.key_norm.scale"] = (128,)
            linear(out, f"{block}_mlp.0", 4 * n, n)
            linear(out, f"{block}_mlp.2", n, 4 * n)
    for i in range(38):
        block = f"single_blocks.{i}"
        linear(out, f"{block}.linear1", 7 * n, n)
        linear(out, f"{block}.linear2", n, 5 * n)
        out[f"{block}.norm.query_norm.scale"] = out[f"{block}.norm.key_norm.scale"] = (128,)
        if not chroma:
            linear(out, f"{block}.modulation.lin", 3 * n, n)
    if not chroma:
        linear(out, "final_layer.adaLN_modulation.1", 2 * n, n)
    linear(out, "final_layer.linear", 64, n)
    return out


def wan(n, layers, channels):
    out = {"patch_embedding.weight": (n, channels, 1, 2, 2), "patch_embedding.bias": (n,), "head.modulation": (1, 2, n)}
    for k, sides in (("text_embedding.0", (n, 4096)), ("text_embedding.2", (n, n)), ("time_embedding.0", (n, 256)),
                     ("time_embedding.2", (n, n)), ("time_projection.1", (6 * n, n)), ("head.head", (64, n))):
        linear(out, k, *sides)
    for i in range(layers):
        block = f"blocks.{i}"
        out[f"{block}.modulation"] = (1, 6, n)
        for a in ("self_attn", "cross_attn"):
            for k in "qkvo":
                linear(out, f"{block}.{a}.{k}", n, n)
            out[f"{block}.{a}.norm_q.weight"] = out[f"{block}.{a}.norm_k.weight"] = (n,)
        norm(out, f"{block}.norm3", n)
        linear(out, f"{block}.ffn.0", 13824 if n == 5120 else 8960, n)
        linear(out, f"{block}.ffn.2", n, 13824 if n == 5120 else 8960)
    return out


def next_dit(n, layers, text, time, heads, groups, caption, gate):
    """Lumina 2 and Z-Image as published: qkv in one."""
    out = {}
    linear(out, "x_embedder", n, 64)
    linear(out, "t_embedder.mlp.0", 1024, 256)
    linear(out, "t_embedder.mlp.2", time, 1024)
    out["cap_embedder.0.weight"] = (text,)
    linear(out, "cap_embedder.1", n, text)
    for kind, count in (("layers", layers), ("noise_refiner", 2), ("context_refiner", 2)):
        for i in range(count):
            block = f"{kind}.{i}"
            out[f"{block}.attention.qkv.weight"] = (n + 2 * groups * (n // heads), n)
            out[f"{block}.attention.out.weight"] = (n, n)
            out[f"{block}.attention.q_norm.weight"] = out[f"{block}.attention.k_norm.weight"] = (n // heads,)
            for k in ("w1", "w3"):
                out[f"{block}.feed_forward.{k}.weight"] = (n * 8 // 3, n)
            out[f"{block}.feed_forward.w2.weight"] = (n, n * 8 // 3)
            for k in ("attention_norm1", "attention_norm2", "ffn_norm1", "ffn_norm2"):
                out[f"{block}.{k}.weight"] = (n,)
            if kind != "context_refiner":
                linear(out, f"{block}.adaLN_modulation.{gate}", 4 * n, time)
    linear(out, "final_layer.linear", 64, n)
    linear(out, "final_layer.adaLN_modulation.1", n, time)
    out.update({k: (1, n) for k in caption})
    return out


def transformers_in_one_file():
    text = {**prefixed("text_encoders.clip_l.transformer.", clip(positions=False)),
            **prefixed("text_encoders.clip_g.transformer.", clip(1280, 32, False))}
    add("sd3-medium", "sd3", {**mmdit(24, 36864), **text, **prefixed("first_stage_model.", ldm_vae(16, False))}, "F16")
    add("sd35-large", "sd35-large", mmdit(38, 36864, True))
    add("sd35-medium", "sd35-medium", mmdit(24, 147456, True, 13))
    add("flux-dev", "flux-dev", flux())
    add("flux-schnell", "flux-schnell", flux(False))
    add("flux-fill", "flux-fill", flux(channels=384))
    add("flux-depth", "flux-control", flux(channels=128))
    add("flux-in-one", "flux-dev", {**prefixed("model.diffusion_model.", flux()), **prefixed("text_encoders.clip_l.transformer.", clip(positions=False)),
                                    **t5("text_encoders.t5xxl.transformer."), **prefixed("vae.", ldm_vae(16, False))})
    add("chroma", "chroma", flux(chroma=True))
    add("wan-1.3b", "wan-1.3b", wan(1536, 30, 16))
    add("wan-14b", "wan-14b", wan(5120, 40, 16))
    add("wan-i2v", "wan-image", wan(5120, 40, 36))
    add("lumina2", "lumina2", next_dit(2304, 26, 2304, 1024, 24, 8, (), 1))
    add("z-image", "z-image", prefixed("model.diffusion_model.", next_dit(3840, 30, 2560, 256, 30, 30, ("x_pad_token", "cap_pad_token"), 0)))


# ---- networks and small things ----

def lora_kohya(context, te2=False, rank=16, kind="lora"):
    out = {}
    ends = {"lora": (("lora_down.weight", (rank, None)), ("lora_up.weight", (None, rank)), ("alpha", ())),
            "loha": (("hada_w1_a", (None, rank)), ("hada_w1_b", (rank, None)), ("hada_w2_a", (None, rank)), ("hada_w2_b", (rank, None)), ("alpha", ())),
            "lokr": (("lokr_w1", (8, 8)), ("lokr_w2_a", (40, rank)), ("lokr_w2_b", (rank, 40)), ("alpha", ())),
            "dora": (("lora_down.weight", (rank, None)), ("lora_up.weight", (None, rank)), ("alpha", ()), ("dora_scale", (1, None)))}[kind]
    modules = [(f"lora_unet_down_blocks_{b}_attentions_{a}_transformer_blocks_0_{k}", 320, w) for b in (1, 2) for a in (0, 1)
               for k, w in (("attn1_to_q", 320), ("attn2_to_k", context), ("attn2_to_v", context), ("ff_net_0_proj", 320))]
    modules += [(f"lora_te{'1' if te2 else ''}_text_model_encoder_layers_{i}_mlp_fc1", 3072, 768) for i in range(12)]
    if te2:
        modules += [(f"lora_te2_text_model_encoder_layers_{i}_mlp_fc1", 5120, 1280) for i in range(32)]
    for name, n, m in modules:
        for end, sides in ends:
            out[f"{name}.{end}"] = tuple((m if i else n) if s is None else s for i, s in enumerate(sides))
    return out


def small_things():
    for kind, expected in (("lora", "lora-kohya"), ("loha", "loha"), ("lokr", "lokr"), ("dora", "dora")):
        add(f"{kind}-sd1", f"{expected} base=sd1", lora_kohya(768, kind=kind), "F16") if kind in ("lora", "dora") else \
            add(f"{kind}-xl", f"{expected} base=sdxl", lora_kohya(2048, True, kind=kind), "F16")
    add("lora-sd2", "lora-kohya base=sd2", lora_kohya(1024), "F16")
    add("lora-flux-kohya", "lora-kohya base=flux", {f"lora_unet_{k}_{i}_{m}.{e}": s for k, n in (("double_blocks", 19), ("single_blocks", 38))
        for i in range(n) for m in (("img_attn_qkv", "txt_attn_qkv") if k[0] == "d" else ("linear1",))
        for e, s in (("lora_down.weight", (16, 3072)), ("lora_up.weight", (9216, 16)), ("alpha", ()))})
    add("lora-flux-peft", "lora-peft base=flux", {f"transformer.{k}.{i}.attn.to_q.lora_{e}.weight": s
        for k, n in (("transformer_blocks", 19), ("single_transformer_blocks", 38)) for i in range(n)
        for e, s in (("A", (16, 3072)), ("B", (3072, 16)))})
    add("lora-qwen-image", "lora-peft base=qwen-image", {f"transformer.transformer_blocks.{i}.{m}.lora_{e}.weight": s
        for i in range(60) for m in ("attn.to_q", "img_mlp.net.2") for e, s in (("A", (16, 3072)), ("B", (3072, 16)))})
    add("lora-wan", "lora-peft base=wan", {f"diffusion_model.blocks.{i}.{m}.lora_{e}.weight": s
        for i in range(30) for m in ("self_attn.q", "cross_attn.k") for e, s in (("A", (32, 1536)), ("B", (1536, 32)))})
    add("lora-diffusers", "lora-diffusers base=sd1", {f"unet.down_blocks.{b}.attentions.0.transformer_blocks.0.attn2.processor.to_{k}_lora.{e}.weight": s
        for b in range(3) for k in "kv" for e, s in (("down", (4, 768)), ("up", (320, 4)))}, "F32")
    add("lora-llama", "lora-peft base=language", {f"base_model.model.model.layers.{i}.self_attn.{k}_proj.lora_{e}.weight": s
        for i in range(32) for k in "qv" for e, s in (("A", (8, 4096)), ("B", (4096, 8)))})
    add("embedding-sd1", "embedding base=sd1", {"emb_params": (8, 768)}, "F32")
    add("embedding-xl", "embedding-xl base=sdxl", {"clip_l": (8, 768), "clip_g": (8, 1280)}, "F32")
    add("embedding-diffusers", "embedding-token base=sd1", {"<cat-toy>": (768,)}, "F32")
    add("ip-adapter", "ip-adapter base=sd1", {"image_proj.proj.weight": (3072, 1024), "image_proj.proj.bias": (3072,), "image_proj.norm.weight": (768,),
        **{f"ip_adapter.{i}.to_{k}_ip.weight": (320, 768) for i in range(1, 32, 2) for k in "kv"}}, "F16")
    add("t2i-adapter", "t2i-adapter base=sd1", {"conv_in.weight": (320, 192, 3, 3), "conv_in.bias": (320,),
        **{f"body.{i}.{k}.weight": (320, 320, n, n) for i in range(8) for k, n in (("block1", 3), ("block2", 1))}}, "F32")
    esrgan = {}
    conv(esrgan, "conv_first", 64, 3)
    for i in range(23):
        for r in (1, 2, 3):
            for c in range(1, 6):
                conv(esrgan, f"body.{i}.rdb{r}.conv{c}", 32 if c < 5 else 64, 64 + 32 * (c - 1))
    for k in ("conv_body", "conv_up1", "conv_up2", "conv_hr"):
        conv(esrgan, k, 64, 64)
    conv(esrgan, "conv_last", 3, 64)
    add("real-esrgan", "esrgan", esrgan, "F32")
    old = {}
    conv(old, "model.0", 64, 3)
    for i in range(23):
        for r in (1, 2, 3):
            for c in range(1, 6):
                conv(old, f"model.1.sub.{i}.RDB{r}.conv{c}.0", 32 if c < 5 else 64, 64 + 32 * (c - 1))
    add("esrgan-old", "esrgan-old", old, "F32")
    compact = {}
    conv(compact, "body.0", 64, 3)
    for i in range(1, 34, 2):
        compact[f"body.{i}.weight"] = (64,)
        conv(compact, f"body.{i + 1}", 64, 64)
    add("compact", "compact", compact, "F32")
    add("mixtral", "mixtral", {"model.embed_tokens.weight": (32000, 4096), "model.norm.weight": (4096,), "lm_head.weight": (32000, 4096),
        **{f"model.layers.{i}.block_sparse_moe.gate.weight": (8, 4096) for i in range(32)},
        **{f"model.layers.{i}.block_sparse_moe.experts.{e}.w{w}.weight": (14336, 4096) for i in range(32) for e in range(8) for w in (1, 2, 3)},
        **{f"model.layers.{i}.self_attn.{k}_proj.weight": (4096, 4096) for i in range(32) for k in "qkvo"}})
    add("vit-timm", "vit-timm", {"cls_token": (1, 1, 768), "pos_embed": (1, 197, 768), "patch_embed.proj.weight": (768, 3, 16, 16),
        **{f"blocks.{i}.{k}.weight": s for i in range(12) for k, s in (("attn.qkv", (2304, 768)), ("attn.proj", (768, 768)), ("mlp.fc1", (3072, 768)),
                                                                      ("mlp.fc2", (768, 3072)), ("norm1", (768,)), ("norm2", (768,)))}}, "F32")


# ---- what the libraries build ----

def of_diffusers():
    import diffusers as d

    def meta(name, expected, cls, prefix="", **config):
        with torch.device("meta"):
            model = getattr(d, cls)(**config)
        add(name, expected, prefixed(prefix, {k: tuple(v.shape) for k, v in model.state_dict().items()}), "F16")

    unet = dict(cross_attention_dim=768)
    meta("sd1-diffusers", "sd1-diffusers", "UNet2DConditionModel", **unet)
    meta("sd1-inpainting-diffusers", "sd1-inpainting-diffusers", "UNet2DConditionModel", in_channels=9, **unet)
    sd2 = dict(cross_attention_dim=1024, attention_head_dim=[5, 10, 20, 20], use_linear_projection=True)
    meta("sd2-diffusers", "sd2-diffusers", "UNet2DConditionModel", **sd2)
    xl = dict(block_out_channels=(320, 640, 1280), down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
              up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), transformer_layers_per_block=[1, 2, 10],
              attention_head_dim=[5, 10, 20], cross_attention_dim=2048, use_linear_projection=True, addition_embed_type="text_time",
              addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816)
    meta("sdxl-diffusers", "sdxl-base-diffusers", "UNet2DConditionModel", **xl)
    meta("sdxl-diffusers-inpainting", "sdxl-inpainting-diffusers", "UNet2DConditionModel", **{**xl, "in_channels": 9})
    meta("flux-diffusers", "flux-dev-diffusers", "FluxTransformer2DModel", guidance_embeds=True)
    meta("flux-schnell-diffusers", "flux-schnell-diffusers", "FluxTransformer2DModel")
    meta("sd3-diffusers", "sd3-diffusers", "SD3Transformer2DModel", num_layers=24, num_attention_heads=24, caption_projection_dim=1536, pos_embed_max_size=192, sample_size=128)
    meta("sd35-large-diffusers", "sd35-large-diffusers", "SD3Transformer2DModel", num_layers=38, num_attention_heads=38, caption_projection_dim=2432, qk_norm="rms_norm")
    meta("auraflow-diffusers", "auraflow", "AuraFlowTransformer2DModel")
    meta("lumina2-diffusers", "lumina2", "Lumina2Transformer2DModel", cap_feat_dim=2304)
    meta("z-image-diffusers", "z-image", "ZImageTransformer2DModel")
    meta("pixart", "pixart", "PixArtTransformer2DModel")
    meta("sana", "sana", "SanaTransformer2DModel")
    meta("wan-diffusers", "wan-14b", "WanTransformer3DModel")
    meta("ltx", "ltx", "LTXVideoTransformer3DModel")
    meta("hunyuan-video", "hunyuan-video", "HunyuanVideoTransformer3DModel")
    meta("qwen-image", "qwen-image", "QwenImageTransformer2DModel")
    meta("chroma-diffusers", "chroma", "ChromaTransformer2DModel")
    meta("flux2", "flux2", "Flux2Transformer2DModel")
    meta("cascade-c", "cascade-c", "StableCascadeUNet", conditioning_dim=2048, in_channels=16, out_channels=16, patch_size=1,
         block_out_channels=(2048, 2048), num_attention_heads=(32, 32), down_num_layers_per_block=(8, 24), up_num_layers_per_block=(24, 8),
         down_blocks_repeat_mappers=(1, 1), up_blocks_repeat_mappers=(1, 1), block_types_per_layer=(("SDCascadeResBlock", "SDCascadeTimestepBlock", "SDCascadeAttnBlock"),) * 2,
         clip_text_in_channels=1280, clip_text_pooled_in_channels=1280, clip_image_in_channels=768, clip_seq=4, timestep_conditioning_type=("sca", "crp"),
         switch_level=(False,))
    meta("cogvideox", "cogvideox", "CogVideoXTransformer3DModel")
    meta("controlnet-diffusers", "controlnet-diffusers base=sd1", "ControlNetModel", cross_attention_dim=768)
    meta("t2i-adapter-diffusers", "t2i-adapter base=sd1", "T2IAdapter", in_channels=3, channels=(320, 640, 1280, 1280), num_res_blocks=2,
         downscale_factor=8, adapter_type="full_adapter")
    meta("vae-diffusers", "vae-4", "AutoencoderKL", block_out_channels=(128, 256, 512, 512), layers_per_block=2,
         down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4)
    meta("taesd", "taesd", "AutoencoderTiny")
    meta("vae-wan", "vae-wan", "AutoencoderKLWan")
    meta("vae-ltx", "vae-ltx", "AutoencoderKLLTXVideo")
    meta("vae-hunyuan-video", "vae-hunyuan-video", "AutoencoderKLHunyuanVideo")


def of_transformers():
    import transformers as t

    def meta(name, expected, model_type, cls="AutoModelForCausalLM", **config):
        with torch.device("meta"):
            model = getattr(t, cls).from_config(t.CONFIG_MAPPING[model_type](**config))
        tied = {"lm_head.weight"} if expected.startswith("gemma") else set()
        add(name, expected, {k: tuple(v.shape) for k, v in model.state_dict().items() if k not in tied})

    meta("llama3", "llama3", "llama", vocab_size=128256, num_key_value_heads=8)
    meta("llama2", "llama", "llama")
    meta("mistral", "mistral", "mistral", vocab_size=32768, num_key_value_heads=8)
    meta("qwen2", "qwen2", "qwen2")
    meta("qwen3", "qwen3", "qwen3")
    meta("gemma", "gemma", "gemma")
    meta("gemma2", "gemma2", "gemma2")
    meta("gemma3", "gemma3", "gemma3_text")
    meta("phi", "phi", "phi")
    meta("phi3", "phi3", "phi3")
    meta("gpt2", "gpt2", "gpt2")
    meta("gpt-oss", "gpt-oss", "gpt_oss")
    meta("deepseek-v3", "deepseek-v3", "deepseek_v3")
    meta("falcon", "falcon", "falcon")
    meta("gpt-neox", "gpt-neox", "gpt_neox")
    meta("opt", "opt", "opt")
    meta("mpt", "mpt", "mpt")
    meta("mamba", "mamba", "mamba")
    meta("bert", "bert", "bert", "AutoModelForMaskedLM")
    meta("roberta", "roberta", "roberta", "AutoModelForMaskedLM")
    meta("distilbert", "distilbert", "distilbert", "AutoModelForMaskedLM")
    meta("modernbert", "modernbert", "modernbert", "AutoModelForMaskedLM")
    meta("t5", "t5", "t5", "AutoModelForSeq2SeqLM")
    meta("whisper", "whisper", "whisper", "AutoModelForSpeechSeq2Seq")
    meta("vit", "vit", "vit", "AutoModelForImageClassification")
    meta("dinov2", "dinov2", "dinov2", "AutoModelForImageClassification")
    meta("clip", "clip", "clip", "AutoModel")
    meta("siglip", "siglip", "siglip", "AutoModel")
    meta("wav2vec2", "wav2vec2", "wav2vec2", "AutoModel")
    meta("qwen2.5-vl", "qwen-vl", "qwen2_5_vl", "AutoModelForImageTextToText")


# ---- short ----

def fold(names):
    """Names that differ in one number only, over and over: [(name with {…}, sides)]"""
    items = {}
    for name, sides in names.items():
        items[name] = sides
    place = 0
    while True:
        groups, moved = {}, False
        for name, sides in items.items():
            numbers = list(re.finditer(r"\{[^}]*\}|(?<![A-Za-z0-9{,-])\d+(?![A-Za-z0-9}])", name))
            if place < len(numbers) and not numbers[place].group().startswith("{"):
                at = numbers[place]
                key = (name[:at.start()], name[at.end():], sides)
                groups.setdefault(key, []).append(int(at.group()))
                moved = True
            else:
                groups.setdefault((name, None, sides), []).append(0)
        folded = {}
        for (front, back, sides), numbers in groups.items():
            if back is None:
                folded[front] = sides
                continue
            numbers.sort()
            runs, start = [], 0
            for i in range(1, len(numbers) + 1):
                if i == len(numbers) or numbers[i] != numbers[i - 1] + 1:
                    runs.append(f"{numbers[start]}-{numbers[i - 1]}" if i - 1 > start else str(numbers[start]))
                    start = i
            text = str(numbers[0]) if len(numbers) == 1 else "{" + ",".join(runs) + "}"
            folded[front + text + back] = sides
        items = folded
        place += 1
        if not moved:
            return items


def main():
    stable_diffusion()
    transformers_in_one_file()
    small_things()
    of_diffusers()
    of_transformers()
    done = {}
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        for name, expected, tensors, dtype in layouts:
            lines = {f"{dtype} {','.join(map(str, sides)) or '-'} {pattern}" for pattern, sides in fold(tensors).items()}
            out.write(f"= {name} {expected}\n# {len(tensors)} tensors\n")
            like = max(done, key=lambda other: len(done[other] & lines), default=None)
            if like is not None and len(done[like] & lines) > len(lines) // 2 and len(done[like] - lines) < len(lines) // 4:
                out.write(f"< {like}\n")
                out.writelines(f"- {line}\n" for line in sorted(done[like] - lines))
                out.writelines(f"{line}\n" for line in sorted(lines - done[like]))
            else:
                out.writelines(f"{line}\n" for line in sorted(lines))
            done[name] = lines


main()
