#!/usr/bin/env python3
"""Golden noise: torch's CPU generator, and CUDA's Philox by an independent NumPy version.

Usage: make-noise.py DIRECTORY     writes noise.txt and noise.json there

noise.txt holds pairs of lines. The first says what follows:
  words  cpu|nv SEED N          the generator's first N words
  normal cpu|nv SEED N N N ...  calls of randn((N,)) with one generator, joined
and the second holds the values, words as 32-bit hex, normals as the hex of their floats.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import json
import pathlib
import sys

import numpy as np
import torch

SEEDS = [0, 5, 12345, 3735928559, 2**32 + 5, 2**53 + 1, 2**64 - 1]
CALLS = [[1], [5], [15], [16], [17], [31], [100], [3, 4, 20, 1, 1, 16, 7], [15, 15, 33, 2]]


def torch_generator(seed):
    return torch.Generator().manual_seed(seed)


def torch_words(seed, n):
    """A full-range 64-bit integer takes two words, the high one first."""
    x = torch.empty(n // 2, dtype=torch.int64)
    x.random_(-(2**63), None, generator=torch_generator(seed))
    x = x.numpy().view(np.uint64)
    return np.stack([x >> np.uint64(32), x & np.uint64(0xFFFFFFFF)], 1).ravel().astype(np.uint32)


def torch_normals(seed, sizes):
    g = torch_generator(seed)
    return np.concatenate([torch.randn((n,), generator=g).numpy() for n in sizes])


def philox(counter, key):
    """Philox 4x32-10 on Python integers, as Salmon et al. 2011 define it."""
    c, (k0, k1) = list(counter), key
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(q >> 32) ^ c[1] ^ k0, q & 0xFFFFFFFF, (p >> 32) ^ c[3] ^ k1, p & 0xFFFFFFFF]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c


# The known answers published with the Random123 library.
assert philox([0] * 4, [0] * 2) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
assert philox([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2) == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]


def nv_words(seed, n):
    key = (seed & 0xFFFFFFFF, seed >> 32)
    return np.array([w for i in range(n // 4) for w in philox([0, 0, i, 0], key)], np.uint32)


def nv_normals(seed, sizes):
    key = (seed & 0xFFFFFFFF, seed >> 32)
    out = []
    for call, n in enumerate(sizes):
        w = np.array([philox([call, 0, i, 0], key)[:2] for i in range(n)], np.float64)
        u = w[:, 0] * 2.0**-32 + 2.0**-33
        step = float(np.float32(2 * np.pi)) * 2.0**-32
        v = w[:, 1] * step + step / 2
        out.append((np.sqrt(-2 * np.log(u)) * np.sin(v)).astype(np.float32))
    return np.concatenate(out)


def main():
    folder = pathlib.Path(sys.argv[1])
    check = nv_normals(0, [4])
    assert np.allclose(check, [-0.92466259, -0.42534415, -2.6438457, 0.14518388], atol=1e-6), check
    lines = []
    for kind, words, normals in (("cpu", torch_words, torch_normals), ("nv", nv_words, nv_normals)):
        for seed in SEEDS:
            lines.append(f"words {kind} {seed} 1300")
            lines.append(" ".join(f"{w:08x}" for w in words(seed, 1300)))
        for seed in SEEDS:
            for sizes in CALLS + ([[16384]] if seed == 12345 else []):
                lines.append(f"normal {kind} {seed} " + " ".join(map(str, sizes)))
                lines.append(" ".join(f"{w:08x}" for w in normals(seed, sizes).view(np.uint32)))
    (folder / "noise.txt").write_text("\n".join(lines) + "\n")
    about = {
        "program": "PyTorch (cpu), NumPy (nv)",
        "version": [torch.__version__, np.__version__],
        "seeds": SEEDS,
        "command": "tools/reference/make-noise.py tests/golden",
    }
    (folder / "noise.json").write_text(json.dumps(about, indent=2) + "\n")


main()
