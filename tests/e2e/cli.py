#!/usr/bin/python3
"""calotype-cli as a person and a script use it. cli.py CALOTYPE_CLI

SPDX-License-Identifier: GPL-3.0-or-later
"""

import hashlib
import json
import math
import os
import resource
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import time
import unittest

from files import png_pixels, png_texts, read_tensor, write_tensors

CLI = os.path.abspath(sys.argv.pop(1))
SAMPLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../data/models/calotype-sample.safetensors")


def run(*args, **more):
    return subprocess.run([CLI, *args], capture_output=True, text=True, timeout=240, **more)


class Cli(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def generate(self, name, *args):
        out = run("generate", "--steps", "4", "--output", self.path(name), *args)
        self.assertEqual(out.returncode, 0, out.stderr)
        return out

    def test_help_is_complete(self):
        for command in ("inspect", "stats", "generate", "upscale", "models", "plan", "devices", "bench", "warm"):
            self.assertIn(command, run("--help").stdout)
            self.assertEqual(run(command, "--help").returncode, 0)
        text = run("generate", "--help").stdout
        for option in ("model prompt negative width height steps cfg seed rng sampler schedule batch output "
                       "noise-in latents-out device precision profile quiet clip-l clip-h clip-g vae taesd prediction lora").split():
            self.assertIn("--" + option, text)

    def test_parts_and_prediction(self):
        """What is said of a model is heeded, and refused where it makes no sense."""
        for option, value, words in (("--prediction", "x", "auto, epsilon or v"),
                                     ("--vae", self.path("none.safetensors"), "none.safetensors"),
                                     ("--taesd", SAMPLE, "TAESD")):
            out = run("generate", option, value, "--output", self.path("x.png"))
            self.assertEqual(out.returncode, 1, out.stderr)
            self.assertIn(words, out.stderr)
        self.generate("plain.png", "--seed", "3")
        self.generate("same.png", "--seed", "3", "--prediction", "epsilon", "--vae", SAMPLE)
        self.generate("v.png", "--seed", "3", "--prediction", "v")
        pixels = [png_pixels(self.path(name)) for name in ("plain.png", "same.png", "v.png")]
        self.assertEqual(pixels[0], pixels[1])
        self.assertNotEqual(pixels[0], pixels[2])
        self.assertIn('"prediction":"v"', png_texts(self.path("v.png"))["calotype"].replace(" ", ""))

    def test_usage_faults(self):
        self.assertEqual(run().returncode, 2)
        self.assertEqual(run("nonsense").returncode, 2)
        self.assertEqual(run("generate", "--nonsense").returncode, 2)
        self.assertEqual(run("inspect").returncode, 2)

    def test_inspect(self):
        good, bad = self.path("good.safetensors"), self.path("bad.safetensors")
        write_tensors(good, {"a\u0000b": ("F32", [2, 2], bytes(16)), "z": ("U8", [], b"\1")}, {"k\u05d0": "v"})
        with open(bad, "wb") as file:
            file.write(open(good, "rb").read()[:-1])
        out = run("inspect", "--json", good, bad, self.path("none"))
        self.assertEqual(out.returncode, 1)
        lines = [json.loads(line) for line in out.stdout.splitlines()]
        self.assertEqual(len(lines), 3)
        self.assertEqual([line["valid"] for line in lines], [True, False, False])
        self.assertEqual(lines[0]["metadata"], {"k\u05d0": "v"})
        self.assertEqual(lines[0]["data_bytes"], 17)
        self.assertEqual(lines[0]["header_bytes"] + 8 + 17, os.path.getsize(good))
        self.assertEqual(lines[0]["tensors"][0],
                         {"name": "a\u0000b", "dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]})
        self.assertEqual(lines[0]["tensors"][1]["shape"], [])
        self.assertEqual(lines[1]["error"]["kind"], "MetadataIncompleteBuffer")
        self.assertEqual(lines[2]["error"]["kind"], "IoError")
        self.assertEqual(run("inspect", "--json", good).returncode, 0)

    def test_inspect_says_what_it_is(self):
        path = self.path("what.safetensors")
        write_tensors(path, {f"layers.{i}.attn.q": ("F16", [2, 2], bytes(8)) for i in range(32)})
        out = run("inspect", path)
        self.assertIn("Tensors of a kind not known here, F16, 256 bytes, 32 tensors", out.stdout)
        self.assertIn("pattern: layers.#.attn.q × 32", out.stdout)
        write_tensors(path, {"lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight": ("BF16", [4, 8], bytes(64)),
                             "lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight": ("BF16", [8, 4], bytes(64))})
        out = run("inspect", path)
        self.assertIn("A LoRA for Flux, rank 4, named as kohya’s scripts do, BF16, 128 bytes, 2 tensors", out.stdout)
        verdict = json.loads(run("inspect", "--json", path).stdout)["verdict"]
        self.assertEqual((verdict["kind"], verdict["base_family"], verdict["form"]), ("lora", "flux", "kohya"))
        self.assertEqual(verdict["keys"], ["lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight"])

    def test_inspect_hashes(self):
        path = self.path("hashed.safetensors")
        data = bytes(i * 7 >> 4 & 255 for i in range(3 << 20))
        digits = hashlib.sha256(data).hexdigest()
        write_tensors(path, {"a": ("U8", [3 << 20], data)}, {"modelspec.hash_sha256": "0x" + digits, "sshs_model_hash": "00"})
        with open(path, "rb") as file:
            text = file.read()
        whole = hashlib.sha256(text).hexdigest()
        out = run("inspect", "--hashes", path)
        self.assertIn(f"AutoV2: {whole[:10]}\n", out.stdout)
        self.assertIn("modelspec.hash_sha256: agrees", out.stdout)
        self.assertIn("sshs_model_hash: differs", out.stdout)
        hashes = json.loads(run("inspect", "--hashes", "--json", path).stdout)["hashes"][0]
        self.assertEqual(hashes, {"file": path, "auto_v1": hashlib.sha256(text[0x100000:0x110000]).hexdigest()[:8],
                                  "auto_v2": whole[:10], "auto_v3": digits[:12], "sha256": whole, "data_sha256": digits,
                                  "modelspec.hash_sha256": "agrees", "sshs_model_hash": "differs"})

    def test_long_answers_take_little_memory(self):
        """An answer of 100 MB from a header of 17 MB, with the memory for the header alone."""
        path = self.path("long.safetensors")
        names = ["%04d" % i + "\x7f" * 4000 for i in range(2000)]
        header = json.dumps({"__metadata__": {"k": "\x7f" * 8000000},
                             **{name: {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for name in names}},
                            ensure_ascii=False).encode()
        with open(path, "wb") as file:
            file.write(struct.pack("<Q", len(header)) + header)
        limit = 80 << 20
        for command, least in (("inspect", 90 << 20), ("stats", 45 << 20)):
            out = run(command, "--json", path,
                      preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)))
            self.assertEqual(out.returncode, 0, out.stderr[-500:])
            self.assertGreater(len(out.stdout), least)
            self.assertEqual([t["name"] for t in json.loads(out.stdout)["tensors"]], names)

    def test_a_broken_answer_is_no_answer(self):
        """The file is cut short while its statistics are being written."""
        path = self.path("cut.safetensors")
        write_tensors(path, {"%05d" % i: ("U8", [1000], bytes(1000)) for i in range(20000)})
        process = subprocess.Popen([CLI, "stats", "--json", "--quiet", path], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        start = process.stdout.read(1000)
        os.truncate(path, os.path.getsize(path) - 1000)
        rest, said = process.communicate(timeout=240)
        self.assertEqual(process.returncode, 1)
        self.assertIn(b"cut.safetensors", said)
        self.assertRaises(ValueError, json.loads, start + rest)
        self.assertNotIn(b"\n", start + rest)

    def test_the_model_is_named_by_its_hash(self):
        self.generate("hash.png")
        parameters = png_texts(self.path("hash.png"))["parameters"]
        with open(SAMPLE, "rb") as file:
            digits = hashlib.sha256(file.read()).hexdigest()
        self.assertIn(f"Model hash: {digits[:10]}, Model: ", parameters)

    def test_part_of_a_model(self):
        """What it is, and what is missing."""
        parts = {
            "decoder.up.0.block.0.conv1.weight": ("A VAE alone.", "UNet and the text encoder"),
            "text_model.encoder.layers.0.mlp.fc1.weight": ("The text encoder CLIP, alone.", "UNet and the VAE"),
            "down_blocks.0.resnets.0.conv1.weight": ("The UNet of a diffusers folder, alone.", "text encoder and a VAE"),
            "lora_unet_x_attn2_to_k.lora_down.weight": ("A LoRA for Stable Diffusion 1.x.", "open the model it is for"),
            "model.layers.0.self_attn.q_proj.weight": ("The weights of a language model.", "nothing in it makes pictures"),
        }
        for name, words in parts.items():
            path = self.path("part.safetensors")
            write_tensors(path, {name: ("F16", [2, 768], bytes(3072))})
            out = run("generate", "--model", path, "--output", self.path("none.png"))
            self.assertEqual(out.returncode, 1)
            for word in words:
                self.assertIn(word, out.stderr)
            self.assertFalse(os.path.exists(self.path("none.png")))

    def test_links_are_written_through(self):
        os.mkdir(self.path("there"))
        for name, link in (("there/p.png", "p.png"), ("there/l.safetensors", "l.safetensors")):
            os.symlink(name, self.path(link))
        with open(self.path("there/p.png"), "w") as old:
            old.write("old")
        self.generate("p.png", "--latents-out", self.path("l.safetensors"))
        self.assertTrue(os.path.islink(self.path("p.png")) and os.path.islink(self.path("l.safetensors")))
        with open(self.path("there/p.png"), "rb") as picture:
            self.assertEqual(picture.read(8), b"\x89PNG\r\n\x1a\n")
        self.assertEqual(read_tensor(self.path("there/l.safetensors"), "latents")[0]["dtype"], "F32")
        self.assertEqual(sorted(os.listdir(self.path("there"))), ["l.safetensors", "p.png"])
        os.symlink("b.png", self.path("a.png"))
        os.symlink("a.png", self.path("b.png"))
        out = run("generate", "--steps", "1", "--output", self.path("a.png"))
        self.assertEqual(out.returncode, 1)
        self.assertIn("symbolic links", out.stderr)

    def test_stats(self):
        path = self.path("x.safetensors")
        values = [float("nan"), float("inf"), -1.5, 0.0, -0.0, 2.25, 1e-40]
        write_tensors(path, {"f": ("F32", [7], struct.pack("<7f", *values)),
                             "i": ("I64", [3], struct.pack("<3q", -2**63, 2**63 - 1, 5)),
                             "e": ("F16", [0, 3], b""), "h": ("F16", [2], struct.pack("<2e", 1, 1))})
        out = run("stats", "--json", path)
        self.assertEqual(out.returncode, 0, out.stderr)
        answer = json.loads(out.stdout)
        f, i, e, h = answer["tensors"]
        self.assertEqual((f["count"], f["nan"], f["pos_inf"], f["neg_inf"], f["zero"], f["subnormal"]), (7, 1, 1, 0, 2, 1))
        self.assertEqual((f["min"], f["max"]), (-1.5, 2.25))
        finite = [-1.5, -0.0, 0.0, struct.unpack("<f", struct.pack("<f", 1e-40))[0], 2.25]
        self.assertAlmostEqual(f["mean"], math.fsum(finite) / 5, places=15)
        self.assertEqual(f["quantiles"]["0.5"], 0)
        self.assertIsNone(f["distinct"])
        self.assertIn('"min":-9223372036854775808', out.stdout)
        self.assertIn('"max":9223372036854775807', out.stdout)
        self.assertEqual((e["count"], e["min"], e["mean"], e["distinct"]), (0, None, None, 0))
        self.assertEqual((h["distinct"], h["entropy_bits"], h["std"]), (1, 0, 0))
        one = json.loads(run("stats", path, "i", "--json").stdout)
        self.assertEqual([t["name"] for t in one["tensors"]], ["i"])
        missing = run("stats", path, "nothing")
        self.assertEqual(missing.returncode, 1)
        self.assertIn("nothing", missing.stderr)

    def test_picture_and_its_text(self):
        out = self.generate("a.png", "--prompt", "a red sailboat\non the sea", "--negative", "snow, night", "--seed", "7")
        self.assertEqual(out.stdout, self.path("a.png") + "\n")
        texts = png_texts(self.path("a.png"))
        prompt, negative, last = texts["parameters"].rsplit("\n", 2)
        self.assertEqual(prompt, "a red sailboat\non the sea")
        self.assertEqual(negative, "Negative prompt: snow, night")
        for part in ("Steps: 4", "Sampler: DPM++ 2M", "Schedule type: Karras", "CFG scale: 4", "Seed: 7", "Size: 128x128"):
            self.assertIn(part, last)
        ours = json.loads(texts["calotype"])
        self.assertIn("7", json.dumps(ours))
        self.generate("b.png", "--prompt", "a red sailboat\non the sea", "--negative", "snow, night", "--seed", "7")
        pixels = lambda name: png_pixels(self.path(name))
        self.assertEqual(pixels("a.png"), pixels("b.png"))
        self.generate("c.png", "--prompt", "a red sailboat\non the sea", "--negative", "snow, night", "--seed", "8")
        self.assertNotEqual(pixels("a.png"), pixels("c.png"))

    def test_grammar_of_prompts(self):
        pixels = lambda name: png_pixels(self.path(name))
        made = lambda name, prompt, *more: self.generate(name, "--seed", "3", "--prompt", prompt, *more)
        made("a.png", "a red sailboat on the sea")
        for prompt, options in (("a (red:1.0) sailboat on the sea", ()), ("a red sailboat on the sea # at night", ()),
                                ("a ((red)) sailboat on the sea", ("--emphasis", "ignore")),
                                ("a red sailboat on the sea", ("--grammar", "comfyui", "--clip-skip", "1"))):
            made("b.png", prompt, *options)
            self.assertEqual(pixels("a.png"), pixels("b.png"), prompt)
        made("b.png", "a ((red)) sailboat on the sea", "--emphasis", "No norm", "--clip-skip", "2")
        self.assertNotEqual(pixels("a.png"), pixels("b.png"))
        texts = png_texts(self.path("b.png"))
        self.assertIn("Clip skip: 2", texts["parameters"])
        self.assertIn("Emphasis: No norm", texts["parameters"])
        self.assertEqual((json.loads(texts["calotype"])["grammar"], json.loads(texts["calotype"])["clip_skip"]), ("a1111", 2))
        out = made("c.png", "a red sailboat, " * 40)
        self.assertEqual(out.stderr, "")
        write_tensors(self.path("ship.safetensors"), {"emb_params": ("F32", [2, 64], struct.pack("<128f", *[0.01 * (i % 7 - 3) for i in range(128)]))})
        made("d.png", "a ship on the sea")
        made("e.png", "a ship on the sea", "--embedding", self.path("ship.safetensors"))
        self.assertNotEqual(pixels("d.png"), pixels("e.png"))
        self.assertIn("TI: ship", png_texts(self.path("e.png"))["parameters"])
        for option, value in (("--grammar", "latin"), ("--emphasis", "loud"), ("--clip-skip", "-1"), ("--clip-skip", "9"),
                              ("--embedding", self.path("none.safetensors"))):
            out = run("generate", "--steps", "1", option, value, "--output", self.path("f.png"))
            self.assertEqual(out.returncode, 1, option)
            self.assertIn(value, out.stderr)
            self.assertFalse(os.path.exists(self.path("f.png")))

    def test_loras(self):
        """By option or by name in the prompt: the same picture, which tells what made it."""
        folder = os.path.join(os.path.dirname(SAMPLE), "../../tests/golden/lora")
        file = os.path.join(folder, "sample-linear.safetensors")
        pixels = lambda name: png_pixels(self.path(name))
        made = lambda name, prompt, *more: self.generate(name, "--seed", "3", "--prompt", prompt, *more)
        made("plain.png", "a red sailboat")
        made("option.png", "a red sailboat", "--lora", file + ":0.5:0.25")
        out = made("name.png", "a red sailboat <lora:sample-linear:0.25:0.5>", "--models-dir", folder)
        self.assertEqual(out.stderr, "")
        made("none.png", "a red sailboat", "--lora", file + ":0")
        self.assertEqual(pixels("option.png"), pixels("name.png"))
        self.assertEqual(pixels("plain.png"), pixels("none.png"))
        self.assertNotEqual(pixels("plain.png"), pixels("option.png"))
        with open(file, "rb") as f:
            data = f.read()
        digits = hashlib.sha256(data[8 + struct.unpack("<Q", data[:8])[0]:]).hexdigest()[:12]
        for name in ("option.png", "name.png"):
            texts = png_texts(self.path(name))
            self.assertEqual(texts["parameters"].split("\n")[0], "a red sailboat <lora:sample-linear:0.25:0.5>")
            self.assertIn(f'Lora hashes: "sample-linear: {digits}"', texts["parameters"])
            self.assertEqual(json.loads(texts["calotype"])["loras"],
                             [{"name": "sample-linear", "hash": digits, "model": 0.5, "text": 0.25}])
        for value, words in ((file + ":much", "much"), (SAMPLE, "no LoRA"), ("none", "none"),
                             (os.path.join(folder, "xl.safetensors"), "Stable Diffusion XL")):
            out = run("generate", "--steps", "1", "--lora", value, "--output", self.path("x.png"))
            self.assertEqual(out.returncode, 1, value)
            self.assertIn(words, out.stderr)
            self.assertFalse(os.path.exists(self.path("x.png")))
        self.generate("vae.png", "--vae", SAMPLE)
        self.assertIn("VAE: calotype-sample.safetensors", png_texts(self.path("vae.png"))["parameters"])

    def test_own_name_overwrites_nothing(self):
        for wanted in (["calotype-3.png"], ["calotype-3_2.png"]):
            out = run("generate", "--steps", "1", "--seed", "3", cwd=self.folder.name)
            self.assertEqual(out.stdout.split(), wanted, out.stderr)

    def test_batch_is_its_pictures(self):
        out = self.generate("N.PNG", "--batch", "2", "--seed", "5")
        self.assertEqual(out.stdout.split(), [self.path("N.PNG"), self.path("N-2.PNG")])
        out = self.generate("n.png", "--batch", "2", "--seed", "5", "--latents-out", self.path("l.safetensors"))
        self.assertEqual(out.stdout.split(), [self.path("n.png"), self.path("n-2.png")])
        self.generate("m.png", "--seed", "6")
        pixels = lambda name: png_pixels(self.path(name))
        self.assertEqual(pixels("n-2.png"), pixels("m.png"))
        entry, values = read_tensor(self.path("l.safetensors"), "latents")
        self.assertEqual((entry["dtype"], entry["shape"]), ("F32", [2, 4, 16, 16]))
        self.assertTrue(all(map(math.isfinite, values)))

    def test_noise_in(self):
        noise = struct.pack("<1024f", *(math.sin(i) * 1.4 for i in range(1024)))
        write_tensors(self.path("noise.safetensors"), {"noise": ("F32", [1, 4, 16, 16], noise)})
        for seed in ("1", "2"):  # euler draws nothing after the start: the seed must not matter
            self.generate(seed + ".png", "--noise-in", self.path("noise.safetensors"), "--sampler", "euler",
                          "--seed", seed, "--latents-out", self.path(seed + ".safetensors"))
        self.assertEqual(read_tensor(self.path("1.safetensors"), "latents"), read_tensor(self.path("2.safetensors"), "latents"))
        out = run("generate", "--noise-in", self.path("noise.safetensors"), "--width", "64", "--output", self.path("w.png"))
        self.assertEqual(out.returncode, 1)
        self.assertIn("[1, 4, 16, 8]", out.stderr)
        self.assertIn("there is F32 [1, 4, 16, 16]", out.stderr)

    def test_names_of_samplers(self):
        self.generate("x.png", "--sampler", "Euler a", "--schedule", "sgm_uniform", "--rng", "nv", "--seed", "1")
        text = png_texts(self.path("x.png"))["parameters"]
        self.assertIn("Sampler: Euler a", text)
        self.assertIn("RNG: NV", text)
        for sampler, schedule in (("DPM++ 2M", "Karras"), ("Heun", "Normal")):
            self.generate("x.png", "--sampler", sampler, "--schedule", "Automatic", "--seed", "1")
            self.assertIn(f"Sampler: {sampler}, Schedule type: {schedule}", png_texts(self.path("x.png"))["parameters"])
        out = run("generate", "--sampler", "nonsense", "--output", self.path("y.png"))
        self.assertEqual(out.returncode, 1)
        self.assertIn("nonsense", out.stderr)

    def test_faults_name_the_number(self):
        for args, word in ((("--width", "500"), "500"), (("--steps", "0"), "0"), (("--cfg", "3,5"), "3,5"),
                           (("--seed", "-1"), "-1"), (("--width", "-8"), "-8"), (("--device", "-2"), "-2"),
                           (("--batch", "0"), "0"), (("--device", "99"), "99"),
                           (("--precision", "fp8"), "fp8"), (("--width", "1000000"), "1000000"),
                           (("--model", self.path("none.safetensors")), "none.safetensors"),
                           (("--output", self.path("no/where.png")), "no")):
            out = run("generate", *(args if "--output" in args else args + ("--output", self.path("f.png"))))
            self.assertEqual(out.returncode, 1, args)
            self.assertIn(word, out.stderr)
            self.assertFalse(os.path.exists(self.path("f.png")))

    def test_what_is_not_a_model(self):
        path = self.path("lora.safetensors")
        write_tensors(path, {"lora_unet_x.lora_up.weight": ("F16", [4, 2], bytes(16)),
                             "lora_unet_x.lora_down.weight": ("F16", [2, 4], bytes(16))})
        out = run("generate", "--model", path, "--output", self.path("f.png"))
        self.assertEqual(out.returncode, 1)
        self.assertIn("LoRA", out.stderr)

    def test_stop(self):
        process = subprocess.Popen([CLI, "generate", "--steps", "150", "--output", self.path("s.png")],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=30), 1)
        self.assertEqual(os.listdir(self.folder.name), [])
        process.communicate()

    def test_no_vulkan(self):
        more = {"VK_ICD_FILENAMES": "/nonexistent.json", "VK_DRIVER_FILES": "/nonexistent.json"}
        out = run("devices", env={**os.environ, **more})
        self.assertEqual(out.returncode, 1)
        self.assertIn("mesa-vulkan-drivers", out.stderr)

    def test_plan(self):
        plan = json.loads(run("plan", "--json").stdout)
        self.assertTrue(plan["fits"])
        self.assertEqual(plan["rungs"], [])
        self.assertEqual({s["name"] for s in plan["stages"]}, {"text", "text 2", "time", "context", "unet", "decoder"})
        plan = json.loads(run("plan", "--json", "--memory-limit", "1000").stdout)
        self.assertEqual(plan["rungs"], [])
        mib = plan["device_bytes"] // 2**20
        less = json.loads(run("plan", "--json", "--memory-limit", str(mib - 1)).stdout)
        self.assertTrue(less["fits"])
        self.assertEqual(less["rungs"], ["turns"])
        self.assertLess(less["device_bytes"], plan["device_bytes"])
        none = run("plan", "--memory-limit", "3")
        self.assertEqual(none.returncode, 1)
        self.assertIn("does not fit", none.stdout)
        self.assertIn("there are 3.0", none.stdout)
        self.assertEqual(run("plan", "--memory-limit", "-1").returncode, 1)
        self.assertIn("above zero", run("plan", "--memory-limit", "-1").stderr)

    # ---- models in folders ----

    def homes(self):
        """A home folder of its own, with models in it."""
        home = self.path("home")
        own = os.path.join(home, ".local/share/calotype/models")
        webui = os.path.join(home, "webui/models/Stable-diffusion")
        for folder in (own + "/checkpoints/sets", own + "/loras", webui):
            os.makedirs(folder)
        shutil.copy(SAMPLE, own + "/checkpoints/first.safetensors")
        os.symlink(SAMPLE, own + "/checkpoints/sets/linked one.safetensors")
        with open(SAMPLE, "rb") as file, open(webui + "/cut.safetensors", "wb") as cut:
            cut.write(file.read(300000))
        os.utime(webui + "/cut.safetensors", (1, 1))
        with open(webui + "/old.ckpt", "wb") as file:
            file.write(b"PK")
        write_tensors(own + "/loras/ink\nwell.safetensors",
                      {"lora_unet_x_attn2_to_k.lora_down.weight": ("F32", [2, 768], bytes(2 * 768 * 4))})
        return {**os.environ, "HOME": home, "GSETTINGS_BACKEND": "memory", **{f"XDG_{name}_HOME": os.path.join(home, place)
                for name, place in (("DATA", ".local/share"), ("STATE", ".local/state"), ("CACHE", ".cache"), ("CONFIG", ".config"))}}

    def test_models(self):
        env = self.homes()
        answer = json.loads(run("models", "--json", env=env).stdout)
        models = {os.path.basename(m["path"]): m for m in answer["models"]}
        self.assertEqual(set(models), {"first.safetensors", "linked one.safetensors", "cut.safetensors", "old.ckpt",
                                       "ink\nwell.safetensors"})
        first = models["first.safetensors"]
        self.assertEqual((first["kind"], first["family"], first["usable"], first["name"], first["used"]),
                         ("checkpoint", "SD 1.x", True, "first", None))
        self.assertEqual(first["bytes"], os.path.getsize(SAMPLE))
        self.assertEqual(models["linked one.safetensors"]["name"], "sets/linked one")
        self.assertIn("cut off", models["cut.safetensors"]["why_not"])
        self.assertFalse(models["cut.safetensors"]["copying"])
        self.assertIn("pickle", models["old.ckpt"]["why_not"])
        self.assertEqual(models["ink\nwell.safetensors"]["kind"], "lora")
        self.assertEqual([(f["origin"], f["models"]) for f in answer["folders"]], [("own", 3), ("found", 2)])
        table = run("models", env=env)
        self.assertEqual(table.stderr, "")
        lines = table.stdout.splitlines()
        self.assertEqual(len(lines), 7, table.stdout)  # five models, two reasons
        self.assertIn("linked one", table.stdout)
        self.assertIn("ink\\u000awell", table.stdout)
        self.assertEqual(len(run("models", "--kind", "lora", env=env).stdout.splitlines()), 1)
        self.assertIn("webui", run("models", "--folders", env=env).stdout)

    def test_models_faults(self):
        env = self.homes()
        self.assertEqual(run("models", "--kind", "what", env=env).returncode, 2)
        for folder in (self.path("none"), SAMPLE):
            out = run("models", "--models-dir", folder, env=env)
            self.assertEqual((out.returncode, out.stdout), (1, ""))
            self.assertIn(os.path.basename(folder), out.stderr)
        empty = {**env, "HOME": self.path("empty"), "XDG_DATA_HOME": self.path("empty")}
        out = run("models", env=empty)
        self.assertEqual(out.returncode, 0)
        self.assertIn("calotype/models", out.stderr)
        os.makedirs(self.path("home/comfy/models/checkpoints"))
        with open(self.path("home/comfy/extra_model_paths.yaml"), "w") as file:
            file.write("x:\n\tloras: /y\n")
        self.assertIn("extra_model_paths.yaml, line 2", run("models", env=env).stderr)

    def test_models_by_name(self):
        env = self.homes()
        more = self.path("more")
        os.makedirs(more)
        os.link(SAMPLE, more + "/third.safetensors") if os.stat(SAMPLE).st_dev == os.stat(more).st_dev else \
            shutil.copy(SAMPLE, more + "/third.safetensors")
        options = ("--steps", "1", "--quiet", "--seed", "3")
        pictures = []
        for name, more_options in (("first", ()), ("SETS/linked one", ()), ("third.safetensors", ("--models-dir", more))):
            out = self.path(name.replace("/", "_") + ".png")
            made = run("generate", "--model", name, "--output", out, *options, *more_options, env=env)
            self.assertEqual(made.returncode, 0, made.stderr)
            pictures.append(png_pixels(out))
        self.assertEqual(len(set(pictures)), 1)
        for name, words in (("frist", "did you mean “first”?"), ("nothing like it", "calotype-cli models"), ("old", "pickle")):
            out = run("generate", "--model", name, "--output", self.path("x.png"), env=env)
            self.assertEqual(out.returncode, 1)
            self.assertIn(words, out.stderr)
        self.assertEqual(run("plan", "--model", "first", env=env).returncode, 0)
        used = {os.path.basename(m["path"]): m["used"] for m in json.loads(run("models", "--json", env=env).stdout)["models"]}
        self.assertLess(abs(used["first.safetensors"] - time.time()), 200)
        self.assertIsNone(used["cut.safetensors"])

    def test_upscale(self):
        golden = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../golden/upscale")
        self.generate("a.png", "--seed", "5", "--prompt", "a small house", "--width", "64", "--height", "96")
        env = self.homes()
        more = self.path("more/upscale_models")
        os.makedirs(more)
        shutil.copy(golden + "/rrdb-x2.safetensors", more + "/twice.safetensors")
        made = run("upscale", "--model", "twice", "--models-dir", self.path("more"), self.path("a.png"), "-o", self.path("b.png"), env=env)
        self.assertEqual(made.returncode, 0, made.stderr)
        before, after = png_texts(self.path("a.png")), png_texts(self.path("b.png"))
        for key, text in before.items():
            self.assertEqual(after[key], text)
        self.assertEqual(after["postprocessing"], "Postprocess upscale by: 2, Postprocess upscaler: twice")
        with open(self.path("b.png"), "rb") as file:
            self.assertEqual(struct.unpack(">II", file.read(24)[16:]), (128, 192))
        compact = golden + "/compact-x4.safetensors"
        # that the values agree is the unit test's matter
        for name, tile in (("whole", "512"), ("pieces", "96")):
            made = run("upscale", "--model", compact, self.path("b.png"), "--output", self.path(name + ".png"), "--tile", tile)
            self.assertEqual(made.returncode, 0, made.stderr)
        whole, pieces = png_pixels(self.path("whole.png")), png_pixels(self.path("pieces.png"))
        self.assertEqual(len(whole), len(pieces))
        self.assertEqual(len(whole), 768 * (512 * 3 + 1))
        out = self.path("c.png")
        for args, status, words in (
                (("--model", SAMPLE, self.path("a.png")), 1, "no upscaler"),
                (("--model", "twicce", "--models-dir", self.path("more"), self.path("a.png")), 1, "did you mean “twice”?"),
                (("--model", compact, self.path("none.png")), 1, "none.png"),
                (("--model", compact, "--tile", "5", self.path("a.png")), 1, "--tile is 5"),
                (("--model", compact), 2, "one picture"),
                ((self.path("a.png"),), 2, "--model")):
            made = run("upscale", *args, "-o", out, env=env)
            self.assertEqual(made.returncode, status, made.stderr)
            self.assertIn(words, made.stderr)
            self.assertFalse(os.path.exists(out))

    def test_memory_limit(self):
        self.generate("a.png", "--seed", "5")
        plan = json.loads(run("plan", "--json", "--memory-limit", "1000").stdout)
        self.generate("b.png", "--seed", "5", "--memory-limit", str(plan["device_bytes"] // 2**20 - 1))
        self.assertEqual(png_pixels(self.path("a.png")), png_pixels(self.path("b.png")))
        out = run("generate", "--steps", "1", "--memory-limit", "3", "--output", self.path("c.png"))
        self.assertEqual(out.returncode, 1)
        self.assertIn("there are 3.0", out.stderr)
        self.assertFalse(os.path.exists(self.path("c.png")))

    def test_devices(self):
        devices = json.loads(run("devices", "--json").stdout)
        self.assertGreaterEqual(len(devices), 1)
        self.assertTrue(devices[0]["name"])

    def test_bench(self):
        answer = json.loads(run("bench", "--json", "--width", "64", "--height", "64").stdout)
        for rate in ("flops_per_second", "copy_bytes_per_second", "dispatch_seconds"):
            self.assertGreater(answer[rate], 0)
        self.assertEqual([n["name"] for n in answer["networks"]], ["step", "decode"])
        for network in answer["networks"]:
            self.assertGreater(network["seconds"], 0)
            self.assertGreater(network["floor_seconds"], 0)
            self.assertGreaterEqual(network["bytes"], network["ideal_bytes"] / 2)
            self.assertEqual(sum(k["count"] for k in network["kernels"]), network["dispatches"])
            self.assertLess(network["barriers"], network["dispatches"])

    def test_full_disk(self):
        for args in (("--output", "/dev/full"), ("--output", self.path("x.png"), "--latents-out", "/dev/full")):
            out = run("generate", "--steps", "1", *args)
            self.assertEqual(out.returncode, 1)
            self.assertIn("No space left", out.stderr)
        self.assertTrue(stat.S_ISCHR(os.stat("/dev/full").st_mode))  # written to, not replaced
        write_tensors(self.path("f.safetensors"), {"f": ("F16", [1], bytes(2))})
        for command in ("inspect", "stats"):
            with open("/dev/full", "w") as full:
                out = subprocess.run([CLI, command, self.path("f.safetensors")], stdout=full, stderr=subprocess.PIPE)
            self.assertEqual(out.returncode, 1)
            self.assertIn(b"No space left", out.stderr)

    def test_names_do_not_steer_the_terminal(self):
        path, name = self.path("n.safetensors"), "\x1b[31m\x9b2J\u2028\x7f\0end"
        write_tensors(path, {name: ("U8", [1], bytes(1))})
        for args in (("inspect", path), ("stats", path), ("stats", path, "\x1b[31m"), ("inspect", "--json", path)):
            out = run(*args)
            for c in "\x1b\x9b\x7f\0":
                self.assertNotIn(c, out.stdout + out.stderr)
        self.assertEqual(len(out.stdout.splitlines()), 1)
        self.assertEqual(json.loads(out.stdout)["tensors"][0]["name"], name)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
