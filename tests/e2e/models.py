#!/usr/bin/python3
"""The menu of models: what lies in folders, chosen, copied in and taken away. models.py CALOTYPE MODEL

SPDX-License-Identifier: GPL-3.0-or-later
"""

import os
import shutil
import sys
import tempfile
import time
import unittest

from driver import Window, journal, mouse, pictures, wait_for, write_journal
from files import write_tensors

PROGRAM, MODEL = (os.path.abspath(sys.argv[i]) for i in (1, 2))
from speed import Watched, shared  # noqa: E402  (takes the arguments away)

OWN = os.path.expanduser("~/.local/share/calotype/models")
WEBUI = os.path.expanduser("~/stable-diffusion-webui/models")
ROW_MS = 40  # of processor time in one stretch: GTK's making and styling of rows, on a machine that does much else


def tree():
    """Models in our own folder and in another program's."""
    for folder in (f"{OWN}/checkpoints", f"{OWN}/loras", f"{OWN}/vae", f"{WEBUI}/Stable-diffusion"):
        os.makedirs(folder)
    shutil.copy(MODEL, f"{OWN}/checkpoints/first light.safetensors")
    os.link(f"{OWN}/checkpoints/first light.safetensors", f"{WEBUI}/Stable-diffusion/second wind.safetensors")
    with open(MODEL, "rb") as file, open(f"{OWN}/checkpoints/cut short.safetensors", "wb") as cut:
        cut.write(file.read(400000))
    os.utime(f"{OWN}/checkpoints/cut short.safetensors", (1, 1))
    with open(f"{WEBUI}/Stable-diffusion/old style.ckpt", "wb") as file:
        file.write(b"PK")
    write_tensors(f"{OWN}/loras/an ink.safetensors",
                  {"lora_unet_x_attn2_to_k.lora_down.weight": ("F32", [2, 768], bytes(2 * 768 * 4))})
    os.utime(f"{OWN}/loras/an ink.safetensors", (1, 1))
    write_tensors(f"{OWN}/vae/other eyes.safetensors", {"decoder.up_blocks.0.w": ("F32", [2, 2], bytes(16))})


class Models(unittest.TestCase):
    def setUp(self):
        for folder in ("~/Pictures", "~/.local/state", "~/.local/share/calotype", "~/stable-diffusion-webui"):
            shutil.rmtree(os.path.expanduser(folder), ignore_errors=True)
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.window = None
        self.addCleanup(lambda: self.window and self.window.process.poll() is None and self.window.kill())
        tree()
        write_journal(MODEL, steps=2)

    def start(self, kind=None):
        self.window = kind(self.folder.name) if kind else Window(PROGRAM)
        self.window.resize(1000, 700)
        self.window.wait_enabled("generate")
        return self.window

    def open_menu(self):
        self.window.act("model-menu")
        self.window.wait_shows("Put a Stable Diffusion model", 10)
        time.sleep(1)  # rows come some at a time

    def wait_model(self, name):
        # The window's title is what the file says of itself, which is the same for all of them.
        wait_for(lambda: (journal() or {}).get("model", "").endswith(f"/{name}.safetensors"), f"{name} in the journal", 20)

    def row(self, title, seconds=10):
        return self.window.find(title, seconds=seconds, type="GtkLabel")

    def test_the_list(self):
        window = self.start()
        self.open_menu()
        self.row("old style")
        for title in ("first light", "second wind", "Sample Model"):
            self.assertTrue(self.row(title).sensitive)
        self.assertEqual([p.words for p in window.places() if p.words in ("Stable Diffusion 1.x", "Cannot be used",
                                                                          "Came with Calotype")],
                         ["Stable Diffusion 1.x", "Came with Calotype", "Cannot be used"])
        self.assertFalse(self.row("cut short").sensitive)
        self.assertFalse(self.row("old style").sensitive)
        self.assertTrue(window.shows("the file is cut off"))
        self.assertTrue(window.shows("pickle"))
        self.assertFalse(window.shows("an ink"))  # no model to make pictures with
        self.assertTrue(window.shows("Stable Diffusion WebUI"))
        window.type("SECOND")
        wait_for(lambda: not window.shows("first light"), "only what was searched for", 10)
        self.row("second wind")
        mouse("key", "Return")
        self.wait_model("second wind")

    def test_choosing_keeps_the_work(self):
        window = self.start()
        before = journal()["params"]
        self.open_menu()
        window.click(self.row("first light"))
        self.wait_model("first light")
        after = journal()["params"]
        for name in ("prompt", "seed", "steps", "width", "cfg"):
            self.assertEqual(after[name], before[name])
        window.wait_enabled("generate")
        window.act("generate")
        wait_for(lambda: len(pictures()) == 1, "a picture by it", 120)
        # It is what was used last, first of all and marked.
        self.open_menu()
        self.row("Recent")
        titles = [p.words for p in window.places() if p.type == "GtkLabel" and p.words in ("Recent", "first light", "second wind")]
        self.assertEqual(titles, ["Recent", "first light", "second wind"])
        wait_for(lambda: window.shows("used today"), "when it was used", 10)

    def test_what_cannot_be_used_is_not_chosen(self):
        window = self.start()
        title = window.title()
        self.open_menu()
        window.click(self.row("old style"))
        time.sleep(1)
        self.assertTrue(window.shows("Put a Stable Diffusion model"))  # still open
        self.assertEqual(window.title(), title)

    def test_copied_in_and_taken_away(self):
        window = self.start()
        self.open_menu()
        self.row("first light")
        path = f"{OWN}/checkpoints/third time.safetensors"
        with open(MODEL, "rb") as file:
            data = file.read()
        with open(path, "wb") as file:
            for i in range(3):  # a slow copy, which looks left alone between its pieces
                file.write(data[len(data) * i // 4:len(data) * (i + 1) // 4])
                file.flush()
                time.sleep(1.3)
                self.assertNotIn("third time", [p.words for p in window.places()])
            window.wait_shows("“third time” is still being copied.")
            file.write(data[len(data) * 3 // 4:])
        begin = time.monotonic()
        self.row("third time", seconds=20)
        took = time.monotonic() - begin
        self.assertLess(took, shared(2), "seconds until a copied model is listed")
        os.unlink(path)
        begin = time.monotonic()
        wait_for(lambda: not window.shows("third time"), "it to vanish", 20)
        self.assertLess(time.monotonic() - begin, shared(2))

    def test_folders(self):
        window = self.start()
        self.open_menu()
        self.row("second wind")
        window.click(window.find("Folders…"))
        self.row("Stable Diffusion WebUI")
        self.assertTrue(window.shows("2 files"))
        window.click(window.find("Do not list models of this folder"))
        window.wait_shows("Not listed")
        window.click(window.find("Back", type="GtkButton"))
        wait_for(lambda: not window.shows("second wind"), "its models to go", 10)
        window.click(window.find("Folders…"))
        window.click(window.find("List models of this folder again"))
        window.click(window.find("Back", type="GtkButton"))
        self.row("second wind")

    def test_vae(self):
        window = self.start()
        window.resize(1000, 1000)
        window.click(window.find(id="more_label"))
        vae = window.find(id="vae")
        window.wait_shows("Automatic")
        window.click(vae)
        window.click(self.row("other eyes"))
        window.act("generate")  # with what is a VAE by its names alone
        window.wait_shows("the VAE that it was given for is not in it", 60)
        self.assertEqual(pictures(), [])
        def opened():
            # On a screen without a window manager GTK misses a click after a list was closed.
            window.click(window.find(id="vae"))
            return any(p.words == "Automatic" for p in window.places())

        wait_for(opened, "the list of VAEs", 20)
        window.click(self.row("Automatic"))
        window.act("generate")
        wait_for(lambda: len(pictures()) == 1, "a picture with the model's own", 120)

    def test_a_name_that_is_not_known(self):
        write_journal(MODEL, steps=2, prompt="a house <lora:an inc:0.5>")
        window = self.start()
        window.act("generate")
        window.wait_shows("There is no LoRA “an inc” in the folders of models. Did you mean “an ink”?", 60)
        self.assertEqual(pictures(), [])

    def test_five_thousand(self):
        """Nothing keeps the window while five thousand models are listed, searched and shown again."""
        os.makedirs(f"{OWN}/checkpoints/many")
        for i in range(5000):
            os.link(f"{OWN}/checkpoints/first light.safetensors", f"{OWN}/checkpoints/many/model {i:04d}.safetensors")
        window = self.start(Watched)
        self.window.act("generate")
        wait_for(lambda: len(pictures()) == 1, "the first picture", 60)
        begin = len(window.text())
        self.open_menu()
        self.row("model 0000", seconds=120)
        window.wait_mark("models", 1)
        window.type("model 4999")
        self.row("model 4999", seconds=120)
        mouse("key", "Escape")
        wait_for(lambda: not window.shows("Put a Stable"), "the menu to close", 10)
        window.act("model-menu")
        self.row("first light")
        time.sleep(2)
        for cpu, samples in window.stretches(begin):
            self.assertLess(cpu, ROW_MS, "ms of processor time in a stretch:\n" + "\n".join(samples))


if __name__ == "__main__":
    unittest.main(warnings="ignore", argv=sys.argv[:1] + sys.argv[1:])
