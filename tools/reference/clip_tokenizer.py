"""clip_tokenizer.py: transformers' CLIPTokenizer, built from the merges alone

SPDX-License-Identifier: GPL-3.0-or-later
"""

import importlib.util
import pathlib

from transformers import CLIPTokenizer

_spec = importlib.util.spec_from_file_location("make_vocab", pathlib.Path(__file__).with_name("make-vocab.py"))
_make_vocab = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_make_vocab)


def load(merges_gz=None):
    if merges_gz is None:
        merges_gz = pathlib.Path(importlib.util.find_spec("open_clip").origin).parent / "bpe_simple_vocab_16e6.txt.gz"
    merges = _make_vocab.read_merges(merges_gz)
    return CLIPTokenizer(vocab={t: i for i, t in enumerate(_make_vocab.vocabulary(merges))}, merges=merges)


def ids77(tokenizer, text):
    """start, tokens, end, padded with end: what the text encoder of SD 1.x is given."""
    ids = tokenizer(text, truncation=True, max_length=77, padding="max_length")["input_ids"]
    assert len(ids) == 77
    return ids
