"""make-stats.py: statistics of tensors of every type, by NumPy

make-stats.py FOLDER writes stats.safetensors (small tensors), stats.txt (what their
statistics are, and those of large tensors that a formula makes) and stats.json (how).
Types that NumPy lacks are decoded by ml_dtypes; sums are of long double.

A line of stats.txt: name count nan pos_inf neg_inf zero subnormal distinct entropy_bits
min max mean std and nine quantiles; "-" where there is no value. Floats are hexadecimal.
Large tensors: "generated/DTYPE/VALUES/KIND". raw: the bytes are words of splitmix64,
little-endian. narrow: word i is made a float of eight octaves below 1, or an integer
modulo 40000 (less 20000 where it is signed).

SPDX-License-Identifier: GPL-3.0-or-later
"""

import json
import math
import pathlib
import platform
import struct
import sys

import ml_dtypes
import numpy as np

SEED = 20
LEVELS = [0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999]
# name: bits, type of codes, type of values
TYPES = {
    "BOOL": (8, np.uint8, np.uint8),
    "F4": (4, np.uint8, ml_dtypes.float4_e2m1fn),
    "F6_E2M3": (6, np.uint8, ml_dtypes.float6_e2m3fn),
    "F6_E3M2": (6, np.uint8, ml_dtypes.float6_e3m2fn),
    "U8": (8, np.uint8, np.uint8),
    "I8": (8, np.uint8, np.int8),
    "F8_E5M2": (8, np.uint8, ml_dtypes.float8_e5m2),
    "F8_E4M3": (8, np.uint8, ml_dtypes.float8_e4m3fn),
    "F8_E8M0": (8, np.uint8, ml_dtypes.float8_e8m0fnu),
    "F8_E4M3FNUZ": (8, np.uint8, ml_dtypes.float8_e4m3fnuz),
    "F8_E5M2FNUZ": (8, np.uint8, ml_dtypes.float8_e5m2fnuz),
    "I16": (16, np.uint16, np.int16),
    "U16": (16, np.uint16, np.uint16),
    "F16": (16, np.uint16, np.float16),
    "BF16": (16, np.uint16, ml_dtypes.bfloat16),
    "I32": (32, np.uint32, np.int32),
    "U32": (32, np.uint32, np.uint32),
    "F32": (32, np.uint32, np.float32),
    "C64": (64, np.uint32, np.float32),
    "F64": (64, np.uint64, np.float64),
    "I64": (64, np.uint64, np.int64),
    "U64": (64, np.uint64, np.uint64),
}


def is_integer(dtype):
    return dtype[0] in "IUB" and dtype != "BF16"


def unpack(dtype, data):
    """Codes of packed bytes: F4 low nibble first, F6 a little-endian stream of bits."""
    bits, codes, _ = TYPES[dtype]
    data = np.frombuffer(data, np.uint8)
    if bits == 4:
        return np.stack([data & 15, data >> 4], 1).reshape(-1)
    if bits == 6:
        group = data.reshape(-1, 3).astype(np.uint32)
        group = group[:, 0] | group[:, 1] << 8 | group[:, 2] << 16
        return np.stack([group >> s & 63 for s in (0, 6, 12, 18)], 1).reshape(-1).astype(np.uint8)
    return data.view(codes)


def pack(dtype, codes):
    bits = TYPES[dtype][0]
    if bits == 4:
        codes = codes.reshape(-1, 2)
        return (codes[:, 0] | codes[:, 1] << 4).astype(np.uint8).tobytes()
    if bits == 6:
        codes = codes.reshape(-1, 4).astype(np.uint32)
        group = codes[:, 0] | codes[:, 1] << 6 | codes[:, 2] << 12 | codes[:, 3] << 18
        return np.stack([group >> s & 255 for s in (0, 8, 16)], 1).astype(np.uint8).tobytes()
    return codes.tobytes()


def decode(dtype, codes):
    values = codes.view(TYPES[dtype][2])
    if dtype == "BOOL":
        values = (values != 0).astype(np.uint8)
    return values if is_integer(dtype) else values.astype(np.float64)


def text(x):
    return "-" if x is None else str(x) if isinstance(x, int) else (float(x) + 0.0).hex()


def moments(values):
    """Mean and deviation; None where a sum of doubles overflows, 0 where squares underflow."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        exact = values.astype(np.longdouble)
        mean = exact.mean()
        if not math.isfinite(values.astype(np.float64).sum()):
            return None, None
        squares = (values.astype(np.float64) - float(mean)) ** 2
        if not math.isfinite(squares.sum()):
            return float(mean), None
        if squares.sum() == 0:
            return float(mean), 0.0
        return float(mean), float(np.sqrt(((exact - mean) ** 2).mean()))


def statistics(dtype, data):
    bits = TYPES[dtype][0]
    codes = unpack(dtype, data)
    values = decode(dtype, codes)
    n = len(values)
    row = [n]
    if is_integer(dtype):
        row += [0, 0, 0, int((values == 0).sum()), 0]
        finite = values
    else:
        finite = values[np.isfinite(values)]
        small = 0
        if dtype != "F8_E8M0":
            normal = float(ml_dtypes.finfo(TYPES[dtype][2]).smallest_normal)
            small = int(((np.abs(finite) < normal) & (finite != 0)).sum())
        row += [int(np.isnan(values).sum()), int(np.isposinf(values).sum()), int(np.isneginf(values).sum())]
        row += [int((values == 0).sum()), small]
    if bits <= 16:
        counts = np.unique(codes, return_counts=True)[1]
        share = counts / n
        row += [len(counts), float(-(share * np.log2(share)).sum()) + 0.0 if n else 0.0]
    else:
        row += [None, None]
    if len(finite) == 0:
        return row + [None] * (4 + len(LEVELS))
    ordered = np.sort(finite)
    number = int if is_integer(dtype) else float
    row += [number(ordered[0]), number(ordered[-1]), *moments(finite)]
    return row + [number(ordered[math.floor(q * (len(ordered) - 1))]) for q in LEVELS]


def words(n):
    with np.errstate(over="ignore"):
        z = np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def generated(dtype, n, kind):
    bits, codes, _ = TYPES[dtype]
    size = n * bits // 8
    if kind == "raw":
        return words((size + 7) // 8).tobytes()[:size]
    z = words(size // np.dtype(codes).itemsize)
    eighth = z >> np.uint64(61)
    if dtype in ("F32", "C64"):
        z = z & np.uint64(0x807FFFFF) | (np.uint64(119) + eighth) << np.uint64(23)
    elif dtype == "F64":
        z = z & np.uint64(0x800FFFFFFFFFFFFF) | (np.uint64(1015) + eighth) << np.uint64(52)
    else:
        z = z % np.uint64(40000)
        if dtype[0] == "I":
            z = z - np.uint64(20000)
    return z.astype(codes).tobytes()


def specials(dtype):
    """Codes of NaN, infinities, zeros, the ends and subnormals, where the type has them."""
    bits, codes, _ = TYPES[dtype]
    if bits <= 8:
        return np.arange(1 << bits, dtype=np.uint8)
    bits = np.dtype(codes).itemsize * 8
    top = (1 << bits) - 1
    half = 1 << (bits - 1)
    if is_integer(dtype):
        found = [0, 1, top, half, half - 1, top - 1, 7, 7]
    else:
        mantissa = {"F16": 10, "BF16": 7, "F64": 52}.get(dtype, 23)
        one = 1 << mantissa
        inf = half - one
        found = [0, half, 1, half | 1, one - 1, half | one, inf, half | inf, inf | 1, half | inf | one // 2]
        found += [inf - 1, half | inf - 1] if dtype != "F64" else []
    return np.array(found, dtype=codes)


def small_tensors():
    rng = np.random.default_rng(SEED)
    for dtype, (bits, codes, _) in TYPES.items():
        kinds = {"empty": np.array([], codes)}
        edge = specials(dtype)
        width = np.dtype(codes).itemsize * 8 if bits > 8 else bits
        some = rng.integers(0, 1 << width, 312, dtype=np.uint64).astype(codes)
        kinds["special"] = np.concatenate([edge, edge[: len(edge) // 8 * 4]])
        kinds["random"] = some
        kinds["equal"] = np.full(64, some[0])
        if bits >= 8:
            kinds["scalar"] = some[:2] if dtype == "C64" else some[:1]
        if dtype in ("F16", "BF16", "I16", "U16"):
            kinds["counted"] = rng.integers(0, 1 << 16, 4999).astype(codes)
        if dtype in ("F16", "BF16", "F32", "C64", "F64"):
            nan = specials(dtype)[8]
            kinds["nan"] = np.full(8, nan)
            near = rng.normal(0, 0.02, 500).astype(TYPES[dtype][2])
            kinds["weights"] = near.view(codes)
        if dtype == "F64":
            kinds["overflow"] = np.full(40, 1.7e308).view(codes)
            kinds["overflow-std"] = np.array([1e200, -3e200] * 20).view(codes)
            kinds["offset"] = (1e9 + rng.normal(0, 1e-3, 400)).view(codes)
        for kind, values in kinds.items():
            yield f"{dtype}/{kind}", dtype, values


def write_file(path, tensors):
    header, data = {}, b""
    for name, dtype, shape, content in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    path.write_bytes(struct.pack("<Q", len(head)) + head + data)


def main(folder):
    folder = pathlib.Path(folder)
    tensors, lines = [], []
    for name, dtype, codes in small_tensors():
        content = pack(dtype, codes)
        n = len(codes) // 2 if dtype == "C64" else len(codes)
        shape = [] if name.endswith("/scalar") else [n]
        tensors.append((name, dtype, shape, content))
        lines.append([name] + statistics(dtype, content))
    sizes = {4: 13_000_000, 6: 9_000_000, 8: 7_000_001, 16: 3_300_001, 32: 1_700_003, 64: 900_001}
    for dtype, (bits, _, _) in TYPES.items():
        for n in [sizes[bits]] + ([100_000] if bits > 8 else []):
            for kind in ["raw"] + (["narrow"] if bits > 16 else []):
                name = f"generated/{dtype}/{n}/{kind}"
                lines.append([name] + statistics(dtype, generated(dtype, n, kind)))
    write_file(folder / "stats.safetensors", tensors)
    (folder / "stats.txt").write_text("".join(" ".join([l[0], *map(text, l[1:])]) + "\n" for l in lines))
    about = {
        "program": "NumPy, ml_dtypes",
        "version": [np.__version__, ml_dtypes.__version__, platform.python_version()],
        "seed": SEED,
        "command": "tools/reference/make-stats.py tests/golden",
    }
    (folder / "stats.json").write_text(json.dumps(about, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
