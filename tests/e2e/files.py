"""Reading and writing safetensors and PNG files, independently of the program.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import json
import struct
import zlib


def write_tensors(path, tensors, metadata=None):
    """tensors: {name: (dtype, shape, bytes)}"""
    header, offset = {}, 0
    if metadata:
        header["__metadata__"] = metadata
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header).encode()
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + b"".join(t[2] for t in tensors.values()))


def read_tensor(path, name):
    """The header's entry and the values of an F32 tensor."""
    with open(path, "rb") as file:
        n, = struct.unpack("<Q", file.read(8))
        entry = json.loads(file.read(n))[name]
        begin, end = entry["data_offsets"]
        file.seek(8 + n + begin)
        return entry, struct.unpack(f"<{(end - begin) // 4}f", file.read(end - begin))


def png_chunks(path):
    """[(type, bytes)]; every checksum is checked."""
    with open(path, "rb") as file:
        data = file.read()
    at, chunks = 8, []
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + n]
        assert struct.unpack(">I", data[at + 8 + n:at + 12 + n])[0] == zlib.crc32(kind + body)
        chunks.append((kind.decode(), body))
        at += 12 + n
    return chunks


def png_pixels(path):
    """What is compared when two pictures must be the same."""
    return zlib.decompress(b"".join(body for kind, body in png_chunks(path) if kind == "IDAT"))


def png_texts(path):
    texts = {}
    for kind, body in png_chunks(path):
        if kind == "tEXt":
            key, text = body.split(b"\0", 1)
            texts[key.decode()] = text.decode("latin-1")
        elif kind == "iTXt":
            key, rest = body.split(b"\0", 1)
            compressed, rest = rest[0], rest[2:].split(b"\0", 2)[2]
            texts[key.decode()] = (zlib.decompress(rest) if compressed else rest).decode()
    return texts


def png_rows(path):
    """(width, height, bytes per pixel, rows of a PNG of 8-bit grey, RGB or RGBA), filters undone."""
    head = next(body for kind, body in png_chunks(path) if kind == "IHDR")
    width, height, depth, colour = struct.unpack(">IIBB", head[:10])
    assert depth == 8 and colour in (0, 2, 6), (depth, colour)
    n, data, out = {0: 1, 2: 3, 6: 4}[colour], png_pixels(path), []
    stride = width * n
    previous = bytearray(stride)
    for y in range(height):
        start = y * (stride + 1)
        kind, row = data[start], bytearray(data[start + 1:start + 1 + stride])
        for i in range(stride if kind else 0):
            a, b = row[i - n] if i >= n else 0, previous[i]
            c = previous[i - n] if i >= n else 0
            if kind == 4:
                p = a + b - c
                pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
                guess = a if pa <= pb and pa <= pc else b if pb <= pc else c
            else:
                guess = (0, a, b, (a + b) // 2)[kind]
            row[i] = (row[i] + guess) & 255
        out.append(row)
        previous = row
    return width, height, n, out
