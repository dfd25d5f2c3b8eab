#!/usr/bin/env python3
"""make-golden-lora.py: what LoRAs make of whole runs, by PEFT and diffusers in fp32

    make-golden-lora.py [sample] [xl] [sd1]

Writes tests/golden/sd-lora-{sample,xl,sd1}.safetensors with .json, and the LoRAs themselves under
tests/golden/lora/. Those of the bundled model and of Stable Diffusion 1.5's shapes are layers of
PEFT beside the model's own, never merged; what PEFT has not (IA3 of LyCORIS, differences), and
those of the narrow XL, are added to the weights before the networks are made. Factors are random
and rounded to F16, as the files hold them. Needs peft beside what make-golden-sd.py needs.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import argparse
import importlib.util
import json
import pathlib
import re

import peft
import torch
from diffusers.utils import convert_state_dict_to_diffusers
from safetensors import safe_open
from safetensors.torch import save_file

import clip_tokenizer
import formula
import sd_networks

_spec = importlib.util.spec_from_file_location("make_golden_sd", pathlib.Path(__file__).with_name("make-golden-sd.py"))
sd = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sd)
FOLDER = sd.ROOT / "tests/golden/lora"
ATTENTION = r".*\.(to_q|to_k|to_v|to_out\.0|ff\.net\.0\.proj|ff\.net\.2|proj_in|proj_out)"
CONV = r".*(conv1|conv2|conv_shortcut|downsamplers\.0\.conv|upsamplers\.0\.conv)"
TEXT = r".*(q_proj|k_proj|v_proj|out_proj|fc1|fc2)"


class Lora(sd.Golden):
    """runs; each names its files and their strengths for model and text"""

    def __init__(self, name, model):
        super().__init__(name, model)
        self.head |= {"program": "PEFT, diffusers, transformers, PyTorch (CPU, fp32)",
                      "version": [peft.__version__] + self.head["version"],
                      "command": f"tools/reference/make-golden-lora.py {name.removeprefix('sd-lora-')}"}

    def add_run(self, name, loras, network, context, noise, cfg, prompts):
        out = sd.run(network, context[[0, 1]], noise, sd.karras(20, sd.levels()), "euler", cfg)
        base = self.tensors.get("run.base.latents")
        change = 0.0 if base is None else float((out - base).norm() / base.norm())
        self.add(f"run.{name}.latents", out, loras=[dict(zip(("file", "model", "text"), l)) for l in loras], change=change,
                 steps=20, cfg=cfg, sampler="euler", schedule="karras", prompt=prompts[1], negative=prompts[0])
        print(f"    differs by {change:.3f}", flush=True)
        assert base is None or change > 0.02


def half(module):
    """the factors as the file will hold them"""
    for name, parameter in module.named_parameters():
        if re.search(r"lora_|hada_|lokr_", name):
            parameter.data = parameter.data.half().float()


def write(name, tensors, metadata=None):
    FOLDER.mkdir(exist_ok=True)
    tensors = {k: v.detach().clone().contiguous() if k.endswith("alpha") else v.detach().half().contiguous() for k, v in tensors.items()}
    save_file(tensors, FOLDER / f"{name}.safetensors", metadata)
    (FOLDER / f"{name}.safetensors").chmod(0o644)
    print(f"  {name}: {len(tensors)} tensors, {sum(v.numel() * v.element_size() for v in tensors.values()) // 1024} KiB")


def factors(model):
    """PEFT's own names without what its wrapping adds"""
    out = {}
    for name, value in model.state_dict().items():
        if re.search(r"lora_|hada_|lokr_", name):
            out[name.removeprefix("base_model.model.").replace(".default", "")] = value
    return out


def kohya(tensors, prefix, alpha=None):
    """names with underscores, and an alpha for each module"""
    out = {}
    words = {"lora_A.weight": "lora_down.weight", "lora_B.weight": "lora_up.weight", "lora_magnitude_vector.weight": "dora_scale",
             "lora_magnitude_vector": "dora_scale"}
    for name, value in tensors.items():
        module, end = re.fullmatch(r"(.*?)\.((?:lora_|hada_|lokr_).*)", name).groups()
        key = prefix + module.replace(".", "_")
        if words.get(end) == "dora_scale":
            value = value.reshape(-1, *[1] * (tensors[module + ".lora_A.weight"].dim() - 1))
        out[f"{key}.{words.get(end, end)}"] = value
        if alpha is not None:
            out[f"{key}.alpha"] = torch.tensor(alpha, dtype=torch.float32)
    return out


def wrapped(model, config, seed):
    torch.manual_seed(seed)
    made = peft.get_peft_model(model, config)
    half(made)
    return made.eval()


def strengthen(model, strength):
    for module in model.modules():
        if hasattr(module, "set_scale"):
            module.set_scale("default", strength)


def shape(scale, seed, *size):
    return (torch.randn(size, generator=torch.Generator().manual_seed(seed)) * scale).half().float()


def make_sample():
    golden = Lora("sd-lora-sample", "data/models/calotype-sample.safetensors")
    with safe_open(sd.SAMPLE, "pt") as f:
        state, cfg = {k: f.get_tensor(k) for k in f.keys()}, json.loads(f.metadata()["calotype.defaults"])["cfg"]
    prompts = ["", "a red sailboat on the sea at sunset"]
    tokenizer = clip_tokenizer.load()
    ids = torch.tensor([clip_tokenizer.ids77(tokenizer, p) for p in prompts])
    context, _ = sd_networks.context(state, [ids])
    noise = torch.randn((1, 4, 8, 8), generator=torch.Generator().manual_seed(sd.SEED))
    golden.add("run.noise", noise, what=f"torch.randn on the CPU, seed {sd.SEED}")

    def run(name, loras, unet, context=context):
        golden.add_run(name, loras, sd.with_label(unet, None, 8, 8), context, noise, cfg, prompts)

    run("base", [], sd_networks.unet(state))
    # pairs: kohya's names with alpha, diffusers' without, convolutions, DoRA
    linear = peft.LoraConfig(r=4, lora_alpha=3, target_modules=ATTENTION, init_lora_weights=False)
    unet = wrapped(sd_networks.unet(state), linear, 1)
    write("sample-linear", kohya(factors(unet), "lora_unet_", 3.0))
    run("linear", [("sample-linear", 1.0, 1.0)], unet)
    strengthen(unet, 0.6)
    run("linear-weaker", [("sample-linear", 0.6, 1.0)], unet)
    strengthen(unet, -0.4)
    run("linear-negative", [("sample-linear", -0.4, 1.0)], unet)

    plain = peft.LoraConfig(r=2, lora_alpha=2, target_modules=r".*attn[12]\.to_(q|k|v|out\.0)", init_lora_weights=False)
    unet = sd_networks.unet(state)
    torch.manual_seed(2)
    unet.add_adapter(plain)
    half(unet)
    told = convert_state_dict_to_diffusers(peft.get_peft_model_state_dict(unet))
    write("sample-diffusers", {"unet." + k: v for k, v in told.items()})
    run("diffusers", [("sample-diffusers", 1.0, 1.0)], unet)

    locon = peft.LoraConfig(r=3, lora_alpha=3, target_modules=CONV, init_lora_weights=False)
    unet = wrapped(sd_networks.unet(state), locon, 3)
    write("sample-locon", kohya(factors(unet), "lora_unet_", 3.0))
    run("locon", [("sample-locon", 1.0, 1.0)], unet)

    dora = peft.LoraConfig(r=2, lora_alpha=1, target_modules=r".*(to_q|to_v|ff\.net\.2|resnets\.0\.conv1|proj_in)", use_dora=True, init_lora_weights=False)
    unet = wrapped(sd_networks.unet(state), dora, 4)
    for name, parameter in unet.named_parameters():
        if "magnitude" in name:
            parameter.data = (parameter.data * (1 + 0.3 * shape(1, 9, *parameter.shape))).half().float()
    write("sample-dora", kohya(factors(unet), "lora_unet_", 1.0))
    run("dora", [("sample-dora", 1.0, 1.0)], unet)

    loha = peft.LoHaConfig(r=3, alpha=2, target_modules=r".*(to_q|to_v|ff\.net\.2|resnets\.0\.conv1)", use_effective_conv2d=True, init_weights=False)
    unet = wrapped(sd_networks.unet(state), loha, 5)
    for name, parameter in unet.named_parameters():
        if "hada_w" in name:
            parameter.data = (parameter.data * 1.5).half().float()
    write("sample-loha", kohya(factors(unet), "lora_unet_", 2.0))
    # its differences are so small that the weights' 16 bits hold few of their digits, and the run
    # lies near a fork: compared with PEFT's own merging, rounded to the weights' type
    run("loha", [("sample-loha", 1.0, 1.0)], rounded(unet.merge_and_unload()))

    lokr = peft.LoKrConfig(r=2, alpha=2, target_modules=r".*(to_q|to_v|ff\.net\.2|resnets\.0\.conv1)", decompose_both=True, use_effective_conv2d=True, init_weights=False)
    unet = wrapped(sd_networks.unet(state), lokr, 6)
    for name, parameter in unet.named_parameters():
        if "lokr_" in name:
            parameter.data = (parameter.data * 1.8).half().float()
    write("sample-lokr", kohya(factors(unet), "lora_unet_", 2.0))
    run("lokr", [("sample-lokr", 0.5, 1.0)], scaled(unet, 0.5))

    # text encoder alone, by PEFT's names; with strengths of its own
    model = wrapped(sd_networks.text(state), peft.LoraConfig(r=4, lora_alpha=4, target_modules=TEXT, init_lora_weights=False), 7)
    write("sample-text", {"lora_te_" + re.sub(r"\.(?=.*\.lora)", "_", k.removeprefix("text_model.")).replace("encoder", "text_model_encoder", 1)
                          .replace("lora_A", "lora_down").replace("lora_B", "lora_up"): v for k, v in factors(model).items()})
    strengthen(model, 0.7)
    changed = model(input_ids=ids).last_hidden_state
    run("text", [("sample-text", 0.0, 0.7)], sd_networks.unet(state), changed)
    unet = wrapped(sd_networks.unet(state), linear, 1)
    strengthen(unet, 0.5)
    run("both", [("sample-linear", 0.5, 1.0), ("sample-text", 1.0, 0.7)], unet, changed)

    make_merged(golden, state, run)
    golden.save()


def rounded(model):
    for parameter in model.parameters():
        parameter.data = parameter.data.half().float()
    return model


def scaled(model, strength):
    for module in model.modules():
        if hasattr(module, "scaling") and isinstance(module.scaling, dict):
            module.scaling = {k: v * strength for k, v in module.scaling.items()}
    return model


def make_merged(golden, state, run):
    """what PEFT does not write: Tucker's core, IA3 of LyCORIS, differences, DoRA by columns"""
    unet = sd_networks.unet(state)
    names = {k: v.float() for k, v in unet.state_dict().items()}
    tensors, strength = {}, 0.8
    for i, name in enumerate(sorted(names)):
        if not name.endswith(".weight"):
            continue
        module, w = name.removesuffix(".weight"), names[name]
        key = "lora_unet_" + module.replace(".", "_")
        if re.fullmatch(r".*resnets\.1\.conv2", module):
            out, inner = w.shape[:2]
            down, mid, up = shape(0.3, i, 3, inner, 1, 1), shape(0.3, i + 1, 2, 3, 3, 3), shape(0.3, i + 2, out, 2, 1, 1)
            tensors |= {key + ".lora_down.weight": down, key + ".lora_mid.weight": mid, key + ".lora_up.weight": up,
                        key + ".alpha": torch.tensor(1.0)}
            w += strength * 0.5 * torch.einsum("or,rqhw,qi->oihw", up[:, :, 0, 0], mid, down[:, :, 0, 0])
        elif module.endswith("attn1.to_k") or module.endswith("ff.net.0.proj"):
            on_input = module.endswith("to_k")
            v = shape(0.2, i, w.shape[1] if on_input else w.shape[0])
            tensors |= {key + ".weight": v, key + ".on_input": torch.tensor([on_input])}
            w += strength * w * (v[None, :] if on_input else v[:, None])
        elif re.fullmatch(r".*\.norm[123]", module):
            diff, diff_b = shape(0.05, i, *w.shape), shape(0.05, i + 1, *w.shape)
            tensors |= {key + ".w_norm": diff, key + ".b_norm": diff_b}
            w += strength * diff
            names[module + ".bias"] += strength * diff_b
        elif module.endswith("attn2.to_out.0"):
            diff, diff_b = shape(0.03, i, *w.shape), shape(0.03, i + 1, w.shape[0])
            tensors |= {key + ".diff": diff, key + ".diff_b": diff_b}
            w += strength * diff
            names[module + ".bias"] += strength * diff_b
        elif module.endswith("attn1.to_v"):
            down, up = shape(0.1, i, 2, w.shape[1]), shape(0.5, i + 1, w.shape[0], 2)
            v = w + up @ down
            lengths = (w.norm(dim=0, keepdim=True) * (1 + shape(0.2, i + 2, 1, w.shape[1]))).half().float()
            tensors |= {key + ".lora_down.weight": down, key + ".lora_up.weight": up, key + ".dora_scale": lengths}
            w += strength * (lengths * v / v.norm(dim=0, keepdim=True) - w)
    write_mixed("sample-mixed", tensors)
    unet.load_state_dict(names)
    run("mixed", [("sample-mixed", strength, 1.0)], unet)


def write_mixed(name, tensors):
    flags = {k: v for k, v in tensors.items() if v.dtype == torch.bool}
    halves = {k: v if k.endswith("alpha") else v.half() for k, v in tensors.items() if k not in flags}
    save_file({k: v.contiguous() for k, v in (halves | flags).items()}, FOLDER / f"{name}.safetensors")
    (FOLDER / f"{name}.safetensors").chmod(0o644)
    print(f"  {name}: {len(tensors)} tensors")


def make_xl():
    """kohya's names of XL: the single file's for the UNet, transformers' for both text encoders"""
    config = formula.NARROW["sdxl"]
    golden = Lora("sd-lora-xl", "tools/make-checkpoint --family sdxl --narrow")
    golden.head["model_sha256"] = sd.file_hash(config)
    state = {n: torch.from_numpy(formula.tensor(n, s)).float() for p in ("text", "unet") for n, s in formula.shapes(config, p).items()}
    prompts = ["", "a photo of an astronaut riding a horse on mars"]
    tokenizer = clip_tokenizer.load()
    ids = torch.tensor([clip_tokenizer.ids77(tokenizer, p) for p in prompts])
    filled = ids.clone()
    for row in filled:
        row[row.tolist().index(49407) + 1 :] = 0
    noise = torch.randn((1, 4, 8, 8), generator=torch.Generator().manual_seed(sd.SEED))
    golden.add("run.noise", noise, what=f"torch.randn on the CPU, seed {sd.SEED}")

    def run(name, loras):
        own = lambda *parts: {k: v for k, v in state.items() if k.startswith(parts)}
        context, pooled = sd_networks.context(own("conditioner."), [ids, filled])
        unet = sd_networks.unet(own(formula.UNET))
        golden.add_run(name, loras, sd.with_label(unet, pooled, 8, 8), context, noise, 3.0, prompts)

    run("base", [])
    tensors, seed = {}, 0

    def add(key, weight, strength):
        nonlocal seed
        seed += 2
        rank, (out, *rest) = 2, weight.shape
        down, up = shape(0.5 / rest[0] ** 0.5, seed, rank, *rest), shape(0.5, seed + 1, out, rank, *[1] * (len(rest) - 1))
        tensors.update({key + ".lora_down.weight": down, key + ".lora_up.weight": up, key + ".alpha": torch.tensor(1.0)})
        weight += strength * 0.5 * (up.flatten(1) @ down.flatten(1)).reshape(weight.shape)

    for name in sorted(state):
        module = name.removesuffix(".weight")
        if name.startswith(formula.UNET) and re.search(r"attn2\.to_(k|v)|attn1\.to_q|proj_in|middle_block\.0\.in_layers\.2|label_emb\.0\.0", module) and module != name:
            add("lora_unet_" + module.removeprefix(formula.UNET).replace(".", "_"), state[name], 0.9)
        elif name.startswith(formula.FIRST) and re.search(r"(q_proj|fc1)$", module):
            add("lora_te1_text_model_" + module.removeprefix(formula.FIRST).replace(".", "_"), state[name], 0.6)
        elif name.startswith(formula.SECOND) and name.endswith("in_proj_weight"):
            width, layer = state[name].shape[1], re.search(r"resblocks\.(\d+)", name).group(1)
            for i, part in enumerate(("q_proj", "k_proj", "v_proj")):
                if i != 1:
                    add(f"lora_te2_text_model_encoder_layers_{layer}_self_attn_{part}", state[name][i * width : (i + 1) * width], 0.6)
        elif name.startswith(formula.SECOND) and name.endswith("c_proj.weight"):
            layer = re.search(r"resblocks\.(\d+)", name).group(1)
            add(f"lora_te2_text_model_encoder_layers_{layer}_mlp_fc2", state[name], 0.6)
    write("xl", tensors, {"ss_base_model_version": "sdxl_base_v1-0"})
    run("all", [("xl", 0.9, 0.6)])
    golden.save()


def make_sd1():
    """PEFT on the true shapes of 1.5: attention, convolutions, text encoder"""
    config = formula.FULL["sd1"]
    golden = Lora("sd-lora-sd1", "tools/make-checkpoint")
    golden.head["model_sha256"] = sd.file_hash(config)
    part = lambda p: {n: torch.from_numpy(formula.tensor(n, s)) for n, s in formula.shapes(config, p).items()}
    prompts = ["", "a photo of an astronaut riding a horse on mars"]
    tokenizer = clip_tokenizer.load()
    ids = torch.tensor([clip_tokenizer.ids77(tokenizer, p) for p in prompts])
    noise = torch.randn((1, 4, 8, 8), generator=torch.Generator().manual_seed(sd.SEED))
    golden.add("run.noise", noise, what=f"torch.randn on the CPU, seed {sd.SEED}")
    text, state = sd_networks.text(part("text")), part("unet")
    unet = sd_networks.unet(state)
    del state
    context = text(input_ids=ids).last_hidden_state

    def run(name, loras, context):
        golden.add_run(name, loras, sd.with_label(unet, None, 8, 8), context, noise, 3.0, prompts)

    run("base", [], context)
    text = wrapped(text, peft.LoraConfig(r=2, lora_alpha=1, target_modules=r".*(q_proj|out_proj)", init_lora_weights=False), 1)
    convs = r".*(down_blocks\.1\.resnets\.0\.conv1|mid_block\.resnets\.0\.conv1|down_blocks\.0\.downsamplers\.0\.conv|up_blocks\.1\.resnets\.2\.conv_shortcut)"
    unet = wrapped(unet, peft.LoraConfig(r=2, lora_alpha=3, target_modules=rf".*attn[12]\.to_(k|v|out\.0)|.*proj_in|{convs}", init_lora_weights=False), 2)
    inner = lambda k: ("" if k.startswith("text_model.") else "text_model.") + k
    write("sd1", kohya({inner(k): v for k, v in factors(text).items()}, "lora_te_", 1.0) | kohya(factors(unet), "lora_unet_", 3.0),
          {"ss_base_model_version": "sd_v1"})
    run("all", [("sd1", 1.0, 1.0)], text(input_ids=ids).last_hidden_state)
    golden.save()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=["sample", "xl", "sd1"])
    torch.set_num_threads(2)
    torch.set_grad_enabled(False)
    for what in parser.parse_args().what:
        print(what)
        {"sample": make_sample, "xl": make_xl, "sd1": make_sd1}[what]()
