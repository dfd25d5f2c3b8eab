#!/usr/bin/env python3
"""make-golden-prompts.py: what prompts with weights, breaks and embeddings are to the UNet

    make-golden-prompts.py

Writes tests/golden/prompts.safetensors and prompts.json: for the text encoders of the narrow
checkpoints of Stable Diffusion 1.x, 2.x and XL (weights of the formula, tools/make-checkpoint)
and some fifty prompts the contexts, seen through nine numbers a row: eight columns spread over
the width, and the mean. The JSON has the pieces with their weights and the tokens of each chunk.

A second opinion on src/sd/sd-prompt-*.c: written from the grammars' description alone, as a
scanner that first finds which brackets belong together, where the program multiplies as it goes.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import json
import math
import pathlib
import re

import open_clip
import torch
import transformers
from safetensors.torch import save_file

import clip_tokenizer
import formula
import sd_networks

ROOT = pathlib.Path(__file__).resolve().parents[2]
BEGIN, END, COMMA, ROOM, REACH = 49406, 49407, 267, 75, 20
BREAK = object()


# ---- A1111's grammar


def marks(text):
    """[(kind, text or number)]: text, open, close, weight"""
    out, i = [], 0
    while i < len(text):
        c = text[i]
        if c == "\\":
            escaped = text[i + 1 : i + 2]
            literal = escaped if escaped and escaped in "()[]\\" else ""
            out.append(("text", literal))
            i += 1 + len(literal)
            continue
        number = re.compile(r":\s*([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))\s*\)").match(text, i)
        if number:
            out.append(("weight", number.group(1), number.group(0)))
            i = number.end()
            continue
        if c in "()[]":
            out.append((c,))
            i += 1
            continue
        end = i + 1
        while end < len(text) and text[end] not in "\\()[]:" and c != ":":
            end += 1
        out.append(("text", text[i:end]))
        i = end
    return out


def a1111(text, emphasis="Original"):
    """[[text, weight] or BREAK]"""
    if emphasis == "None":
        return [[text, 1.0]]
    runs, open_round, open_square, spans = [], [], [], []
    for mark in marks(text):
        kind = mark[0]
        if kind == "(":
            open_round.append(len(runs))
        elif kind == "[":
            open_square.append(len(runs))
        elif kind == "weight" and open_round:
            spans.append((open_round.pop(), len(runs), float(mark[1])))
        elif kind == ")" and open_round:
            spans.append((open_round.pop(), len(runs), 1.1))
        elif kind == "]" and open_square:
            spans.append((open_square.pop(), len(runs), 1 / 1.1))
        else:
            said = mark[-1] if kind in ("text", "weight") else kind
            for k, part in enumerate(re.split(r"\s*\bBREAK\b\s*", said)):
                runs += ([BREAK] if k else []) + [part]
    spans += [(first, len(runs), 1.1) for first in reversed(open_round)]
    spans += [(first, len(runs), 1 / 1.1) for first in reversed(open_square)]
    weights = [math.prod((w for a, b, w in spans if a <= i < b), start=1.0) for i in range(len(runs))]
    out = []
    for run, weight in zip(runs, weights):
        if run is not BREAK and out and out[-1] is not BREAK and abs(out[-1][1] - weight) < 1e-12:
            out[-1][0] += run
        else:
            out.append(BREAK if run is BREAK else [run, weight])
    return out or [["", 1.0]]


def a1111_chunks(pieces, tokenize, words):
    """[[(id, weight, (name, row) or None)]]; words: {name: number of vectors}"""
    names = sorted(((tokenize(n), n) for n in words), key=lambda n: -len(n[0]))
    done, now, comma = [], [], None
    for piece in pieces:
        if piece is BREAK:
            done, now, comma = done + [now], [], None
            continue
        ids, i = tokenize(piece[0]), 0
        while i < len(ids):
            if ids[i] == COMMA:
                comma = len(now)
            elif len(now) == ROOM and comma is not None and ROOM - comma <= REACH:
                done, now, comma = done + [now[: comma + 1]], now[comma + 1 :], None
            if len(now) == ROOM:
                done, now, comma = done + [now], [], None
            found = next((n for n in names if ids[i : i + len(n[0])] == n[0]), None)
            if found is None:
                now.append((ids[i], piece[1], None))
                i += 1
                continue
            if len(now) + words[found[1]] > ROOM:
                done, now, comma = done + [now], [], None
            now += [(0, piece[1], (found[1], row)) for row in range(words[found[1]])]
            i += len(found[0])
    return done + [now] if now or not done else done


# ---- ComfyUI's grammar


def comfyui(text, weight=1.0):
    text = re.sub(r"\\([()])", lambda m: {"(": "\ue000", ")": "\ue001"}[m.group(1)], text)

    def inside(text, weight):
        depth, parts, part = 0, [], ""
        for c in text:
            if c == "(" and depth == 0:
                parts, part = parts + [part], ""
            part += c
            depth += {"(": 1, ")": -1}.get(c, 0)
            if c == ")" and depth == 0:
                parts, part = parts + [part], ""
        for part in filter(None, parts + [part]):
            if part[0] != "(" or part[-1] != ")" or len(part) < 2:
                yield [part.replace("\ue000", "(").replace("\ue001", ")"), weight]
                continue
            part, own = part[1:-1], weight * 1.1
            before, colon, number = part.rpartition(":")
            try:
                if before:
                    part, own = before, float(number)
            except ValueError:
                part = before + colon + number
            yield from inside(part, own)

    return list(inside(text, weight)) or [["", 1.0]]


def comfyui_chunks(pieces, tokenize, words):
    done, now = [], []
    for text, weight in pieces:
        for word in filter(None, re.split(r"[ \n]", text)):
            groups = []
            if word.startswith("embedding:"):
                name = word[len("embedding:") :].rstrip(",")
                groups.append([(0, weight, (name, row)) for row in range(words[name])])
                word = word[len("embedding:") + len(name) :]
            groups.append([(i, weight, None) for i in tokenize(word)] if word else [])
            for group in groups:
                whole = len(group) < 8
                while group:
                    room = ROOM - len(now)
                    part = len(group) if len(group) <= room else 0 if whole else room
                    now, group = now + group[:part], group[part:]
                    if group:
                        done, now = done + [now], []
    return done + [now]


# ---- text encoders


class Encoder:
    """ids, vectors by place -> states after each layer, the first before all; norm; pooled"""

    def __init__(self, state, root, opened):
        self.opened, self.vectors = opened, None
        self.model = sd_networks.open_text(state, root) if opened else sd_networks.text(state, root)
        text = self.model if opened else getattr(self.model, "text_model", self.model)
        self.norm = text.ln_final if opened else text.final_layer_norm
        table = text.token_embedding if opened else text.embeddings.token_embedding
        table.register_forward_hook(self.put)

    def put(self, module, inputs, output):
        for row, column, vector in self.vectors:
            output[row, column] = vector
        return output

    def run(self, chunks, vectors):
        """vectors: {name: [n][width]}"""
        ids = torch.full((len(chunks), 77), 0 if self.opened else END)
        self.vectors = []
        for i, chunk in enumerate(chunks):
            ids[i, 0], ids[i, 1 + len(chunk)] = BEGIN, END
            for k, (token, _, word) in enumerate(chunk):
                ids[i, 1 + k] = token
                if word is not None:
                    self.vectors.append((i, 1 + k, vectors[word[0]][word[1]]))
        if not self.opened:
            return list(self.model(input_ids=ids, output_hidden_states=True).hidden_states), None
        states = sd_networks._open_states(self.model, ids)
        pooled = None
        if self.model.text_projection is not None:
            ends = torch.tensor([1 + len(c) for c in chunks])
            pooled = self.norm(states[-1])[torch.arange(len(chunks)), ends] @ self.model.text_projection
        return [None] + states, pooled


# family: the encoders' (root, opened, how many layers from the end, normed)
FAMILIES = {
    "sd1": [(formula.TEXT, False, 1, True)],
    "sd2": [(formula.OPEN, True, 2, True)],
    "sdxl": [(formula.FIRST, False, 2, False), (formula.SECOND, True, 2, False)],
}


def weigh(z, chunks, case, encode_empty):
    """[chunks][77][width]"""
    w = torch.ones(z.shape[:2])
    for i, chunk in enumerate(chunks):
        w[i, 1 : 1 + len(chunk)] = torch.tensor([t[1] for t in chunk])
    if case["grammar"] == "comfyui":
        if bool((w == 1).all()):
            return z
        empty = encode_empty()
        return torch.where(w[..., None] == 1, z, (z - empty) * w[..., None] + empty)
    if case["emphasis"] in ("Ignore", "None"):
        return z
    weighted = z * w[..., None]
    if case["emphasis"] == "No norm":
        return weighted
    return weighted * (z.mean((1, 2), dtype=torch.float64) / weighted.mean((1, 2), dtype=torch.float64))[:, None, None].float()


def context(family, encoders, chunks, case, embeddings):
    parts, pooled = [], None
    for e, (encoder, (_, _, layer, normed)) in enumerate(zip(encoders, FAMILIES[family])):
        if case["clip_skip"] and (family == "sd1" or case["grammar"] == "comfyui"):
            layer = case["clip_skip"]
        vectors = {n: v[e] for n, v in embeddings.items()}

        def encode(chunks):
            states, one = encoder.run(chunks, vectors)
            return (encoder.norm(states[-layer]) if normed else states[-layer]), one

        z, one = encode(chunks)
        pooled = one if one is not None else pooled
        parts.append(weigh(z, chunks, case, lambda: encode([[]])[0]))
    return torch.cat(parts, -1).flatten(0, 1), None if pooled is None else pooled[0]


def seen(x):
    columns = [x.shape[1] * (2 * i + 1) // 16 for i in range(8)]
    return torch.cat([x[:, columns], x.mean(1, keepdim=True)], 1)


# ---- prompts

FRUIT = "apple, pear, plum, cherry, peach, quince, fig, grape, melon, orange, lemon, lime, mango, papaya, kiwi, date"
PLAIN = [
    "", "a photo of an astronaut riding a horse on mars", "Ein Bär & 2 Füchse, żółw; 猫が好き", "cat " * 75, "cat " * 76,
    (FRUIT + ", ") * 3, (FRUIT.replace(",", "") + " ") * 6, "red " * 54 + ", " + "blue " * 40, "red " * 56 + ", " + "blue " * 40,
    "one BREAK two three BREAK four", "BREAK after an empty chunk", "before nothing BREAK", "aBREAK BREAKFAST break",
]
WEIGHTED = [
    "an (important) word", "an [unimportant] word", "((very)) [[little]]", "a (red:1.5) (circle:0.3)", "(negative:-0.5) word",
    "a (((house:1.3)) [on] a (hill:0.5), sun, (((sky))).", "(unclosed ((brackets", "closed) too] often)", "\\(literal\\) \\[brackets\\] \\\\",
    "(two words: 1.2 ) and (three words here:+.8)", "[square:so] (a:b:1.4)", "(one)(two)[three]", "(1.2.3:1.2.3) and :1.2)",
    "(a (b (c (d:0.5):2):1.5):0.9)", "(a BREAK b:1.4) c", "(" + FRUIT + ", " + FRUIT + ", " + FRUIT + ":1.2), end",
    "(many " * 3 + "words" + ")" * 3 + ", " + FRUIT + ", (" + FRUIT + ":0.7), " + FRUIT, "(emoji 🐱:1.3), ( spaces ), ()[]",
]
COMFYUI = [
    "a photo of a cat", "a (red:1.5) (circle:0.3)", "((very)) big", "((inner:1.5) outer:1.2)", "((inner) outer:2)",
    "\\(literal\\) (in\\):1.2)", "(unclosed", "closed) too (often:1.3)", "[square] BREAK (round)", "(a:b) (:1.2) (c:1e-1)",
    "cat " * 70 + "extraordinarilyoverwhelming word", "cat " * 72 + "donaudampfschifffahrtsgesellschaftskapitän",
    "(" + FRUIT + ":1.3) " + FRUIT + " (" + FRUIT + ":0.6)", "new\nline  (and   spaces:1.1)",
]
EMBEDDED = ["a Ring of gold", "(ring:1.4), ringstyle, " + FRUIT, FRUIT + ", " + FRUIT + ", ring ring ring ring ring ring ring ringstyle", "string rings ring"]
EMBEDDED_COMFYUI = ["a embedding:ring, gold", "(embedding:ringstyle:1.3) " + "cat " * 72 + "embedding:ring"]


def cases():
    def case(prompt, grammar="a1111", emphasis="Original", clip_skip=0, embeddings=False):
        return dict(prompt=prompt, grammar=grammar, emphasis=emphasis, clip_skip=clip_skip, embeddings=embeddings)

    out = [case(p) for p in PLAIN + WEIGHTED]
    out += [case(p, emphasis="No norm") for p in WEIGHTED[:8]]
    out += [case(p, emphasis=e) for p in (WEIGHTED[5], "a BREAK (b)") for e in ("Ignore", "None")]
    out += [case(p, "comfyui") for p in COMFYUI]
    out += [case(p, "plain") for p in ("(a:1.5) BREAK \\(b\\)", FRUIT * 4)]
    out += [case(WEIGHTED[3], clip_skip=2), case(COMFYUI[1], "comfyui", clip_skip=1), case(COMFYUI[1], "comfyui", clip_skip=2)]
    out += [case(p, embeddings=True) for p in EMBEDDED] + [case(EMBEDDED[1], emphasis="No norm", embeddings=True)]
    return out + [case(p, "comfyui", embeddings=True) for p in EMBEDDED_COMFYUI]


def read(case, tokenize, words):
    if case["grammar"] == "comfyui":
        pieces = comfyui(case["prompt"])
        return pieces, comfyui_chunks(pieces, tokenize, words)
    plain = case["grammar"] == "plain"
    pieces = [[case["prompt"], 1.0]] if plain else a1111(case["prompt"], case["emphasis"])
    return pieces, a1111_chunks(pieces, tokenize, words)


def main():
    tokenizer = clip_tokenizer.load()
    tensors, about = {}, []
    words = {"ring": 3, "ringstyle": 8}

    def tokenize(text):
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    for index, case in enumerate(cases()):
        pieces, chunks = read(case, tokenize, words if case["embeddings"] else {})
        about.append(case | dict(
            pieces=[["BREAK", -1.0] if p is BREAK else p for p in pieces],
            chunks=[[-1 if w else i for i, _, w in c] for c in chunks]))
    for family, parts in FAMILIES.items():
        config = formula.NARROW[family]
        state = {n: torch.from_numpy(formula.tensor(n, s)) for n, s in formula.shapes(config, "text").items()}
        encoders = [Encoder(state, root, opened) for root, opened, _, _ in parts]
        embeddings = {n: [torch.from_numpy(formula.tensor(f"{n}.{e}.weight", (rows, t.width))).float() * 3
                          for e, t in enumerate(config.text)] for n, rows in words.items()}
        for name, vectors in embeddings.items():
            for e, v in enumerate(vectors):
                tensors[f"{family}.{name}.{e}"] = v.contiguous()
        for index, case in enumerate(cases()):
            _, chunks = read(case, tokenize, words if case["embeddings"] else {})
            with torch.no_grad():
                x, pooled = context(family, encoders, chunks, case, embeddings if case["embeddings"] else {})
            tensors[f"{family}.{index}.context"] = seen(x).contiguous()
            if pooled is not None:
                tensors[f"{family}.{index}.pooled"] = pooled.contiguous()
    base = ROOT / "tests/golden/prompts"
    save_file(tensors, f"{base}.safetensors")
    pathlib.Path(f"{base}.safetensors").chmod(0o644)
    head = {
        "program": "transformers, open_clip, PyTorch (CPU, fp32); the grammars by this script",
        "version": [transformers.__version__, open_clip.__version__, torch.__version__],
        "seed": None,
        "command": "tools/reference/make-golden-prompts.py",
        "model": "tools/make-checkpoint --narrow, --family sd2 --narrow, --family ssd1b --narrow (whose text encoders XL's have)",
        "tensors": "FAMILY.CASE.context: [77 chunks][8 columns and the mean]; FAMILY.CASE.pooled; FAMILY.WORD.ENCODER: vectors of an embedding",
    }
    text = json.dumps(head | {"cases": about}, indent=1, ensure_ascii=False)
    text = re.sub(r"\[\s+(-?[\d.e-]+(?:,\s+-?[\d.e-]+)*)\s+\]", lambda m: "[" + re.sub(r"\s+", " ", m.group(1)) + "]", text)
    pathlib.Path(f"{base}.json").write_text(text + "\n", encoding="utf-8")
    print(len(about), "cases of", len(FAMILIES), "families")


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
