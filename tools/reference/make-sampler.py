#!/usr/bin/env python3
"""Golden schedules and sampler runs: k-diffusion's and ComfyUI's formulas in PyTorch, float64.

Usage: make-sampler.py DIRECTORY     writes sampler.txt and sampler.json there

sampler.txt holds pairs of lines, the second being numbers:
  levels                          the 1000 training sigmas
  levels_zero_snr                 the same after the rescaling to zero terminal SNR
  times                           t of 60 sigmas (sigma t sigma t ...)
  schedule NAME STEPS             sigmas, the last 0; STEPS is the number made, which for
                                  ddim_uniform may be one more than asked for
  run SAMPLER SCHEDULE STEPS      latents of two pictures of 60 floats after half of the
                                  steps, then after all; seeds 7 and 8, noise of torch
The network is a formula that the test repeats:
  D(x, s) = x / (1 + s²) + x / (1 + x²) · s / (4 + 4 s)

SPDX-License-Identifier: GPL-3.0-or-later
"""

import json
import pathlib
import sys

import diffusers
import torch

N_PER, SEEDS = 60, (7, 8)
f64 = torch.float64

betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=f64) ** 2
alphas = torch.cumprod(1 - betas, 0)
sigmas_all = ((1 - alphas) / alphas) ** 0.5
log_sigmas = sigmas_all.log()


def t_to_sigma(t):
    low, high, w = t.floor().long(), t.ceil().long(), t.frac()
    return ((1 - w) * log_sigmas[low] + w * log_sigmas[high]).exp()


def sigma_to_t(sigma):
    dists = sigma.log() - log_sigmas[:, None]
    low = dists.ge(0).cumsum(0).argmax(0).clamp(max=998)
    a, b = log_sigmas[low], log_sigmas[low + 1]
    w = ((a - sigma.log()) / (a - b)).clamp(0, 1)
    return (1 - w) * low + w * (low + 1)


def schedule(name, n):
    top, bottom = sigmas_all[-1], sigmas_all[0]
    if name == "normal":
        s = t_to_sigma(torch.linspace(999, 0, n, dtype=f64))
    elif name == "sgm_uniform":
        s = t_to_sigma(torch.linspace(999, 0, n + 1, dtype=f64)[:-1])
    elif name == "karras":
        r = torch.linspace(0, 1, n, dtype=f64)
        s = (top ** (1 / 7) + r * (bottom ** (1 / 7) - top ** (1 / 7))) ** 7
    elif name == "exponential":
        s = torch.linspace(top.log(), bottom.log(), n, dtype=f64).exp()
    elif name == "simple":
        s = torch.stack([sigmas_all[-(1 + int(x * (1000 / n)))] for x in range(n)])
    elif name == "ddim_uniform":
        s = sigmas_all[1 :: max(1000 // n, 1)].flip(0)
    elif name == "turbo":
        s = sigmas_all[(torch.arange(n, 0, -1, dtype=f64) * (1000.0 / n)).round().long() - 1]
    return torch.cat([s, torch.zeros(1, dtype=f64)])


def network(x, s):
    return x / (1 + s * s) + x / (1 + x * x) * s / (4 + 4 * s)


class Noise:
    def __init__(self):
        self.generators = [torch.Generator().manual_seed(s) for s in SEEDS]

    def __call__(self):
        return torch.stack([torch.randn(N_PER, generator=g) for g in self.generators]).to(f64)


def euler(x, s, noise):
    for i in range(len(s) - 1):
        d = (x - network(x, s[i])) / s[i]
        x = x + d * (s[i + 1] - s[i])
        yield x


def euler_ancestral(x, s, noise):
    for i in range(len(s) - 1):
        up = min(s[i + 1], (s[i + 1] ** 2 * (s[i] ** 2 - s[i + 1] ** 2) / s[i] ** 2) ** 0.5)
        down = (s[i + 1] ** 2 - up**2) ** 0.5
        d = (x - network(x, s[i])) / s[i]
        x = x + d * (down - s[i])
        if s[i + 1] > 0:
            x = x + noise() * up
        yield x


def heun(x, s, noise):
    for i in range(len(s) - 1):
        d = (x - network(x, s[i])) / s[i]
        dt = s[i + 1] - s[i]
        if s[i + 1] == 0:
            x = x + d * dt
        else:
            x2 = x + d * dt
            d2 = (x2 - network(x2, s[i + 1])) / s[i + 1]
            x = x + (d + d2) / 2 * dt
        yield x


def dpmpp_2m(x, s, noise):
    old = None
    for i in range(len(s) - 1):
        d = network(x, s[i])
        t, t_next = -s[i].log(), -s[i + 1].log()
        h = t_next - t
        if old is None or s[i + 1] == 0:
            x = s[i + 1] / s[i] * x - (-h).expm1() * d
        else:
            r = (t + s[i - 1].log()) / h
            x = s[i + 1] / s[i] * x - (-h).expm1() * ((1 + 1 / (2 * r)) * d - old / (2 * r))
        old = d
        yield x


def lcm(x, s, noise):
    for i in range(len(s) - 1):
        x = network(x, s[i])
        if s[i + 1] > 0:
            x = x + s[i + 1] * noise()
        yield x


def dpmpp_2m_sde(x, s, noise):
    """k-diffusion's, midpoint, eta 1, with plain noise in place of the Brownian tree"""
    old = h_last = None
    for i in range(len(s) - 1):
        d = network(x, s[i])
        if s[i + 1] == 0:
            x = d
        else:
            h = s[i].log() - s[i + 1].log()
            eta_h = 1.0 * h
            x = s[i + 1] / s[i] * (-eta_h).exp() * x + (-h - eta_h).expm1().neg() * d
            if old is not None:
                x = x + 0.5 * (-h - eta_h).expm1().neg() * (h / h_last) * (d - old)
            x = x + noise() * s[i + 1] * (-2 * eta_h).expm1().neg().sqrt()
            h_last = h
        old = d
        yield x


SAMPLERS = dict(lcm=lcm, dpmpp_2m_sde=dpmpp_2m_sde, euler=euler, euler_ancestral=euler_ancestral, heun=heun, dpmpp_2m=dpmpp_2m, ddim=euler)
SCHEDULES = "normal karras exponential sgm_uniform simple ddim_uniform turbo".split()
RUNS = [("euler", "normal", 20), ("euler", "simple", 7), ("euler", "sgm_uniform", 1),
        ("euler_ancestral", "normal", 20), ("euler_ancestral", "karras", 9), ("heun", "karras", 10),
        ("heun", "normal", 1), ("dpmpp_2m", "karras", 20), ("dpmpp_2m", "exponential", 8),
        ("dpmpp_2m", "normal", 2), ("ddim", "ddim_uniform", 20), ("ddim", "ddim_uniform", 30),
        ("lcm", "sgm_uniform", 4), ("lcm", "turbo", 8), ("dpmpp_2m_sde", "karras", 20),
        ("dpmpp_2m_sde", "exponential", 7), ("dpmpp_2m_sde", "turbo", 1)]


def check_with_diffusers():
    """Two of the schedules exist in diffusers too (in float32)."""
    for karras in (False, True):
        theirs = diffusers.EulerDiscreteScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear",
            timestep_spacing="linspace", use_karras_sigmas=karras)
        theirs.set_timesteps(20)
        ours = schedule("karras" if karras else "normal", 20)
        # float32 costs 1.3e-5 at the lowest level; without karras diffusers interpolates sigma, not its logarithm
        torch.testing.assert_close(theirs.sigmas.to(f64), ours, rtol=3e-5 if karras else 2e-3, atol=0)


def main():
    check_with_diffusers()
    folder = pathlib.Path(sys.argv[1])
    lines = []

    def put(head, values):
        lines.append(head)
        lines.append(" ".join(repr(float(v)) for v in values))

    put("levels", sigmas_all)
    zero_snr = diffusers.schedulers.scheduling_euler_discrete.rescale_zero_terminal_snr(betas)
    bars = torch.cumprod(1 - zero_snr, 0)
    bars[-1] = 4.8973451890853435e-08  # A1111 and ComfyUI; diffusers: 2**-24
    put("levels_zero_snr", ((1 - bars) / bars) ** 0.5)
    s = torch.linspace(0.02, 15, 60, dtype=f64)
    put("times", torch.stack([s, sigma_to_t(s)], 1).ravel())
    for name in SCHEDULES:
        for n in (1, 2, 3, 8 if name == "ddim_uniform" else 7, 20, 30, 150):
            s = schedule(name, n)
            put(f"schedule {name} {len(s) - 1}", s)
    for sampler, name, n in RUNS:
        s, noise = schedule(name, n), Noise()
        x = noise() * s[0]
        states = list(SAMPLERS[sampler](x, s, noise))
        half, whole = states[len(states) // 2 - 1] if len(states) > 1 else x, states[-1]
        lines.append(f"run {sampler} {name} {len(s) - 1}")
        lines.append(" ".join(f"{float(v):.9g}" for v in torch.cat([half.ravel(), whole.ravel()])))
    (folder / "sampler.txt").write_text("\n".join(lines) + "\n")
    about = {
        "program": "formulas of k-diffusion and ComfyUI in PyTorch, float64",
        "version": torch.__version__,
        "seeds": SEEDS,
        "command": "tools/reference/make-sampler.py tests/golden",
    }
    (folder / "sampler.json").write_text(json.dumps(about, indent=2) + "\n")


main()
