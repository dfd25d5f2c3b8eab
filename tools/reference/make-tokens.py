#!/usr/bin/env python3
"""make-tokens.py: tests/golden/tokens.json, the tokenizer's corpus with transformers' answers

    make-tokens.py [--out FILE] [--random N] [--seed N]

SPDX-License-Identifier: GPL-3.0-or-later
"""

import argparse
import json
import pathlib
import random
import unicodedata

import tokenizers
import transformers

import clip_tokenizer

ROOT = pathlib.Path(__file__).resolve().parents[2]

PROMPTS = """a photo of an astronaut riding a horse on mars
a small red circle to the left of a blue square on a white background
masterpiece, best quality, (ultra-detailed:1.3), [blurry|sharp], 8k, f/1.8
portrait of a woman, 35mm film, Kodak Portra 400, bokeh
<lora:add_detail:0.8> 1girl, solo, looking at viewer, long hair
(((masterpiece))), {best quality}, highres BREAK a castle AND a dragon
cinematic still, 1970's, Tarkovsky's "Stalker" -- no people
it's the dog's; they're we've I'm you'll he'd can't won't
IT'S THE DOG'S; THEY'RE WE'VE I'M YOU'LL HE'D CAN'T WON'T
rock'n'roll 'tis o'clock ''s '' ' 's 't 're 've 'm 'll 'd 'x 'sx 'rex
it’s “quoted” ‘text’ – dash — long dash … ellipsis
a_b __init__ snake_case_word _ __ ___
http://example.org/path?x=1&y=2#frag user@example.org
C:\\Users\\name\\file.png /usr/share/doc
def f(x): return x**2 + 3*x - 1 != 0
&lt;b&gt; &amp; &quot;html&quot; &#39;
0 1 12 123 1234567890 3.14159 1,000,000 -5 +7 1e-5 0x1F
2023 1990s 4k 8K 50mm f1.8 iso100 1/250s
! !! !!! ? ?! ... .... , ;; :: @@ ## $$ %% ^^ && ** (( )) [[ ]] {{ }}
!@#$%^&*()_+-=[]{}|;:'",.<>/?`~
hello world
HELLO WORLD
HeLLo WoRLd
antidisestablishmentarianism
supercalifragilisticexpialidocious
pneumonoultramicroscopicsilicovolcanoconiosis
<|startoftext|>
<|endoftext|>
a <|endoftext|> b
a<|endoftext|>b<|startoftext|>c
<|ENDOFTEXT|>
<|StartOfText|>!!
!<|ENDOFTEXT|>!! x
<|endoftext| >
<|<|endoftext|>|>
<|endoftext|><|endoftext|>
<|endoftext"""

LANGUAGES = """Bir kiçik qırmızı dairə ağ fonda, İlham və Irmaq
IĞDIR ISPARTA İSTANBUL ışık IŞIK Iı İi
Neliela sarkana ēka pie jūras, ļoti skaista ģimene
Pieni punainen mökki järven rannalla, yöttömän yön aurinko
En liten röd stuga vid sjön i Småland
בית קטן ואדום ליד הים
שָׁלוֹם עֲלֵיכֶם
صورة لقط صغير على كرسي
الْعَرَبِيَّةُ
یک خانه قرمز کوچک
Маленький красный дом у моря
МАЛЕНЬКИЙ КРАСНЫЙ ДОМ
Ёжик в тумане ёж
Ένα μικρό κόκκινο σπίτι ΟΔΥΣΣΕΥΣ ΣΑΣ σας
海辺の小さな赤い家
ちいさなあかいいえ チイサナ アカイ イエ ｶﾞｷﾞｸﾞ ガギグ ガギグ
作為一個紅色的小房子
一只可爱的猫坐在窗台上
바닷가의 작은 빨간 집
한국어 ㅎㅏㄴ 각
समुद्र के किनारे एक छोटा लाल घर
সমুদ্রের ধারে একটি ছোট লাল বাড়ি
கடற்கரையில் ஒரு சிறிய சிவப்பு வீடு
బీచ్ దగ్గర చిన్న ఎర్ర ఇల్లు
ಸಮುದ್ರದ ಬಳಿ ಕೆಂಪು ಮನೆ
കടൽത്തീരത്ത് ഒരു ചുവന്ന വീട്
บ้านสีแดงหลังเล็กริมทะเล
ပင်လယ်ကမ်းစပ်က အိမ်နီလေး
ផ្ទះក្រហមតូចមួយ
ტალღა და წითელი სახლი ᲥᲐᲠᲗᲣᲚᲘ
Փոքրիկ կարմիր տուն ԾՈՎ եւ և
ትንሽ ቀይ ቤት
ᏣᎳᎩ ꮳꮃꭹ
ᐃᓄᒃᑎᑐᑦ
Ngôi nhà nhỏ màu đỏ bên bờ biển Việt Nam
Žluťoučký kůň úpěl ďábelské ódy
Zażółć gęślą jaźń
Falsches Üben von Xylophonmusik quält jeden größeren Zwerg STRASSE STRAẞE
Voix ambiguë d'un cœur qui au zéphyr préfère les jattes de kiwis
El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia ¿qué? ¡sí!
À noite, vovô Kowalsky vê o ímã cair no pé do pinguim
ʻōlelo Hawaiʻi
ⵜⵉⴼⵉⵏⴰⵖ
𐐀𐐁𐐂 𐐨𐐩𐐪 𞤀𞤁 𐓀𐓁
Ⅷ ⅷ Ⓐ ⓐ Ⅻ Ↄↄↅ ½ ¼ ² ³ ¹ ⁵ ₇ ① ⑳ ㊿ Ⅳ
٠١٢٣ ۴۵۶ १२३ ৪৫৬ 一二三 ㈠ 〇 𝟘𝟙𝟚 𑁦
ﬀ ﬁ ﬃ Ĳ ĳ Ǆ ǅ ǆ ǉ ŉ ǰ ẖ
K Å Ω Å Ω K ſ ẛ ﬅ
𝒜𝓑𝔠 𝕯𝖊 Ａｂｃ１２３ ａＢ
ª º µ ˠ ꟸ ՙ
ϴ ϑ Θ θ ẞ ß Ꞵ Ɤ Ꟃ Ꭓ Ꞔ"""

EMOJI = """😀 😃😄😁 😆🤣
👨‍👩‍👧‍👦 👩🏽‍🚀 🏳️‍🌈 🏴‍☠️
🇦🇿🇱🇻🇫🇮🇸🇪🇮🇱
👍🏻👍🏼👍🏽👍🏾👍🏿
❤️ ❤ ☀️☀︎ ✂️ ©️ ® ™ ℹ️
1️⃣2️⃣3️⃣ #️⃣ *️⃣
cat🐱dog🐶 a🎨b
🫠🫡🫥🩷🪿🫨
♠♥♦♣ ♔♕ ☃ ☂ ★☆
← ↑ → ↓ ⇒ ∀∃∈ ∑∏√∞ ≠≤≥ ±×÷
€ £ ¥ ₿ ₾ ¢ ₼ ¤
█▓▒░ ─│┌┐ ■□▲△
¯\\_(ツ)_/¯ (╯°□°)╯︵ ┻━┻ ʕ•ᴥ•ʔ ಠ_ಠ"""

COMPOSITION = [
    "e\u0301 \u00e9 E\u0301 \u00c9",
    "n\u0303o man\u0303ana A\u030a \u212b",
    "q\u0307\u0323 q\u0323\u0307",
    "a\u0301\u0302\u0303\u0304" * 3,
    "\u0301leading",
    " \u0301space then mark",
    "I\u0307 i\u0307 \u0130 \u0131 I i",
    "i\u0307\u0323 \u012f\u0307",
    "\u1100\u1161\u11a8 \u1112\u1161\u11ab\u1100\u1173\u11af",
    "\uac00\u11a8 \uac01",
    "\u0958\u0959 \u0915\u093c",
    "\u09c7\u09be \u09cb",
    "\u0bc6\u0bbe \u0bca",
    "\ufb1d\ufb2a\ufb4f",
    "\u2126\u212a\u212b\u2329",
    "\uf900\u2f800 \u8c48",
    "\U0001d15e\U0001d157\U0001d165",
    "\u0344\u0387\u1fef\u037e",
    "z\u0335\u0321\u0322\u0327\u0328a\u0316\u0317l\u0318\u0319g\u0338o\u0334",
    "\u1e9b\u0323 \u1e9b\u0323\u0307",
    "Vie\u0302\u0323t Vi\u1ec7t",
]

SPACES = [
    "",
    " ",
    "\n",
    "\t\r\n \u000b\u000c",
    "a\tb\nc\r\nd\u000be\u000cf",
    "a\u0085b\u00a0c\u1680d\u2000e\u2001f\u2002g\u2003h\u2004i\u2005j\u2006k\u2007l\u2008m\u2009n\u200ao",
    "a\u2028b\u2029c\u202fd\u205fe\u3000f",
    "a\u200bb\u200cc\u200dd\u2060e\ufefff\u180eg",
    "\ufeffbom",
    "  leading and trailing  ",
    "many      spaces",
    "soft\u00adhyphen non\u2011breaking",
    "\u202eright to left\u202c \u2066x\u2069",
    "\u0001\u0002\u001b\u007f\u0080\u009f",
    "a\u001cb\u001dc\u001ed\u001fe",
    "\ufffd\ufffc\ufff9",
    "\ue000\uf8ff\U000f0000\U0010fffd",
    "\ufdd0\ufffe\uffff\U0001ffff",
    "\u0378\u0530\U000e0001\U000e0041",
]

WORDS = "cat dog 4k the Red o'clock it's über 東京 😀 f/1.8 (x:1.2) _ ... <|endoftext|> I'M İzmir Iğdır".split()


def long_strings():
    yield "word " * 200
    yield "x" * 1000
    yield "ab" * 1500
    yield "A" * 77 + " " + "b" * 78
    yield "é" * 500
    yield "漢" * 300
    yield "😀" * 100
    yield "1" * 150
    yield "!" * 400
    yield "." * 5 + "," * 7 + "-" * 64
    yield ", ".join(f"detail {i}" for i in range(80))
    yield "antidisestablishmentarianism" * 40
    yield "the" * 500
    yield "e\u0301" * 300


def random_strings(count, rng):
    blocks = [(0x20, 0x7E), (0x80, 0x24F), (0x250, 0x36F), (0x370, 0x5FF), (0x600, 0x7FF), (0x900, 0xDFF),
              (0xE00, 0x13FF), (0x1400, 0x1FFF), (0x2000, 0x2BFF), (0x2C00, 0x31FF), (0x3200, 0xABFF),
              (0xAC00, 0xD7FF), (0xF900, 0xFFFD), (0x10000, 0x11FFF), (0x12000, 0x1FFFF), (0x20000, 0x323AF)]
    for i in range(count):
        kind = i % 4
        if kind == 0:
            text = rng.choice(["", " "]).join(rng.choice(WORDS) for _ in range(rng.randint(1, 12)))
        elif kind == 1:
            text = "".join(chr(rng.randint(0x20, 0x7E)) for _ in range(rng.randint(1, 40)))
        else:
            some = [rng.choice(blocks) for _ in range(1 if kind == 2 else 3)]
            text = "".join(chr(rng.randint(*rng.choice(some))) for _ in range(rng.randint(1, 16)))
        # characters that are no characters yet differ with the Unicode version; leave them out
        yield "".join(c for c in text if unicodedata.category(c) not in ("Cn", "Cs"))


def corpus(count, seed):
    texts = [*PROMPTS.split("\n"), *LANGUAGES.split("\n"), *EMOJI.split("\n"), *COMPOSITION, *SPACES]
    texts += [unicodedata.normalize("NFD", t) for t in LANGUAGES.split("\n")]
    texts += [t.upper() for t in PROMPTS.split("\n")[:20]] + [t.swapcase() for t in LANGUAGES.split("\n")]
    texts += list(long_strings()) + list(random_strings(count, random.Random(seed)))
    return list(dict.fromkeys(texts))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", default=ROOT / "tests/golden/tokens.json", type=pathlib.Path)
    parser.add_argument("--random", default=340, type=int)
    parser.add_argument("--seed", default=1, type=int)
    args = parser.parse_args()
    tokenizer = clip_tokenizer.load()
    rows = [[t, tokenizer(t, add_special_tokens=False)["input_ids"]] for t in corpus(args.random, args.seed)]
    head = {
        "program": f"transformers {transformers.__version__} CLIPTokenizer, tokenizers {tokenizers.__version__}",
        "seed": args.seed,
        "command": "tools/reference/make-tokens.py",
    }
    lines = ",\n".join(json.dumps(r, separators=(",", ":")) for r in rows)
    args.out.write_text(f'{json.dumps(head)[:-1]}, "strings": [\n{lines}\n]}}\n', encoding="ascii")
    print(len(rows), "strings")
