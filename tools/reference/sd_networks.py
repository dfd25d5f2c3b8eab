"""sd_networks.py: diffusers', transformers' and open_clip's networks filled from single-file names

Widths, depths and places of attention are read from the tensors; names are converted by
diffusers' own single-file loader, which makes this a second opinion on our map of names.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import re

import open_clip
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint
from transformers import CLIPTextConfig, CLIPTextModel

from formula import FIRST, OPEN, SECOND, TEXT, UNET, VAE

HEADS = 8  # of every level where projections are convolutions (1.x); else heads have 64 channels
SIZE_WIDTH = 256  # of each number in the label of XL, as a sinusoid


def _numbers(names, pattern):
    return sorted({int(m.group(1)) for n in names if (m := re.match(pattern, n))})


def _depth(state, name):
    return len(_numbers(state, re.escape(f"{UNET}{name}.1.transformer_blocks.") + r"(\d+)\."))


def _levels(state):
    """width and depths of the blocks of each level, as they show in input_blocks"""
    levels, fresh = [], True
    for i in _numbers(state, re.escape(UNET) + r"input_blocks\.(\d+)\.")[1:]:
        if f"{UNET}input_blocks.{i}.0.op.weight" in state:
            fresh = True
            continue
        if fresh:
            levels.append([0, []])
            fresh = False
        levels[-1][0] = state[f"{UNET}input_blocks.{i}.0.in_layers.2.weight"].shape[0]
        levels[-1][1].append(_depth(state, f"input_blocks.{i}"))
    return levels


def unet_config(state):
    levels = _levels(state)
    widths, blocks = [w for w, _ in levels], len(levels[0][1])
    ups = [[_depth(state, f"output_blocks.{(blocks + 1) * i + k}") for k in range(blocks + 1)] for i in range(len(levels))]
    linear = next(v.dim() for n, v in state.items() if n.endswith("proj_in.weight")) == 2
    config = dict(
        sample_size=64,
        in_channels=state[UNET + "input_blocks.0.0.weight"].shape[1],
        out_channels=4,
        block_out_channels=tuple(widths),
        layers_per_block=blocks,
        down_block_types=tuple("CrossAttnDownBlock2D" if any(d) else "DownBlock2D" for _, d in levels),
        up_block_types=tuple("CrossAttnUpBlock2D" if any(d) else "UpBlock2D" for d in ups),
        cross_attention_dim=next(v.shape[1] for n, v in state.items() if n.endswith("attn2.to_k.weight")),
        # diffusers' old misnomer: the number of heads
        attention_head_dim=[w // 64 for w in widths] if linear else HEADS,
        use_linear_projection=linear,
        transformer_layers_per_block=[max(d, default=1) or 1 for _, d in levels],
    )
    if any(len(set(d)) > 1 for d in ups):
        config |= dict(transformer_layers_per_block=[d if any(d) else 1 for _, d in levels],
                       reverse_transformer_layers_per_block=[d if any(d) else 1 for d in ups])
    if UNET + "middle_block.1.norm.weight" not in state:
        config |= dict(mid_block_type="UNetMidBlock2D")
    label = state.get(UNET + "label_emb.0.0.weight")
    if label is not None:
        config |= dict(addition_embed_type="text_time", addition_time_embed_dim=SIZE_WIDTH,
                       projection_class_embeddings_input_dim=label.shape[1])
    return config


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


def text_config(state, root):
    vocabulary, width = state[root + "embeddings.token_embedding.weight"].shape
    return dict(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=state[root + "encoder.layers.0.mlp.fc1.weight"].shape[0],
        num_hidden_layers=len(_numbers(state, re.escape(root) + r"encoder\.layers\.(\d+)\.")),
        num_attention_heads=max(1, width // 64),
        max_position_embeddings=77,
        hidden_act="quick_gelu",
        eos_token_id=49407,
    )


def _fill(module, state):
    missing, unexpected = module.load_state_dict(state, strict=False)  # copies into single precision
    assert not unexpected and not [m for m in missing if "position_ids" not in m], (missing, unexpected)
    return module.eval().requires_grad_(False)


def unet(state):
    config = unet_config(state)
    return _fill(UNet2DConditionModel(**config), convert_ldm_unet_checkpoint(dict(state), config))


def vae(state):
    config = vae_config(state)
    return _fill(AutoencoderKL(**config), convert_ldm_vae_checkpoint(dict(state), config))


def text(state, root=TEXT):
    model = CLIPTextModel(CLIPTextConfig(**text_config(state, root)))
    inner = "text_model." if any(k.startswith("text_model.") for k in model.state_dict()) else ""
    own = {inner + n[len(root) :]: v for n, v in state.items() if n.startswith(root) and "position_ids" not in n}
    return _fill(model, own)


def open_text(state, root):
    """open_clip's tower, which has the single file's own names"""
    own = {n[len(root) :]: v for n, v in state.items() if n.startswith(root)}
    vocabulary, width = own["token_embedding.weight"].shape
    model = open_clip.transformer.TextTransformer(
        context_length=77, vocab_size=vocabulary, width=width, heads=max(1, width // 64),
        layers=len(_numbers(own, r"transformer\.resblocks\.(\d+)\.")),
        output_dim=own["text_projection"].shape[1] if "text_projection" in own else None)
    return _fill(model, own)


def _open_states(model, ids):
    """after each block"""
    x, out = model.token_embedding(ids) + model.positional_embedding, []
    for block in model.transformer.resblocks:
        x = block(x, attn_mask=model.attn_mask)
        out.append(x)
    return out


def context(state, ids):
    """ids: for each encoder [n][77] -> [n][77][width] as the UNet wants it, pooled [n][width] or None

    1.x: after the final norm. 2.x: all blocks but the last, then the final norm. XL: both
    encoders' states before the last block, without a norm; pooled is the second one's last state
    at the end token, normed and projected.
    """
    ids = [torch.as_tensor(i) for i in ids]
    if any(n.startswith(OPEN) for n in state):
        model = open_text(state, OPEN)
        return model.ln_final(_open_states(model, ids[0])[-2]), None
    if not any(n.startswith(SECOND) for n in state):
        return text(state)(input_ids=ids[0]).last_hidden_state, None
    first = text(state, FIRST)(input_ids=ids[0], output_hidden_states=True).hidden_states[-2]
    model = open_text(state, SECOND)
    states = _open_states(model, ids[1])
    last = model.ln_final(states[-1])
    pooled = last[torch.arange(len(last)), ids[1].argmax(-1)] @ model.text_projection
    return torch.cat([first, states[-2]], -1), pooled
