#!/usr/bin/python3
"""The settings and the session of the Pictures page, with a mouse and a keyboard.
form.py CALOTYPE PEER MODEL

SPDX-License-Identifier: GPL-3.0-or-later
"""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import zlib

from driver import Window, journal, mouse, pictures, wait_for, write_journal
from files import png_texts, write_tensors

PROGRAM, PEER, MODEL = (os.path.abspath(sys.argv.pop(1)) for _ in range(3))
A1111 = ("a white house in the snow\nNegative prompt: trees\n"
         "Steps: 7, Sampler: Euler a, CFG scale: 5.5, Seed: 1234, Size: 96x160, Model: other")
COMFY = {
    "3": {"class_type": "KSampler", "inputs": {"seed": 77, "steps": 9, "cfg": 3.5, "sampler_name": "euler", "scheduler": "normal",
          "denoise": 1, "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "other.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 160, "height": 96, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a blue square on yellow", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "red", "clip": ["4", 1]}},
}


def write_png(path, **texts):
    """Eight grey pixels with text chunks."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    with open(path, "wb") as out:
        out.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 1, 8, 0, 0, 0, 0)))
        for key, text in texts.items():
            out.write(chunk(b"tEXt", key.encode() + b"\0" + text.encode("latin-1")))
        out.write(chunk(b"IDAT", zlib.compress(bytes(9))) + chunk(b"IEND", b""))


class Form(unittest.TestCase):
    def setUp(self):
        for folder in ("~/Pictures", "~/.local"):
            shutil.rmtree(os.path.expanduser(folder), ignore_errors=True)
        folder = tempfile.TemporaryDirectory()
        self.folder = folder.name
        self.addCleanup(folder.cleanup)
        self.window = None
        self.addCleanup(self.end)

    def end(self):
        if self.window is not None and self.window.process.poll() is None:
            self.window.kill()

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, *args, env=None, size=(1000, 700), **params):
        write_journal(MODEL, **{"steps": 4, "seed": "9", **params})
        self.window = Window(PROGRAM, *args, env=env)
        self.window.wait_enabled("generate")
        self.window.resize(*size)
        return self.window

    def peer(self, *args):
        peer = subprocess.Popen([PEER, *args])
        self.addCleanup(peer.wait)
        self.addCleanup(peer.terminate)
        return peer

    def params(self):
        return (journal() or {"params": {}})["params"]

    def wait_params(self, **wanted):
        wait_for(lambda: all(self.params().get(k) == v for k, v in wanted.items()), f"{wanted} in the journal, not {self.params()}", 10)

    def values(self):
        """What the controls show, by their names."""
        return {p.id: p.words for p in self.window.places()
                if p.type in ("GtkSpinButton", "GtkEntry", "GtkTextView") or p.id == "more_label"}

    def size(self):
        return [p.words for p in self.window.places() if p.type == "GtkLabel" and "×" in p.words][0].strip("\u2066\u2069")

    # ---- form manners ----

    def test_the_wheel_scrolls_the_panel(self):
        window = self.start(size=(1000, 560))
        window.click(window.find(id="more_label"))
        before, top = self.values(), window.find(id="content").y
        for name in ("prompt", "negative", "size_button", "batch", "seed", "lock", "steps", "cfg", "sampler", "schedule"):
            with self.subTest(name):
                window.wheel(window.find(id="scroller"), -20)
                low = name in ("steps", "cfg", "sampler", "schedule")
                if low:
                    window.wheel(window.find(id="scroller"), 3)
                from_here = window.find(id="content").y
                window.wheel(window.find(id=name), -2 if low else 2)
                self.assertNotEqual(window.find(id="content").y, from_here)
        # The focus makes no difference.
        window.wheel(window.find(id="scroller"), -20)
        window.click(window.find(id="batch"), at=(0.2, 0.5))
        window.wheel(window.find(id="batch"), 3)
        self.assertLess(window.find(id="content").y, top)
        self.assertEqual(self.values(), before)

    def test_size(self):
        window = self.start()
        window.click(window.find(id="size_button"))
        width, height = [p for p in window.places() if p.type == "GtkSpinButton" and not p.id]
        window.click(width, at=(0.2, 0.5))
        mouse("key", "ctrl+a")
        window.type("500")
        mouse("key", "Return")
        window.wait_shows("500 → 504")
        self.assertEqual(self.size(), "504 × 128")
        window.click(window.find("Swap width and height"))
        self.assertEqual(self.size(), "128 × 504")
        self.assertFalse(window.shows("500 → 504"), "it is no longer about what was typed")
        window.click(window.find("\u206616:9\u2069"))
        self.assertEqual(self.size(), "168 × 96")
        mouse("key", "Escape")
        window.click(window.find("Back to the model’s value", y=window.find(id="size_button").y))
        self.assertEqual(self.size(), "128 × 128")
        self.wait_params(width=128, height=128)


    def test_the_prompt(self):
        window = self.start(prompt="a red woman on the sea")
        window.wait_shows("The sample model was not taught ‘woman’.")
        window.wait_shows("6/75")
        window.click(window.find("Use a Bigger Model…"))
        window.wait_shows("Put a Stable Diffusion model")
        window.click(window.find("a blue house in a green field on a sunny day, trees, white clouds", type="GtkButton"))
        self.wait_params(prompt="a blue house in a green field on a sunny day, trees, white clouds")
        self.assertFalse(window.shows("was not taught"))
        window.keys("ctrl+z")
        self.wait_params(prompt="a red woman on the sea")
        window.click(window.find(id="prompt"), at=(0.5, 0.3))
        window.keys("ctrl+a")
        window.type("sea " * 80)
        window.wait_shows("80/75", 20)
        window.wait_shows("Only 75 tokens are read")
        window.keys("Tab")
        self.assertFalse(window.find(id="prompt").focused, "Tab leaves the prompt")

    def test_earlier_prompts(self):
        window = self.start(prompt="a red circle")
        window.keys("F6")
        for text in ("a blue square", "a green heart"):
            window.keys("ctrl+Return")
            window.keys("ctrl+a")
            window.type(text)
        self.wait_params(prompt="a green heart")
        seen = []
        for key in ("alt+Up", "alt+Up", "alt+Up", "alt+Down", "alt+Down"):
            window.keys(key)
            seen.append(self.values()["prompt"])
        self.assertEqual(seen, ["a blue square", "a red circle", "a red circle", "a blue square", "a green heart"])

    def focused(self):
        return next(((p.id or p.type) for p in self.window.places() if p.focused), None)

    def test_the_keyboard_reaches_all(self):
        window = self.start()
        window.find(id="model_button")
        # Without a picture there are only the settings to go to.
        seen = []
        for _ in range(4):
            window.keys("F6")
            seen.append(self.focused())
        self.assertEqual(seen, ["prompt", "GtkText", "GtkToggleButton", "prompt"])
        window.keys("ctrl+Return")
        window.wait_enabled("save-copy")
        seen = []
        for _ in range(4):
            window.keys("F6")
            seen.append(self.focused())
        self.assertEqual(seen[:2], ["GtkText", "AppCanvas"])
        self.assertEqual(seen[2:], ["GtkListItemWidget", "GtkToggleButton"])

    def test_the_seed(self):
        window = self.start()
        window.keys("ctrl+l")  # the journal had it locked
        window.click(window.find("Generate", type="GtkLabel"))
        wait_for(lambda: self.values()["seed"] != "9", "a new seed", 10)
        first = self.values()["seed"]
        self.wait_params(seed=first)
        window.keys("ctrl+Return")
        wait_for(lambda: self.values()["seed"] != first, "another", 10)
        second = self.values()["seed"]
        window.click(window.find(id="lock"))
        window.keys("ctrl+Return")
        time.sleep(1)
        self.assertEqual(self.values()["seed"], second)
        window.keys("shift+ctrl+Return")
        wait_for(lambda: self.values()["seed"] == str(int(second) + 1), "the next seed", 10)
        wait_for(lambda: len(pictures()) == 4, "four pictures")
        seeds = [png_texts(p)["parameters"].rsplit("Seed: ", 1)[1].split(",")[0] for p in pictures()]
        self.assertEqual(seeds, [first, second, second, str(int(second) + 1)])

    def test_the_way_back(self):
        window = self.start(steps=33, cfg=2.5, sampler="euler", schedule="normal")
        window.wait_shows("33 steps, 2.5, Euler")
        window.click(window.find(id="more_label"))
        for name in ("steps", "cfg", "sampler"):
            place = window.find(id=name)
            window.click(window.find("Back to the model’s value", y=place.y, sensitive=1))
        self.wait_params(steps=20, cfg=4, sampler="dpmpp_2m", schedule="karras")
        self.assertFalse([p for p in window.places() if p.tip == "Back to the model’s value" and p.sensitive])
        window.click(window.find(id="more_label"))
        window.wait_shows("20 steps, 4.0, DPM++ 2M")
        for _ in range(3):
            window.keys("ctrl+z")
        self.wait_params(steps=33, cfg=2.5, sampler="euler", schedule="normal")
        window.keys("shift+ctrl+z")
        self.wait_params(steps=20, cfg=2.5)

    # ---- settings from outside ----

    def drag(self, path, place):
        """From another program's window onto that place, with the mouse."""
        self.peer("drag", path)
        found = lambda: subprocess.run(["xdotool", "search", "--onlyvisible", "--class", "peer"], capture_output=True, text=True).stdout.split()
        peer = wait_for(found, "the other window", 10)[0]
        mouse("windowmove", "--sync", peer, 1300, 800)
        time.sleep(0.5)
        mouse("mousemove", 1350, 830)
        mouse("mousedown", 1)
        for step in range(6):
            mouse("mousemove", 1350 - 10 * step, 830 - 10 * step)
        x, y = self.window.point(place)
        for step in range(5):
            mouse("mousemove", x + 5 - step, y)
            time.sleep(0.1)
        mouse("mouseup", 1)
        time.sleep(0.5)

    def filled_and_undone(self, before, **wanted):
        window = self.window
        window.click(window.find("Fill In All Settings"))
        self.wait_params(**wanted)
        self.assertTrue(window.state("lock-seed"))
        window.click(window.find("Undo", type="GtkLabel"))
        self.wait_params(**before)

    def test_dropped_picture(self):
        window = self.start(prompt="a red circle")
        before = self.params()
        write_png(self.path("a1111.png"), parameters=A1111)
        self.drag(self.path("a1111.png"), window.find(id="prompt"))
        self.filled_and_undone(before, prompt="a white house in the snow", negative="trees", steps=7, cfg=5.5,
                               seed="1234", width=96, height=160, sampler="euler_ancestral")

    def test_dropped_comfyui_picture(self):
        window = self.start(prompt="a red circle")
        before = self.params()
        write_png(self.path("comfy.PNG"), prompt=json.dumps(COMFY))
        self.drag(self.path("comfy.PNG"), window.find("No Picture Yet"))
        self.filled_and_undone(before, prompt="a blue square on yellow", negative="red", steps=9, cfg=3.5,
                               seed="77", width=160, height=96, sampler="euler", schedule="normal")

    def test_dropped_picture_that_tells_nothing(self):
        window = self.start(prompt="a red circle")
        before = self.params()
        write_png(self.path("plain.png"))
        self.drag(self.path("plain.png"), window.find(id="prompt"))
        window.wait_shows("This picture does not tell how it was made.")
        self.assertEqual(self.params(), before)

    def test_dropped_model(self):
        window = self.start(prompt="a red circle")
        shutil.copy(MODEL, self.path("other.safetensors"))
        self.drag(self.path("other.safetensors"), window.find(id="prompt"))
        window.find(self.path("other.safetensors"), id="model_button", seconds=20)
        self.assertEqual(self.values()["prompt"], "a red circle")

    def test_pasted_text(self):
        window = self.start(prompt="a red circle")
        before = self.params()
        with open(self.path("text"), "w") as file:
            file.write(A1111)
        self.peer("copy", self.path("text"))
        time.sleep(1)
        window.click(window.find(id="prompt"), at=(0.5, 0.3))
        window.keys("ctrl+a")
        window.keys("ctrl+v")
        window.click(window.find("Fill In All Settings"))
        self.wait_params(prompt="a white house in the snow", negative="trees", steps=7, seed="1234")
        window.click(window.find("Undo", type="GtkLabel"))
        self.wait_params(prompt=A1111)
        window.keys("ctrl+z")
        self.wait_params(**before)
        window.act("paste-settings")
        self.filled_and_undone(before, prompt="a white house in the snow", negative="trees", steps=7, seed="1234")


if __name__ == "__main__":
    unittest.main(warnings="ignore")
