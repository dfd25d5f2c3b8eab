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
import threading
import time
import unittest
import zlib

from gi.repository import Gio, GLib

from driver import Window, journal, mouse, pictures, wait_for, write_journal
from files import png_texts, write_tensors

PROGRAM, PEER, MODEL = (os.path.abspath(sys.argv.pop(1)) for _ in range(3))
A1111 = ("a white house in the snow\nNegative prompt: trees\n"
         "Steps: 7, Sampler: Euler a, CFG scale: 5.5, Seed: 1234, Size: 96x160, Model: other, Clip skip: 2, Emphasis: No norm")
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


def copy_model(path, title):
    """The sample model under another name."""
    with open(MODEL, "rb") as file:
        n, = struct.unpack("<Q", file.read(8))
        header, data = json.loads(file.read(n)), file.read()
    header["__metadata__"]["modelspec.title"] = title
    text = json.dumps(header).encode()
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text + data)


class Desktop:
    """What a desktop answers on the bus: notifications and the keeper of the session. Calls are kept."""
    INTERFACES = """<node>
      <interface name="org.freedesktop.Notifications">
        <method name="Notify"><arg type="s"/><arg type="u"/><arg type="s"/><arg type="s"/><arg type="s"/>
          <arg type="as"/><arg type="a{sv}"/><arg type="i"/><arg type="u" direction="out"/></method>
        <method name="CloseNotification"><arg type="u"/></method>
        <method name="GetCapabilities"><arg type="as" direction="out"/></method>
      </interface>
      <interface name="org.gnome.SessionManager">
        <method name="RegisterClient"><arg type="s"/><arg type="s"/><arg type="o" direction="out"/></method>
        <method name="Inhibit"><arg type="s"/><arg type="u"/><arg type="s"/><arg type="u"/><arg type="u" direction="out"/></method>
        <method name="Uninhibit"><arg type="u"/></method>
      </interface></node>"""

    def __init__(self):
        self.calls, self.inhibited, self.cookie = [], set(), 0
        self.bus = Gio.bus_get_sync(Gio.BusType.SESSION)
        node = Gio.DBusNodeInfo.new_for_xml(self.INTERFACES)
        self.objects = [self.bus.register_object("/" + i.name.replace(".", "/"), i, self.on_call, None, None) for i in node.interfaces]
        self.names = [Gio.bus_own_name_on_connection(self.bus, i.name, Gio.BusNameOwnerFlags.NONE, None, None) for i in node.interfaces]
        self.loop = GLib.MainLoop()
        self.thread = threading.Thread(target=self.loop.run, daemon=True)
        self.thread.start()

    def on_call(self, bus, sender, path, interface, method, parameters, invocation):
        values = parameters.unpack()
        self.calls.append((method, values))
        answer = None
        if method == "Notify":
            answer = GLib.Variant("(u)", (1,))
        elif method == "GetCapabilities":
            answer = GLib.Variant("(as)", (["actions", "body"],))
        elif method == "RegisterClient":
            answer = GLib.Variant("(o)", ("/client",))
        elif method == "Inhibit":
            self.cookie += 1
            self.inhibited.add(self.cookie)
            answer = GLib.Variant("(u)", (self.cookie,))
        elif method == "Uninhibit":
            self.inhibited.discard(values[0])
        invocation.return_value(answer)

    def notified(self):
        return [values for method, values in self.calls if method == "Notify"]

    def press_notification(self):
        self.bus.emit_signal(None, "/org/freedesktop/Notifications", "org.freedesktop.Notifications", "ActionInvoked",
                             GLib.Variant("(us)", (1, "default")))

    def end(self):
        for name in self.names:
            Gio.bus_unown_name(name)
        for number in self.objects:
            self.bus.unregister_object(number)
        self.loop.quit()
        self.thread.join()


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

    def undo_by_message(self):
        """The message is laid out anew for its words: its button is pressed once it stands still."""
        def stands():
            first = self.window.find("Undo", type="GtkLabel")
            time.sleep(0.2)
            return first if self.window.find("Undo", type="GtkLabel") == first else None
        self.window.wait_shows("Settings filled in")
        self.window.click(wait_for(stands, "a button that stands still", 10))

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
        window.wait_shows("Put a Stable Diffusion model (.safetensors) into")
        mouse("key", "Escape")
        wait_for(lambda: not window.shows("Put a Stable"), "the menu to close", 10)
        house = "a blue house in a green field on a sunny day, trees, white clouds"

        def taken():
            # On a screen without a window manager a click right after a list was closed may be missed.
            window.click(window.find(house, type="GtkButton"))
            time.sleep(1.5)  # the journal is written a second later
            return self.params()["prompt"] == house

        wait_for(taken, "the example as the prompt", 20)
        self.assertFalse(window.shows("was not taught"))
        window.keys("ctrl+z")
        self.wait_params(prompt="a red woman on the sea")
        window.click(window.find(id="prompt"), at=(0.5, 0.3))
        window.keys("ctrl+a")
        window.type("sea " * 80)
        window.wait_shows("80/150", 20)
        window.keys("Tab")
        self.assertFalse(window.find(id="prompt").focused, "Tab leaves the prompt")

    def test_weights_by_key(self):
        window = self.start(prompt="a red circle")
        window.keys("F6")
        for keys, text in ((("ctrl+Home", "ctrl+Right", "ctrl+Right", "Left", "ctrl+Up"), "a (red:1.1) circle"),
                           (("ctrl+Up",), "a (red:1.2) circle"), (("ctrl+Down", "ctrl+Down"), "a red circle"),
                           (("ctrl+Down",), "a (red:0.9) circle"), (("ctrl+a", "ctrl+Up"), "(a (red:0.9) circle:1.1)")):
            for key in keys:
                window.keys(key)
            self.wait_params(prompt=text)
        window.wait_shows("3/75")

    def test_names_complete(self):
        folder = os.path.expanduser("~/.local/share/calotype/models/loras")
        os.makedirs(folder)
        for name in ("ink-wash", "inky", "pastel"):
            write_tensors(f"{folder}/{name}.safetensors",
                          {"lora_unet_x_attn2_to_k.lora_down.weight": ("F32", [2, 768], bytes(2 * 768 * 4))})
            os.utime(f"{folder}/{name}.safetensors", (1, 1))  # what is new may still be being copied
        window = self.start(prompt="a sea")
        window.keys("F6", "ctrl+End")
        window.type(" <lora:")
        window.wait_shows("pastel", 20)
        window.type("in")
        wait_for(lambda: not window.shows("pastel"), "the others to go", 10)
        mouse("key", "Down")
        mouse("key", "Tab")
        self.wait_params(prompt="a sea <lora:inky:1>")
        wait_for(lambda: not window.shows("ink-wash"), "the list to close", 10)
        window.keys("Left", "ctrl+Down")
        self.wait_params(prompt="a sea <lora:inky:0.95>")
        window.wait_shows("2/75")
        window.keys("ctrl+End")
        window.type(" <lora:")
        window.wait_shows("pastel")
        mouse("key", "Escape")
        wait_for(lambda: not window.shows("pastel"), "the list to close", 10)
        window.type("no")
        self.wait_params(prompt="a sea <lora:inky:0.95> <lora:no")

    def test_weights_are_read(self):
        window = self.start(prompt="a (red:1.2) circle", grammar="comfyui", **{"clip-skip": 2})
        window.click(window.find(id="more_label"))
        window.wait_shows("As in ComfyUI")
        window.keys("F6")
        window.keys("ctrl+End")
        window.type("s")
        self.wait_params(prompt="a (red:1.2) circles", grammar="comfyui", **{"clip-skip": 2})

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
        window.keys("ctrl+question")
        window.act("write-texts", GLib.Variant("s", self.path("texts")))
        wait_for(lambda: os.path.exists(self.path("texts")), "the texts", 10)
        with open(self.path("texts")) as file:
            texts = file.read()
        for words in ("Keyboard Shortcuts", "Lock the seed", "Ctrl+L", "Same settings, next seed", "Earlier prompt", "Search tensors"):
            self.assertIn(words, texts)

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
        if window.state("lock-seed"):
            window.act("lock-seed")
        self.assertFalse(window.state("lock-seed"))
        window.click(window.find("Fill In All Settings"))
        self.wait_params(**wanted)
        self.assertTrue(window.state("lock-seed"))
        self.undo_by_message()
        self.wait_params(**before)
        self.assertFalse(window.state("lock-seed"), "the lock comes back too")

    def test_dropped_picture(self):
        window = self.start(prompt="a red circle")
        before = self.params()
        write_png(self.path("a1111.png"), parameters=A1111)
        self.drag(self.path("a1111.png"), window.find(id="prompt"))
        self.filled_and_undone(before, prompt="a white house in the snow", negative="trees", steps=7, cfg=5.5,
                               seed="1234", width=96, height=160, sampler="euler_ancestral", emphasis="No norm", **{"clip-skip": 2})

    def test_dropped_comfyui_picture(self):
        window = self.start(prompt="a red circle")
        before = self.params()
        write_png(self.path("comfy.PNG"), prompt=json.dumps(COMFY))
        self.drag(self.path("comfy.PNG"), window.find("No Picture Yet"))
        self.filled_and_undone(before, prompt="a blue square on yellow", negative="red", steps=9, cfg=3.5,
                               seed="77", width=160, height=96, sampler="euler", schedule="normal", grammar="comfyui")

    def test_dropped_picture_that_tells_nothing(self):
        window = self.start(prompt="a red circle")
        before = self.params()
        write_png(self.path("plain.png"))
        self.drag(self.path("plain.png"), window.find(id="prompt"))
        window.wait_shows("This picture does not tell how it was made.")
        self.assertEqual(self.params(), {**self.params(), **before})  # more is written once it is saved again

    def test_dropped_picture_to_begin_from(self):
        window = self.start(prompt="a red circle")
        write_png(self.path("tells.png"), parameters=A1111)
        self.drag(self.path("tells.png"), window.find("No Picture Yet"))
        window.find("Fill In All Settings")
        window.click(window.find("Begin from It"))
        window.wait_shows("Varied from")
        window.wait_shows("tells.png")
        wait_for(lambda: "source" in self.params(), "the picture in the journal", 20)
        # Who begins from a picture that tells how it was made goes on with its words.
        self.assertEqual(self.params()["prompt"], "a white house in the snow")
        window.keys("ctrl+z")
        wait_for(lambda: "source" not in self.params() and self.params()["prompt"] == "a red circle", "all as before", 20)

    def test_dropped_model(self):
        window = self.start(prompt="a red circle")
        copy_model(self.path("other.safetensors"), "Other")
        self.drag(self.path("other.safetensors"), window.find(id="prompt"))
        window.find(self.path("other.safetensors"), id="model_button", seconds=20)
        self.assertEqual((window.title(), self.values()["prompt"]), ("Other", "a red circle"))

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
        self.undo_by_message()
        self.wait_params(prompt=A1111)
        window.keys("ctrl+z")
        self.wait_params(**before)
        window.act("paste-settings")
        self.filled_and_undone(before, prompt="a white house in the snow", negative="trees", steps=7, seed="1234")

    # ---- the session ----

    def queue_seeds(self):
        return [p.words[len("Seed \u2066"):-1] for p in self.window.places() if p.words.startswith("Seed \u2066")]

    def test_queue(self):
        window = self.start(steps=150, seed="30")
        for _ in range(5):
            window.act("generate-next")
        window.wait_shows("4 waiting")
        window.click(window.find(id="queue_button"))
        wait_for(lambda: self.queue_seeds() == ["32", "33", "34", "35"], "four waiting", 10)
        row = window.find("Seed \u206634\u2069").y
        nearest = lambda tip: min((p for p in window.places() if p.tip == tip), key=lambda p: abs(p.y - row))
        window.click(nearest("Earlier"))
        self.assertEqual(self.queue_seeds(), ["32", "34", "33", "35"])
        mouse("key", "Return")  # the focus went with it
        time.sleep(0.3)
        self.assertEqual(self.queue_seeds(), ["34", "32", "33", "35"])
        mouse("key", "Return")  # the first cannot go up: “Later” has the focus
        time.sleep(0.3)
        self.assertEqual(self.queue_seeds(), ["32", "34", "33", "35"])
        window.click(nearest("Remove"))
        wait_for(lambda: len(self.queue_seeds()) == 3, "one less", 10)
        window.wait_shows("3 waiting")
        mouse("key", "Return")
        time.sleep(0.3)
        self.assertEqual(len(self.queue_seeds()), 2)
        mouse("key", "Escape")
        wait_for(lambda: len(journal()["jobs"]) == 3, "the removed ones gone from the journal", 10)
        window.act("stop")

    def test_another_model_during_a_run(self):
        copy_model(self.path("other.safetensors"), "Other")
        window = self.start(steps=60, seed="40", prompt="a red circle")
        window.act("generate")
        wait_for(lambda: "%" in window.title(), "per cent in the title")
        window.act("use-model", GLib.Variant("s", self.path("other.safetensors")))
        window.find(self.path("other.safetensors"), id="model_button", seconds=20)
        self.assertEqual(self.values()["prompt"], "a red circle")
        window.act("generate-next")
        wait_for(lambda: len(pictures()) == 2, "both pictures")
        models = [png_texts(p)["parameters"].rsplit("Model: ", 1)[1].split(",")[0] for p in pictures()]
        self.assertEqual(models, ["Calotype sample model", "Other"])
        wait_for(lambda: len(journal()["pictures"]) == 2, "both in the journal", 5)

    def test_files_that_are_no_models_for_pictures(self):
        lora, vae = self.path("lora.safetensors"), self.path("vae.safetensors")
        write_tensors(lora, {"lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight": ("F16", [4, 8], bytes(64)),
                             "lora_unet_down_blocks_0_attentions_0_proj_in.lora_up.weight": ("F16", [8, 4], bytes(64))})
        write_tensors(vae, {"decoder.conv_in.weight": ("F16", [8, 4, 3, 3], bytes(576))})
        window = self.start(prompt="a red circle")
        for path in (lora, vae):
            window.act("use-model", GLib.Variant("s", path))
            window.find(path, id="model_button")  # the Tensors page
            window.keys("alt+1")
            window.find(MODEL, id="model_button")
        self.assertTrue(window.actions()["generate"])
        self.assertEqual(journal()["model"], MODEL)
        self.assertEqual(window.quit(), 0)
        # A window that is opened on one has a picture session too.
        self.window = window = Window(PROGRAM, lora)
        window.find(lora, id="model_button")
        window.keys("alt+1")
        window.find(MODEL, id="model_button")
        window.wait_enabled("generate")
        self.assertEqual(self.values()["prompt"], "a red circle")

    def test_without_a_model(self):
        self.window = window = Window(PROGRAM, env={"CALOTYPE_DATADIR": self.path("nothing")})
        window.resize(1000, 700)
        window.wait_shows("Cannot Be Opened")
        window.act("show-page", GLib.Variant("s", "pictures"))
        window.wait_shows("Open a model to make pictures with.")
        self.assertFalse(window.find(id="generate").sensitive)
        window.act("use-model", GLib.Variant("s", MODEL))
        window.wait_enabled("generate")
        self.assertFalse(window.shows("Open a model to make pictures with."))

    def test_a_remembered_model_that_broke(self):
        with open(self.path("broken.safetensors"), "w") as file:
            file.write("no longer a model")
        write_journal(self.path("broken.safetensors"), prompt="a red circle")
        self.window = window = Window(PROGRAM)
        window.wait_shows("Cannot Be Opened")
        window.act("show-page", GLib.Variant("s", "pictures"))
        window.wait_enabled("generate")
        self.assertEqual(self.values()["prompt"], "a red circle")

    def test_two_windows(self):
        window = self.start(steps=30, seed="50")
        window.app_act("new-window")
        wait_for(lambda: (window.actions(2) or {}).get("generate"), "the second window", 30)
        time.sleep(1)
        self.assertEqual(pictures(), [], "only the very first launch starts by itself")
        for number in (1, 2, 1, 2):
            window.act("generate-next", window=number)
        wait_for(lambda: len(pictures()) == 4, "four pictures")
        time.sleep(1.5)
        path = os.path.expanduser("~/.local/state/calotype/session-2.json")
        with open(path) as file:
            second = [p["path"] for p in json.load(file)["pictures"]]
        first = [p["path"] for p in journal()["pictures"]]
        self.assertEqual((len(first), len(second)), (2, 2))
        # In turn, as they were asked for.
        self.assertEqual(pictures(), [first[1], second[1], first[0], second[0]])
        self.assertEqual(window.quit(), 0)

    def test_memory_limit(self):
        window = self.start()
        window.wait_shows(" · fits", 30)

        def limit(mib, words):
            window.app_act("preferences")
            wait_for(lambda: len(window.search().split()) == 2, "the preferences", 10)
            window.keys("alt+m", "ctrl+a")
            window.type(f"{mib}\n")
            window.keys("Escape")
            window.wait_shows(words, 30)
            window.wait_shows("llvmpipe")  # loaded again

        limit(45, "networks in turns")
        window.act("generate")
        wait_for(lambda: len(pictures()) == 1, "a picture in little memory")
        limit(10, "needs at least")
        window.act("generate")
        window.wait_shows("Use a Smaller Size", 30)
        limit(0, " · fits")
        window.act("generate")
        wait_for(lambda: len(pictures()) == 2, "a picture without a limit")
        self.assertEqual(window.quit(), 0)

    def test_guest_manners(self):
        desktop = Desktop()
        self.addCleanup(desktop.end)
        window = self.start(steps=30, seed="60", env={"CALOTYPE_TEST_IDLE": "2"})
        window.keys("F6")
        window.act("generate-next")
        window.act("generate-next")
        wait_for(lambda: desktop.inhibited, "suspend inhibited", 30)
        reason, flags = next(v for m, v in desktop.calls if m == "Inhibit")[2:]
        self.assertEqual((reason, flags), ("A picture is being made", 4))
        wait_for(lambda: len(pictures()) == 2, "two pictures")
        wait_for(lambda: not desktop.inhibited, "no longer inhibited", 10)
        self.assertEqual([m for m, _ in desktop.calls if m in ("Inhibit", "Uninhibit")], ["Inhibit", "Uninhibit"])
        self.assertEqual(desktop.notified(), [], "the window is looked at")
        # From here on the window has no focus.
        self.peer("drag", self.path("x"))
        peer = wait_for(lambda: subprocess.run(["xdotool", "search", "--onlyvisible", "--class", "peer"],
                                               capture_output=True, text=True).stdout.split(), "the other window", 10)
        mouse("windowmove", "--sync", peer[0], 1300, 800)
        mouse("windowfocus", "--sync", peer[0])
        window.act("generate-next")
        told = wait_for(desktop.notified, "a notification", 60)[0]
        self.assertEqual((told[3], told[4]), ("Picture finished", self.params()["prompt"]))
        third = pictures()[2]
        self.assertIn(third, str(told[6]), "the picture itself")
        # Nobody looks: the memory is given back, and the next press works again.
        wait_for(lambda: not window.shows("MiB") and not window.shows("GiB"), "memory given back", 20)
        window.act("show-page", GLib.Variant("s", "tensors"))
        desktop.press_notification()
        wait_for(lambda: journal()["shown"] == third, "the picture shown", 10)
        window.find(id="prompt")
        window.act("generate-next")
        wait_for(lambda: len(pictures()) == 4, "a fourth picture")
        wait_for(lambda: window.shows("MiB") or window.shows("GiB"), "memory in use", 10)
        window.act("free-memory")
        wait_for(lambda: not window.shows("MiB") and not window.shows("GiB"), "memory given back", 20)

    def test_kill(self):
        window = self.start(steps=150, seed="70", prompt="a white house in the snow")
        window.act("generate-next")
        window.wait_enabled("save-copy")
        window.click(window.find(id="prompt"), at=(0.5, 0.3))
        window.keys("ctrl+a")
        window.type("a green heart")
        time.sleep(1.3)
        for _ in range(3):
            window.act("generate-next")
        wait_for(lambda: len(journal()["jobs"]) == 3, "the queue in the journal", 2)
        window.kill()
        self.window = window = Window(PROGRAM)
        window.wait_enabled("continue")
        window.resize(1000, 700)
        values = self.values()
        self.assertEqual((values["prompt"], values["seed"]), ("a green heart", "74"))
        window.wait_shows("150 steps")
        after = journal()
        self.assertEqual([p["path"] for p in after["pictures"]], pictures())
        self.assertEqual([j["params"]["seed"] for j in after["jobs"]], ["72", "73", "74"])
        window.wait_shows("3 pictures were not finished")
        window.click(window.find("Continue All"))
        window.wait_shows("2 waiting")


if __name__ == "__main__":
    unittest.main(warnings="ignore")
