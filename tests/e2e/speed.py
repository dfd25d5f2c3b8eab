#!/usr/bin/python3
"""How long things take in the real window, and what keeps its main thread. speed.py CALOTYPE MODEL

Bounds are some times what a free machine of two cores needs (tests/bench/results/), and grow with what else wants
the processors; where it says "of processor time" they are closer.

SPDX-License-Identifier: GPL-3.0-or-later
"""

import os
import re
import shutil
import struct
import sys
import tempfile
import time
import unittest

from gi.repository import GLib

from driver import Window, wait_for, write_journal

PROGRAM, MODEL = (os.path.abspath(sys.argv.pop(1)) for _ in range(2))
# Functions of GTK in which it measures and draws what is on the screen: its time, not the program's.
DRAWING = re.compile(r"gsk_renderer_render|gtk_widget_measure|gtk_layout_manager_measure|gtk_widget_allocate|gtk_widget_snapshot")
# Of processor time: on a free machine some 10 ms; GTK's making of rows is in it, and processors that share a core.
STRETCH = 150
TICKS = os.sysconf("SC_CLK_TCK")


def shared(ms):
    """What takes ms on a free machine, while others want its processors too."""
    return ms * max(1, os.getloadavg()[0] / os.cpu_count())


class Watched(Window):
    """The window, with what app-watch.c writes of it."""

    def __init__(self, folder, *args):
        self.log = os.path.join(folder, "watch")
        self.begin = time.monotonic() * 1000
        super().__init__(PROGRAM, *args, env={"CALOTYPE_WATCH": self.log})

    def text(self):
        try:
            with open(self.log) as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def marks(self, name):
        """[(told, drawn)] in ms since the start"""
        return [(float(a) - self.begin, float(b) - self.begin)
                for a, b in re.findall(rf"^mark {name} (\S+) (\S+)$", self.text(), re.M)]

    def wait_mark(self, name, n=1, seconds=60):
        wait_for(lambda: len(self.marks(name)) >= n, f"mark {name}", seconds)
        return self.marks(name)[n - 1]

    def stretches(self, since=0):
        """[(ms of processor time, samples)] of what was the program's own, not GTK's drawing"""
        found = []
        for block in re.split(r"^(?=stretch )", self.text()[since:], flags=re.M):
            if not block.startswith("stretch"):
                continue
            cpu = float(block.split()[2])
            samples = [s for s in block.split("  --\n")[:-1] if "  in " in s]
            ours = [s for s in samples if not DRAWING.search(s)]
            # Samples stand for equal shares of the stretch.
            found.append((cpu * len(ours) / max(len(samples), 1), ours))
        return sorted(found, key=lambda item: item[0])

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) / 1024


def write_many(path, n=500_000):
    """n tensors of a mixture of experts, each of four values."""
    names = [f"model.layers.{layer}.mlp.experts.{expert}.{part}.{kind}"
             for layer in range(n // 2000) for expert in range(200)
             for part in ("gate_proj", "up_proj", "down_proj", "norm", "router") for kind in ("weight", "bias")]
    header = "{%s}" % ",".join(f'"{name}":{{"dtype":"F16","shape":[2,2],"data_offsets":[{8 * i},{8 * i + 8}]}}'
                               for i, name in enumerate(names))
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(header)) + header.encode())
        out.truncate(8 + len(header) + 8 * len(names))


def write_sparse(path, size=20 << 30):
    """As many bytes as a large model has, of which the disk keeps none."""
    n, each = 1000, size // 1000 // 4096 * 4096
    header = "{%s}" % ",".join(f'"blocks.{i}.weight":{{"dtype":"F16","shape":[{each // 2}],"data_offsets":[{i * each},{(i + 1) * each}]}}'
                               for i in range(n))
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(header)) + header.encode())
        out.truncate(8 + len(header) + n * each)


class Speed(unittest.TestCase):
    def setUp(self):
        for folder in ("~/Pictures", "~/.local/state"):
            shutil.rmtree(os.path.expanduser(folder), ignore_errors=True)
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.window = None
        self.addCleanup(self.end)

    def end(self):
        if self.window is not None and self.window.process.poll() is None:
            self.window.kill()

    def start(self, *args):
        self.window = Watched(self.folder.name, *args)
        return self.window

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def test_first_picture(self):
        window = self.start()
        window.wait_mark("picture", seconds=200)  # compiles kernels, where no test before did
        self.assertEqual(window.quit(), 0)
        os.unlink(window.log)
        for folder in ("~/Pictures", "~/.local/state"):
            shutil.rmtree(os.path.expanduser(folder), ignore_errors=True)
        window = self.start()
        with open(f"/proc/{window.process.pid}/maps") as maps:
            loaded = set(re.findall(r"lib(?:EGL|GLX)_mesa|swrast_dri", maps.read()))
        self.assertEqual(loaded, set(), "OpenGL beside a cairo renderer: see main.c")
        told, drawn = window.wait_mark("preview")
        self.assertLess(drawn, shared(2500), "ms to the first preview")
        told, drawn = window.wait_mark("picture")
        self.assertLess(drawn, shared(8000), "ms to the picture")
        self.assertLess(window.cpu(), 6, "s of processor time for start and picture")

    def test_half_a_million_tensors(self):
        path = self.path("many.safetensors")
        write_many(path)
        window = self.start(path)
        self.assertLess(window.wait_mark("model")[1], shared(4000), "ms to the tree")
        time.sleep(2)
        self.assertLess(window.memory(), 450, "MB, tree and statistics")
        since = len(window.text())
        for i, words in enumerate(("experts.1", "experts.19", "experts.199", "experts.199.gate bias")):
            begin = time.monotonic() * 1000 - window.begin
            window.act("search", GLib.Variant("s", words))
            # The entry itself waits 20 ms for the next key.
            self.assertLess(window.wait_mark("search", i + 1)[0] - begin, shared(400), f"ms to find {words}")
            time.sleep(0.3)
        window.act("search", GLib.Variant("s", ""))
        window.act("expand-all")
        time.sleep(2)
        window.act("collapse-all")
        time.sleep(1)
        self.assertLess(window.memory(), 500, "MB, searched and unfolded")
        for cpu, samples in window.stretches(since):
            self.assertLess(cpu, STRETCH, "ms of processor time in a stretch:\n" + "\n".join(samples))
        self.assertEqual(window.quit(), 0)

    def test_twenty_gigabytes(self):
        small, large = self.path("small.safetensors"), self.path("large.safetensors")
        write_sparse(small, 4096 * 1000)
        write_sparse(large)
        memory = []
        for path in (small, large):
            window = self.start(path)
            told, drawn = window.wait_mark("model")
            self.assertLess(drawn, shared(1500), "ms from the start of the process to the tree")
            time.sleep(0.5)
            memory.append(window.memory())
            self.assertEqual(window.quit(), 0)
            os.unlink(window.log)
        self.assertLess(memory[1] - memory[0], 60, "MB more than for a file of 4 MB")

    def test_ordinary_use(self):
        """Nothing that a person does keeps the program itself busy for long."""
        write_journal(MODEL, steps=12, seed="5")
        window = self.start()
        window.wait_enabled("generate")
        window.act("generate")
        window.wait_mark("picture", seconds=120)
        since = len(window.text())
        window.act("generate")
        time.sleep(0.3)
        for page in ("tensors", "pictures", "tensors"):
            window.act("show-page", GLib.Variant("s", page))
            time.sleep(0.4)
        window.wait_mark("picture", 2, 120)
        window.act("expand-all")
        for name in ("model.diffusion_model.out.2.weight", "first_stage_model.decoder.conv_in.weight", "cond_stage_model"):
            window.act("select-tensor", GLib.Variant("s", name))
            time.sleep(0.3)
        for words in ("u", "un", "unet", "unet in", ""):
            window.act("search", GLib.Variant("s", words))
            time.sleep(0.3)
        window.act("collapse-all")
        window.act("show-page", GLib.Variant("s", "pictures"))
        time.sleep(0.3)
        for cpu, samples in window.stretches(since):
            self.assertLess(cpu, STRETCH, "ms of processor time in a stretch:\n" + "\n".join(samples))
        self.assertEqual(window.quit(), 0)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
