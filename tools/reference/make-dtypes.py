"""make-dtypes.py: what every code of every type means, by ml_dtypes and NumPy

make-dtypes.py FOLDER writes dtypes.safetensors and dtypes.json. For a type D:

    D/codes   all codes of D in order (types of up to eight bits), or a choice of values
    D/float   these as F32; D/double: as F64 (types wider than 16 bits)

F4 is packed low nibble first, F6 as a little-endian stream of bits. Of F16 and BF16 every
257th code is kept, and in the metadata "D/sha256" the hash of all 65,536 values as F32,
every NaN written 7FC00000. The file is written here byte by byte: no library writes F4 and F6.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import hashlib
import json
import pathlib
import platform
import struct
import sys

import ml_dtypes
import numpy as np

SMALL = {
    "BOOL": (8, np.uint8), "U8": (8, np.uint8), "I8": (8, np.int8),
    "F4": (4, ml_dtypes.float4_e2m1fn),
    "F6_E2M3": (6, ml_dtypes.float6_e2m3fn), "F6_E3M2": (6, ml_dtypes.float6_e3m2fn),
    "F8_E5M2": (8, ml_dtypes.float8_e5m2), "F8_E4M3": (8, ml_dtypes.float8_e4m3fn),
    "F8_E8M0": (8, ml_dtypes.float8_e8m0fnu),
    "F8_E4M3FNUZ": (8, ml_dtypes.float8_e4m3fnuz), "F8_E5M2FNUZ": (8, ml_dtypes.float8_e5m2fnuz),
}
HALF = {"F16": np.float16, "BF16": ml_dtypes.bfloat16}
WIDE = {"I16": np.int16, "U16": np.uint16, "I32": np.int32, "U32": np.uint32, "I64": np.int64,
        "U64": np.uint64, "F32": np.float32, "F64": np.float64}


def pack(codes, bits):
    table = (codes[:, None] >> np.arange(bits)) & 1
    return np.packbits(table.astype(np.uint8).ravel(), bitorder="little").tobytes()


def canonical(values):
    values = values.astype(np.float32)
    words = values.view(np.uint32).copy()
    words[np.isnan(values)] = 0x7FC00000
    return words.tobytes()


def wide_values(kind):
    if np.issubdtype(kind, np.integer):
        low, high = np.iinfo(kind).min, np.iinfo(kind).max
        near = [s * (1 << p) + d for p in (24, 31, 53, 62) for s in (-1, 1) for d in (-1, 0, 1, 3)]
        return np.array([x for x in [0, 1, low, low + 1, high, high - 1, 16777217, *near]
                         if low <= x <= high], kind)
    info = np.finfo(kind)
    return np.array([0.0, -0.0, 1, -1.5, info.max, -info.max, info.tiny, info.smallest_subnormal,
                     info.eps, np.inf, -np.inf, np.nan, np.pi, 1 / 3, 1 + 2.0**-24, 3.4028235677973366e38,
                     1e-45, 1e-46, 2.0**-150], kind)


def tensors():
    for name, (bits, kind) in SMALL.items():
        codes = np.arange(1 << bits, dtype=np.uint8)
        values = (codes != 0) if name == "BOOL" else codes.view(kind)
        yield f"{name}/codes", name, len(codes), pack(codes, bits)
        yield f"{name}/float", "F32", len(codes), values.astype(np.float32).tobytes()
    for name, kind in HALF.items():
        codes = np.arange(0, 65536, 257).astype(np.uint16)
        yield f"{name}/codes", name, len(codes), codes.tobytes()
        yield f"{name}/float", "F32", len(codes), codes.view(kind).astype(np.float32).tobytes()
    for name, kind in WIDE.items():
        values = wide_values(kind)
        yield f"{name}/codes", name, len(values), values.tobytes()
        yield f"{name}/float", "F32", len(values), values.astype(np.float32).tobytes()
        yield f"{name}/double", "F64", len(values), values.astype(np.float64).tobytes()
    parts = wide_values(np.float32)[:18]
    yield "C64/codes", "C64", len(parts) // 2, parts.tobytes()
    yield "C64/float", "F32", len(parts), parts.tobytes()


def main():
    folder = pathlib.Path(sys.argv[1])
    every = np.arange(65536, dtype=np.uint32).astype(np.uint16)
    header = {"__metadata__": {f"{name}/sha256": hashlib.sha256(canonical(every.view(kind))).hexdigest()
                               for name, kind in HALF.items()}}
    data = b""
    for name, dtype, count, raw in tensors():
        header[name] = {"dtype": dtype, "shape": [count], "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    (folder / "dtypes.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
    (folder / "dtypes.json").write_text(json.dumps({
        "program": "NumPy, ml_dtypes",
        "version": [np.__version__, ml_dtypes.__version__, platform.python_version()],
        "seed": None,
        "command": "tools/reference/make-dtypes.py tests/golden",
    }, indent=2) + "\n")


with np.errstate(over="ignore"):  # a double beyond float's range is Inf
    main()
