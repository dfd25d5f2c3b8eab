#!/usr/bin/env python3
# units.py: the kernels of matrix units as SPIR-V that is kept beside their GLSL
#
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Compilers before 2024 cannot compile GL_KHR_cooperative_matrix, so these kernels come
# compiled: shaders/units/NAME.spv.h, with the compiler and the hash of all sources noted in
# it. After a change to the GLSL, or to a file that it includes:
#
#     python3 shaders/units.py make [GLSLC]
#
# Two tests watch over them, and take `glslc` from the path or from the environment (GLSLC):
#
#     units.py sources            the notes agree with the sources: needs no compiler
#     units.py rebuild            a compiler of any other version accepts the sources, one of
#                                 the same version gives the same words; without a compiler
#                                 that can do it at all, status 77: skipped
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
KERNELS = ['attention-units', 'matrix-units']
PROBE = '''#version 450
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
layout(local_size_x = 32) in;
void main() {}
'''


def sources_of(path, seen):
    """path and all that it includes, in the order of first mention"""
    if path in seen:
        return
    seen.append(path)
    for name in re.findall(r'^#include "(.*)"', path.read_text(), re.M):
        sources_of(HERE / name, seen)


def bare(text):
    """without comments and spaces, which make no difference"""
    return re.sub(r'\s+', ' ', re.sub(r'//[^\n]*|/\*.*?\*/', '', text, flags=re.S))


def hash_of(name):
    """of what the kernel is made from; of params.h, which serves all kernels, only what it names"""
    seen = []
    sources_of(HERE / f'{name}.comp', seen)
    texts = {path.name: path.read_text() for path in seen}
    params = texts.pop('params.h')
    rest = bare(' '.join(texts.values()))
    own = re.sub(r'#define (\w+) .*\n', lambda match: match[0] if match[1] in rest else '', params)
    own = re.sub(r'NN_PARAMS \((\w+)\)\n\{[^}]*\}', lambda match: match[0] if match[1] in rest else '', own)
    own = re.sub(r'NN_PARAMS_END \(\w+\)', '', own)
    return hashlib.sha256((rest + bare(own)).encode()).hexdigest()


def version_of(glslc):
    lines = subprocess.run([glslc, '--version'], capture_output=True, text=True, check=True).stdout.splitlines()
    return ', '.join(line.strip() for line in lines[:3])


def compile_glsl(glslc, source, target):
    return subprocess.run([glslc, '--target-env=vulkan1.2', '-O', '-mfmt=num', '-fshader-stage=compute', '-I', HERE,
                           source, '-o', target], capture_output=True, text=True)


def can_compile(glslc, folder):
    probe = pathlib.Path(folder) / 'probe.comp'
    probe.write_text(PROBE)
    return compile_glsl(glslc, probe, pathlib.Path(folder) / 'probe.spv').returncode == 0


def build(glslc, name, folder):
    target = pathlib.Path(folder) / f'{name}.spv'
    result = compile_glsl(glslc, HERE / f'{name}.comp', target)
    if result.returncode != 0:
        sys.exit(f'{name}: {result.stderr}')
    return [word.strip() for word in target.read_text().replace('\n', ',').split(',') if word.strip()]


def kept(name):
    """compiler, hash of the sources and words of the file that is kept"""
    text = (HERE / 'units' / f'{name}.spv.h').read_text()
    note = re.search(r'compiler: (.*)\n \* sources: (\w+)', text)
    return note[1], note[2], re.findall(r'0x[0-9a-f]+', text[text.index('*/'):])


def make(glslc):
    with tempfile.TemporaryDirectory() as folder:
        for name in KERNELS:
            words = build(glslc, name, folder)
            rows = [', '.join(words[i:i + 12]) for i in range(0, len(words), 12)]
            (HERE / 'units' / f'{name}.spv.h').write_text(
                f'/* {name}.spv.h: SPIR-V of {name}.comp, made by shaders/units.py\n *\n'
                f' * compiler: {version_of(glslc)}\n * sources: {hash_of(name)}\n *\n'
                ' * SPDX-License-Identifier: GPL-3.0-or-later\n */\n' + ',\n'.join(rows) + '\n')


def check_sources():
    stale = [name for name in KERNELS if kept(name)[1] != hash_of(name)]
    if stale:
        sys.exit(f'{", ".join(stale)}: the GLSL has changed since; run shaders/units.py make with a newer glslc')


def check_rebuild(glslc):
    with tempfile.TemporaryDirectory() as folder:
        if glslc is None or not can_compile(glslc, folder):
            print('no glslc here that knows GL_KHR_cooperative_matrix')
            sys.exit(77)
        version = version_of(glslc)
        for name in KERNELS:
            compiler, _, words = kept(name)
            built = build(glslc, name, folder)
            if compiler != version:
                print(f'{name}: kept by {compiler}, compiled here by {version}: words not compared')
            elif built != words:
                sys.exit(f'{name}: {version} gives other words than those that are kept')
            else:
                print(f'{name}: {len(words)} words, the same')


def main():
    glslc = os.environ.get('GLSLC') or shutil.which('glslc')
    if sys.argv[1:2] == ['make']:
        make(sys.argv[2] if len(sys.argv) > 2 else glslc)
    elif sys.argv[1:] == ['sources']:
        check_sources()
    elif sys.argv[1:] == ['rebuild']:
        check_rebuild(glslc)
    else:
        sys.exit('usage: units.py make [GLSLC] | sources | rebuild')


main()
