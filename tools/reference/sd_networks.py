"""sd_networks.py: diffusers' and transformers' networks filled from single-file names

Widths, depths and places of attention are read from the tensors; names are converted by
diffusers' own single-file loader, which makes this a second opinion on our map of names.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import re

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint
from transformers import CLIPTextConfig, CLIPTextModel

from formula import TEXT, UNET, VAE

HEADS = 8


def _numbers(names, pattern):
    return sorted({int(m.group(1)) for n in names if (m := re.match(pattern, n))})


def unet_config(state):
    """levels of UNet2DConditionModel as they show in input_blocks"""
    names = [n[len(UNET) :] for n in state if n.startswith(UNET)]
    widths, attention, blocks = [], [], []
    fresh = True
    for i in _numbers(names, r"input_blocks\.(\d+)\."):
        block = f"{UNET}input_blocks.{i}."
        if i == 0:
            continue
        if block + "0.op.weight" in state:
            fresh = True
            continue
        if fresh:
            widths.append(0), attention.append(False), blocks.append(0)
            fresh = False
        widths[-1] = state[block + "0.in_layers.2.weight"].shape[0]
        attention[-1] |= block + "1.proj_in.weight" in state
        blocks[-1] += 1
    assert len(set(blocks)) == 1
    context = next(v.shape[1] for n, v in state.items() if n.endswith("attn2.to_k.weight"))
    return dict(
        sample_size=64,
        in_channels=4,
        out_channels=4,
        block_out_channels=tuple(widths),
        layers_per_block=blocks[0],
        down_block_types=tuple("CrossAttnDownBlock2D" if a else "DownBlock2D" for a in attention),
        up_block_types=tuple("CrossAttnUpBlock2D" if a else "UpBlock2D" for a in reversed(attention)),
        cross_attention_dim=context,
        attention_head_dim=HEADS,  # diffusers' old misnomer: the number of heads
    )


def vae_config(state):
    levels = _numbers(state, re.escape(VAE) + r"encoder\.down\.(\d+)\.")
    last = [f"{VAE}encoder.down.{i}.block.0.conv2.weight" for i in levels]
    blocks = _numbers(state, re.escape(VAE) + r"encoder\.down\.0\.block\.(\d+)\.")
    return dict(
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        block_out_channels=tuple(state[n].shape[0] for n in last),
        layers_per_block=len(blocks),
        down_block_types=("DownEncoderBlock2D",) * len(levels),
        up_block_types=("UpDecoderBlock2D",) * len(levels),
    )


def text_config(state):
    vocabulary, width = state[TEXT + "embeddings.token_embedding.weight"].shape
    return dict(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=state[TEXT + "encoder.layers.0.mlp.fc1.weight"].shape[0],
        num_hidden_layers=len(_numbers(state, re.escape(TEXT) + r"encoder\.layers\.(\d+)\.")),
        num_attention_heads=max(1, width // 64),
        max_position_embeddings=77,
        hidden_act="quick_gelu",
        eos_token_id=49407,
    )


def _fill(module, state):
    missing, unexpected = module.load_state_dict({k: v.float() for k, v in state.items()}, strict=False)
    assert not unexpected and not [m for m in missing if "position_ids" not in m], (missing, unexpected)
    return module.eval().requires_grad_(False)


def unet(state):
    config = unet_config(state)
    return _fill(UNet2DConditionModel(**config), convert_ldm_unet_checkpoint(dict(state), config))


def vae(state):
    config = vae_config(state)
    return _fill(AutoencoderKL(**config), convert_ldm_vae_checkpoint(dict(state), config))


def text(state):
    model = CLIPTextModel(CLIPTextConfig(**text_config(state)))
    inner = "text_model." if any(k.startswith("text_model.") for k in model.state_dict()) else ""
    own = {inner + n[len(TEXT) :]: v for n, v in state.items() if n.startswith(TEXT) and "position_ids" not in n}
    return _fill(model, own)


def context(model, ids):
    """[n, 77] ids -> [n, 77, width], after the final norm"""
    return model(input_ids=torch.tensor(ids)).last_hidden_state
