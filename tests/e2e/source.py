#!/usr/bin/python3
"""Pictures from pictures with calotype-cli. source.py CALOTYPE_CLI INPAINT-MODEL INSTRUCTION-MODEL

SPDX-License-Identifier: GPL-3.0-or-later
"""

import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

from files import png_rows, png_texts

CLI, INPAINT, INSTRUCT = (os.path.abspath(sys.argv.pop(1)) for _ in range(3))
SIDE = 64


def write_png(path, width, height, pixel, colour=2, depth=8):
    """pixel(x, y) -> values of one pixel"""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            for value in pixel(x, y):
                rows += struct.pack(">H" if depth == 16 else "B", value)
    chunk = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    with open(path, "wb") as out:
        out.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
                  + chunk(b"IDAT", zlib.compress(bytes(rows))) + chunk(b"IEND", b""))


def slope(x, y):
    return (40 + 2 * x) % 256, (220 - 2 * y) % 256, 90 + (x * 7 + y * 3) % 30


def pixels(path):
    """width, height, {(x, y): (r, g, b)}"""
    width, height, n, rows = png_rows(path)
    return width, height, lambda x, y: tuple(rows[y][n * x:n * x + 3])


class Source(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.picture("in.png", SIDE, SIDE)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def picture(self, name, width, height, pixel=slope, **kind):
        write_png(self.path(name), width, height, pixel, **kind)
        return self.path(name)

    def run_cli(self, *args):
        return subprocess.run([CLI, "generate", "--steps", "3", "--seed", "5", "--sampler", "euler", "--output",
                               self.path("out.png"), *args], capture_output=True, text=True, timeout=240)

    def make(self, *args, source="in.png"):
        done = self.run_cli("--init-image", self.path(source), *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def refused(self, words, *args):
        done = self.run_cli(*args)
        self.assertNotEqual(done.returncode, 0, args)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertFalse(os.path.exists(self.path("out.png")))

    def test_image_to_image(self):
        self.make("--strength", "0.5", "--prompt", "a red circle")
        width, height, at = pixels(self.path("out.png"))
        self.assertEqual((width, height), (SIDE, SIDE))
        self.assertNotEqual(at(30, 30), slope(30, 30))
        texts = png_texts(self.path("out.png"))
        self.assertIn("Denoising strength: 0.5", texts["parameters"])
        self.assertNotIn("Mask", texts["parameters"])
        own = json.loads(texts["calotype"])
        self.assertEqual(own["init"]["strength"], 0.5)
        self.assertEqual(own["steps_done"], 2)
        self.assertEqual(own["parent"], "in.png")
        self.make("--denoise", "0.5")
        self.assertEqual(json.loads(png_texts(self.path("out.png"))["calotype"])["steps_done"], 3)

    def test_sizes(self):
        """The picture's own where none is said, whatever it is; a large one is made smaller, and that is told."""
        self.picture("odd.png", 60, 45)
        self.make(source="odd.png")
        self.assertEqual(pixels(self.path("out.png"))[:2], (64, 48))
        self.picture("large.png", 600, 300)
        done = self.make(source="large.png")
        width, height = pixels(self.path("out.png"))[:2]
        self.assertAlmostEqual(width / height, 2, delta=0.2)
        self.assertLess(width, 300)
        self.assertIn("600×300", done.stderr)
        for mode in ("crop", "fill", "stretch"):
            self.make("--width", "64", "--height", "40", "--resize", mode)
            self.assertEqual(pixels(self.path("out.png"))[:2], (64, 40))

    def kept(self, where, width, height, made):
        """What lies outside is as it was, bit for bit; inside it is not."""
        w, h, at = pixels(self.path("out.png"))
        self.assertEqual((w, h), (width, height))
        changed = 0
        for y in range(height):
            for x in range(width):
                if where(x, y):
                    changed += at(x, y) != slope(x, y)
                else:
                    self.assertEqual(at(x, y), slope(x, y), (x, y))
        self.assertGreater(changed, made)

    def test_mask(self):
        where = lambda x, y: 20 <= x < 44 and 12 <= y < 50
        mask = self.picture("mask.png", SIDE, SIDE, lambda x, y: (255 * where(x, y),), colour=0)
        for content in ("original", "fill", "noise", "nothing"):
            self.make("--mask", mask, "--strength", "1", "--masked-content", content)
            self.kept(where, SIDE, SIDE, 400)
        self.assertIn("Masked content: latent nothing", png_texts(self.path("out.png"))["parameters"])

    def test_only_masked(self):
        """Of a picture larger than the model, and of no multiple of 8."""
        where = lambda x, y: 100 <= x < 130 and 70 <= y < 90
        self.picture("large.png", 403, 251)
        mask = self.picture("mask.png", 403, 251, lambda x, y: (255 * where(x, y),), colour=0)
        for options in (["--only-masked", "--padding", "16"], []):
            done = self.make("--mask", mask, *options, "--strength", "1", source="large.png")
            self.kept(where, 403, 251, 300)
            self.assertEqual("only the masked part" in done.stderr, not options)
        self.assertIn("Inpaint area: Only masked", png_texts(self.path("out.png"))["parameters"])

    def test_alpha(self):
        """What is transparent is made; what is not stays."""
        where = lambda x, y: x >= 32
        self.picture("clear.png", SIDE, SIDE, lambda x, y: slope(x, y) + (0 if where(x, y) else 255,), colour=6)
        done = self.make("--strength", "1", source="clear.png")
        self.assertIn("transparent", done.stderr)
        self.kept(where, SIDE, SIDE, 1000)

    def test_kinds(self):
        """Grey, and 16 bits a channel."""
        self.picture("grey.png", SIDE, SIDE, lambda x, y: (4 * x,), colour=0)
        self.make(source="grey.png")
        self.picture("deep.png", SIDE, SIDE, lambda x, y: tuple(257 * c for c in slope(x, y)), depth=16)
        self.make("--strength", "0.4", source="deep.png")
        deep = pixels(self.path("out.png"))[2]
        self.make("--strength", "0.4")
        self.assertEqual(deep(20, 20), pixels(self.path("out.png"))[2](20, 20))

    def test_extend(self):
        for passes in ([], ["--seam-pass"]):
            self.make("--extend", "16,0,24,8", "--overlap", "12", "--strength", "1", *passes)
            width, height, at = pixels(self.path("out.png"))
            self.assertEqual((width, height), (104, 72))
            reach = 16 if passes else 12
            for y in range(SIDE - reach):
                for x in range(reach, SIDE - reach):
                    self.assertEqual(at(x + 16, y), slope(x, y), (x, y))
        own = json.loads(png_texts(self.path("out.png"))["calotype"])
        self.assertEqual((own["width"], own["height"]), (104, 72))

    def test_models(self):
        """Models made for pictures: in-painting also from words alone, instructions not."""
        mask = self.picture("mask.png", SIDE, SIDE, lambda x, y: (255 * (16 <= x < 48),), colour=0)
        more = ["--model", INPAINT, "--prompt", "a cat", "--width", "64", "--height", "64"]
        self.make("--mask", mask, "--strength", "1", *more)
        self.kept(lambda x, y: 16 <= x < 48, SIDE, SIDE, 400)
        os.unlink(self.path("out.png"))
        done = self.run_cli(*more)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.make("--model", INSTRUCT, "--instruct", "make it snow", "--image-cfg", "1.2")
        text = png_texts(self.path("out.png"))["parameters"]
        self.assertTrue(text.startswith("make it snow"))
        self.assertIn("Image CFG scale: 1.2", text)
        os.unlink(self.path("out.png"))
        self.refused(["follows instructions", "picture"], "--model", INSTRUCT, "--prompt", "a cat")
        self.refused(["does not follow instructions"], "--init-image", self.path("in.png"), "--instruct", "make it snow")

    def test_refused(self):
        picture = ["--init-image", self.path("in.png")]
        black = self.picture("black.png", SIDE, SIDE, lambda x, y: (0,), colour=0)
        small = self.picture("small.png", 32, 32, lambda x, y: (255,), colour=0)
        with open(self.path("text.png"), "w") as file:
            file.write("no picture")
        for words, args in (
                (["--init-image"], ["--strength", "0.5"]),
                (["--init-image"], ["--mask", black]),
                (["Nothing is masked"], [*picture, "--mask", black]),
                (["32", "64"], [*picture, "--mask", small]),
                (["strength", "1.5"], [*picture, "--strength", "1.5"]),
                (["--strength", "0,5"], [*picture, "--strength", "0,5"]),
                (["--extend", "four"], [*picture, "--extend", "8,8"]),
                (["12", "8 and 16"], [*picture, "--extend", "12,0,0,0"]),
                (["--resize", "crop, fill or stretch"], [*picture, "--resize", "squeeze"]),
                (["--masked-content"], [*picture, "--mask", small, "--masked-content", "sand"]),
                (["--denoise"], [*picture, "--strength", "0.5", "--denoise", "0.5"]),
                (["--seam-pass", "--extend"], [*picture, "--seam-pass"]),
                (["--prompt and --instruct"], [*picture, "--prompt", "a", "--instruct", "b"]),
                (["text.png"], ["--init-image", self.path("text.png")]),
                (["none.png"], ["--init-image", self.path("none.png")])):
            self.refused(words, *args)


if __name__ == "__main__":
    unittest.main()
