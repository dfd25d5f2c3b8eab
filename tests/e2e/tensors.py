#!/usr/bin/python3
"""The Tensors page, driven by actions and keys and read as a screen reader does.
tensors.py CALOTYPE MODEL

SPDX-License-Identifier: GPL-3.0-or-later
"""

import hashlib
import json
import os
import shutil
import struct
import sys
import tempfile
import unittest

import gi

gi.require_version("Atspi", "2.0")
gi.require_version("GdkPixbuf", "2.0")
from gi.repository import Atspi, GdkPixbuf, GLib  # noqa: E402

from driver import Window, wait_for  # noqa: E402
from files import write_tensors  # noqa: E402

PROGRAM, MODEL = (os.path.abspath(sys.argv.pop(1)) for _ in range(2))
TENSOR = "model.diffusion_model.out.2.weight"
SEPIA, SEPIA_ON_DARK = (0x86, 0x5E, 0x3C), (0xCD, 0xAB, 0x8F)


def find(node, condition, depth=0):
    """The first accessible object, of all that a screen reader could reach, for which condition holds."""
    if node is None or depth > 40:
        return None
    if condition(node):
        return node
    for i in range(node.get_child_count()):
        try:
            found = find(node.get_child_at_index(i), condition, depth + 1)
        except GLib.Error:
            continue  # it went while we looked
        if found is not None:
            return found
    return None


def count_pixels(path, colour, box=None, tolerance=2):
    picture = GdkPixbuf.Pixbuf.new_from_file(path)
    width, height, stride, channels = (picture.get_width(), picture.get_height(), picture.get_rowstride(),
                                       picture.get_n_channels())
    data = picture.get_pixels()
    x0, y0, x1, y1 = box or (0, 0, width, height)
    n = 0
    for y in range(y0, min(y1, height)):
        row = data[y * stride:y * stride + width * channels]
        for x in range(x0, min(x1, width)):
            at = x * channels
            if all(abs(row[at + i] - colour[i]) <= tolerance for i in range(3)):
                n += 1
    return n


class Tensors(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.window = None
        self.addCleanup(self.end)

    def end(self):
        if self.window is not None and self.window.process.poll() is None:
            self.window.kill()

    def start(self, *args, **env):
        self.window = Window(PROGRAM, *args, env={"GTK_A11Y": "atspi", **env})
        return self.window

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def shows(self, text):
        path = self.path("texts")
        self.window.act("write-texts", GLib.Variant("s", path))
        wait_for(lambda: os.path.exists(path), "the texts", 10)
        with open(path) as file:
            return text in file.read()

    def see(self, text, seconds=30):
        wait_for(lambda: self.shows(text), f"'{text}' in the window", seconds)

    def select(self, name):
        self.window.act("select-tensor", GLib.Variant("s", name))

    def chart(self, name, colour=SEPIA):
        """Pixels of data ink right of the tree; the picture stays in the folder of the test."""
        path = self.path(name)
        self.window.look(path)
        return count_pixels(path, colour, (570, 150, 990, 480))

    def test_open_expand_select(self):
        window = self.start(MODEL)
        self.see("Stable Diffusion 1.x")
        self.see("UNet")
        window.act("expand-all")
        self.select(TENSOR)
        self.see(TENSOR)
        wait_for(lambda: self.chart("chart.png") > 2000, "the histogram to be drawn")
        # What a person who does not see the chart is told.
        chart = find(Atspi.get_desktop(0), lambda node: node.get_name() == "Histogram")
        self.assertIsNotNone(chart)
        self.assertIn("values in ", chart.get_description())
        before = self.chart("linear.png")
        window.act("histogram-symlog")
        wait_for(lambda: self.chart("symlog.png") != before, "the other scale")
        self.assertEqual(window.quit(), 0)

    def test_search_and_keys(self):
        window = self.start(MODEL)
        self.see("Stable Diffusion 1.x")
        window.keys("ctrl+f")
        window.type("out.2.weight unet")
        self.see("1 of 578")
        window.keys("Escape")
        window.keys("Home", "Down", "Right", "Down")
        self.see("model.diffusion_model.input_blocks.0")
        window.keys("Menu")
        self.see("Unfold All Below")
        window.keys("Escape")
        wait_for(lambda: not self.shows("Unfold All Below"), "the menu to go")
        window.keys("ctrl+c")
        self.see("Copied")
        window.keys("alt+1")
        self.assertFalse(self.shows("Distribution"))
        window.keys("alt+2")
        self.see("Distribution")
        window.keys("ctrl+question")
        self.see("Keyboard Shortcuts")
        window.keys("Escape")
        window.keys("ctrl+q")
        self.assertEqual(window.process.wait(timeout=30), 0)

    def test_what_it_is(self):
        """The verdict with its reason, hashes, and the metadata decoded."""
        path = self.path("ink.safetensors")
        name = "lora_unet_double_blocks_0_img_attn_qkv"
        data = bytes(64)
        digits = hashlib.sha256(data * 2).hexdigest()
        write_tensors(path, {f"{name}.lora_down.weight": ("BF16", [4, 8], data), f"{name}.lora_up.weight": ("BF16", [8, 4], data)},
                      {"modelspec.hash_sha256": digits, "ss_network_dim": "4", "ss_training_started_at": "1700000000.5",
                       "ss_tag_frequency": json.dumps({"1_a": {"ink cat": 3, "sky": 4}, "2_b": {"ink cat": 5}})})
        window = self.start(path)
        self.see("A LoRA for Flux, rank 4, named as kohya’s scripts do, BF16, 128 bytes, 2 tensors")
        self.see(f"Decided by \u2066{name}.lora_down.weight\u2069")
        self.see("✓ The tensors are those that modelspec.hash_sha256 tells of")
        with open(path, "rb") as file:
            self.see(hashlib.sha256(file.read()).hexdigest()[:10])
        self.see("Rank · \u2066ss_network_dim\u2069")
        self.assertFalse(self.shows("1700000000"))
        self.assertEqual(window.quit(), 0)

    def test_patterns_of_the_unknown(self):
        path = self.path("unknown.safetensors")
        write_tensors(path, {f"layers.{i}.attn.q": ("F16", [2, 2], bytes(8)) for i in range(32)})
        window = self.start(path)
        self.see("Tensors of a kind not known here, F16, 256 bytes, 32 tensors")
        self.see("\u2066layers.#.attn.q\u2069 × 32")
        self.assertEqual(window.quit(), 0)

    def test_broken_files(self):
        cut = self.path("cut.safetensors")
        with open(MODEL, "rb") as whole, open(cut, "wb") as part:
            part.write(whole.read(200000))
        web = self.path("web.safetensors")
        with open(web, "w") as out:
            out.write("<!DOCTYPE html><html><body>Not found</body></html>")
        window = self.start(cut)
        self.see("“cut.safetensors” Cannot Be Opened")
        self.see("Download or copy the file again")
        self.see("Show What Can Be Read")
        window.act("use-model", GLib.Variant("s", web))
        self.see("“web.safetensors” Cannot Be Opened")
        window.act("use-model", GLib.Variant("s", self.path("nothing-here.safetensors")))
        self.see("“nothing-here.safetensors” Cannot Be Opened")
        window.act("use-model", GLib.Variant("s", MODEL))
        self.see("Stable Diffusion 1.x")
        self.assertEqual(window.quit(), 0)
        # The reader's own sentence is in the person's language, with its numbers.
        window = self.start(cut, LANGUAGE="sv")
        self.see("Filen är avhuggen: dess tensorer behöver 34")
        window.act("use-model", GLib.Variant("s", web))
        self.see("Det här är en webbsida, inte modellen")
        self.assertEqual(window.quit(), 0)

    def test_damaged_files(self):
        """What can be read of a truncated file is a tree like any other, and marked."""
        cut, torn = self.path("cut.safetensors"), self.path("torn.safetensors")
        write_tensors(cut, {"a.whole": ("F32", [4], struct.pack("<4f", 1, 2, 3, 4)),
                            "a.missing": ("F32", [4], struct.pack("<4f", 1, 2, 3, 4))})
        os.truncate(cut, os.path.getsize(cut) - 4)
        with open(torn, "wb") as out:
            out.write(struct.pack("<Q", 40) + b'{"a":{"dtype":"F99","shape":[1],"data_of')
        window = self.start(cut)
        self.see("“cut.safetensors” Cannot Be Opened")
        window.act("show-damaged", GLib.Variant("s", cut))
        self.see("cut (damaged)")
        self.see("This file is damaged: the file is cut off")
        self.see("What can be read of a damaged file is shown.")
        self.select("a.whole")
        self.see("2.5")  # the mean
        self.select("a.missing")
        self.see("No statistics: the bytes are not there")
        # Of this one only the text can be shown.
        window.act("show-damaged", GLib.Variant("s", torn))
        self.see("“torn.safetensors” Cannot Be Opened")
        self.see("data_of")
        # A sound file takes the banner away.
        window.act("use-model", GLib.Variant("s", MODEL))
        self.see("Stable Diffusion 1.x")
        wait_for(lambda: not self.shows("What can be read of a damaged file"), "the banner to go")
        self.assertEqual(window.quit(), 0)

    def test_several_windows(self):
        other = self.path("other.safetensors")
        write_tensors(other, {"a.b": ("F32", [4], struct.pack("<4f", 1, 2, 3, 4)),
                              "a.c": ("F32", [2], struct.pack("<2f", float("nan"), 1))})
        window = self.start(MODEL)
        self.see("Stable Diffusion 1.x")
        window.app_act("open-path", GLib.Variant("s", other))
        wait_for(lambda: window.actions(2), "the second window")
        self.see("2 tensors")  # nothing can be selected before it is read
        window.act("select-tensor", GLib.Variant("s", "a.c"), 2)
        self.see("1 (50 %)")  # NaN
        window.act("close", window=2)
        wait_for(lambda: not window.actions(2), "the second window to go")
        self.assertEqual(window.quit(), 0)

    def test_file_changes_while_open(self):
        copy = self.path("copy.safetensors")
        shutil.copyfile(MODEL, copy)
        with open(copy, "rb") as file:
            header = 8 + struct.unpack("<Q", file.read(8))[0]
        window = self.start(copy)
        self.see("Stable Diffusion 1.x")
        os.truncate(copy, header + 1000)
        window.act("reload")
        self.see("“copy.safetensors” Cannot Be Opened")
        shutil.copyfile(MODEL, copy)
        window.act("use-model", GLib.Variant("s", copy))
        self.see("Stable Diffusion 1.x")
        self.assertEqual(window.quit(), 0)

    def test_dark_and_hebrew(self):
        window = self.start(MODEL, ADW_DEBUG_COLOR_SCHEME="prefer-dark")
        self.see("Stable Diffusion 1.x")
        self.select(TENSOR)
        # Without Adwaita the window stays light; with it the ink is the other one.
        wait_for(lambda: self.chart("dark.png", SEPIA_ON_DARK) > 2000 or self.chart("dark.png") > 2000,
                 "the histogram in the dark")
        window.quit()
        window = self.start(MODEL, LANGUAGE="he")
        self.see("UNet")
        self.select(TENSOR)
        self.see(TENSOR)
        path = self.path("hebrew.png")
        # The window is mirrored: the chart stands at the left.
        wait_for(lambda: window.look(path) and count_pixels(path, SEPIA, (10, 150, 430, 480)) > 2000,
                 "the histogram at the left")
        self.assertEqual(window.quit(), 0)

    def test_narrow(self):
        window = self.start(MODEL)
        self.see("Stable Diffusion 1.x")
        window.resize(360, 640)
        wait_for(lambda: not self.shows("Stable Diffusion 1.x"), "the tree alone")
        self.select(TENSOR)
        self.see(TENSOR)
        path = self.path("narrow.png")
        window.look(path)
        self.assertLessEqual(GdkPixbuf.Pixbuf.new_from_file(path).get_width(), 380)
        self.assertGreater(count_pixels(path, SEPIA), 2000)
        window.act("show-tree")
        wait_for(lambda: not self.shows(TENSOR), "the way back")
        self.assertEqual(window.quit(), 0)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
