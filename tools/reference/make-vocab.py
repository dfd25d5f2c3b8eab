#!/usr/bin/env python3
"""make-vocab.py: the two tables of CLIP's tokenizer that the program carries

    make-vocab.py [bpe_simple_vocab_16e6.txt.gz]

data/clip-merges.bin: one pair of little-endian 16-bit token ids for each merge, in rank
order; the merge of rank r makes token 512 + r. Ids 0…255 are the bytes in CLIP's order,
256…511 the same bytes at the end of a word.

src/sd/sd-chars-data.h: which characters are letters, numbers and marks that composition may
reorder, and their lower case, as the `tokenizers` library sees them: asked of the library for
every character, so that the program's answer depends neither on the locale nor on the Unicode
version of its own libraries.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import gzip
import importlib.util
import pathlib
import struct
import sys

import tokenizers
from tokenizers import Regex, normalizers

ROOT = pathlib.Path(__file__).resolve().parents[2]
N_MERGES = 49152 - 256 - 2


def read_merges(path):
    lines = gzip.open(path, "rt", encoding="utf-8").read().split("\n")
    return [tuple(line.split()) for line in lines[1 : N_MERGES + 1]]


def byte_symbols():
    """The 256 characters that stand for bytes, in the order of the vocabulary."""
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in keep]
    return [chr(b) for b in keep] + [chr(256 + i) for i in range(len(rest))]


def vocabulary(merges):
    symbols = byte_symbols()
    tokens = symbols + [s + "</w>" for s in symbols] + ["".join(m) for m in merges]
    return tokens + ["<|startoftext|>", "<|endoftext|>"]


def write_merges(merges, path):
    ids = {token: i for i, token in enumerate(vocabulary(merges))}
    assert len(ids) == 49408
    path.write_bytes(b"".join(struct.pack("<HH", ids[a], ids[b]) for a, b in merges))


def questions():
    """Letter? Number? Does it change places with a mark of the highest class before it?"""
    letter, number = (normalizers.Replace(Regex(p), "!") for p in (r"\p{L}", r"\p{N}"))
    nfc = normalizers.NFC()
    return (
        lambda c: letter.normalize_str(c) == "!",
        lambda c: number.normalize_str(c) == "!",
        lambda c: c == "\u0345" or nfc.normalize_str("a\u0345" + c)[-1] == "\u0345",
    )


def scan():
    """[letters, numbers, marks]: ranges [first, last]; lower: [first, last, stride, delta]."""
    tables = [(question, []) for question in questions()]
    lowercase, lower = normalizers.Lowercase(), []
    for c in range(128, 0x110000):
        if 0xD800 <= c < 0xE000:
            continue
        for question, ranges in tables:
            if question(chr(c)):
                if ranges and ranges[-1][1] == c - 1:
                    ranges[-1][1] = c
                else:
                    ranges.append([c, c])
        low = lowercase.normalize_str(chr(c))
        if low == chr(c) or c == 0x130:  # the one character that becomes two; in the code
            continue
        delta = ord(low) - c
        last = lower[-1] if lower else None
        if last and last[3] == delta and c - last[1] == (last[2] or c - last[1]) <= 2:
            last[1:3] = [c, c - last[1]]
        else:
            lower.append([c, c, 0, delta])
    return [ranges for _, ranges in tables], [[f, l, s or 1, d] for f, l, s, d in lower]


def rows(ranges, per_line, pattern):
    cells = [pattern.format(*r) for r in ranges]
    return "\n".join("  " + " ".join(cells[i : i + per_line]) for i in range(0, len(cells), per_line))


def write_chars(path):
    (letters, numbers, marks), lower = scan()
    path.write_text(
        f"""/* sd-chars-data.h: letters, numbers, marks and lower case beyond ASCII, for the tokenizer
 *
 * Made by tools/reference/make-vocab.py with tokenizers {tokenizers.__version__}; do not edit.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

/* clang-format off */
static const guint32 letters[][2] = {{
{rows(letters, 5, "{{0x{:x},0x{:x}}},")}
}};

static const guint32 numbers[][2] = {{
{rows(numbers, 5, "{{0x{:x},0x{:x}}},")}
}};

/* of a combining class that is not 0 */
static const guint32 marks[][2] = {{
{rows(marks, 5, "{{0x{:x},0x{:x}}},")}
}};

/* first, last, stride, what to add */
static const gint32 lower[][4] = {{
{rows(lower, 4, "{{0x{:x},0x{:x},{},{}}},")}
}};
/* clang-format on */
""",
        encoding="utf-8",
    )


if __name__ == "__main__":
    default = pathlib.Path(importlib.util.find_spec("open_clip").origin).parent / "bpe_simple_vocab_16e6.txt.gz"
    write_merges(read_merges(sys.argv[1] if len(sys.argv) > 1 else default), ROOT / "data/clip-merges.bin")
    write_chars(ROOT / "src/sd/sd-chars-data.h")
