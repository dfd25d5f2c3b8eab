#!/usr/bin/env python3
"""embed-text.py: a text as a C array, so that no file is looked for at run time

    embed-text.py recognition.ini SYMBOL OUT.c

SPDX-License-Identifier: GPL-3.0-or-later
"""

import sys

data = open(sys.argv[1], "rb").read()
name = sys.argv[2]
lines = "\n".join(",".join(map(str, data[i : i + 24])) + "," for i in range(0, len(data), 24))
with open(sys.argv[3], "w", encoding="ascii") as out:
    out.write(f'#include "st/st-recognise-private.h"\n\nconst guint8 {name}[] = {{\n{lines}\n}};\n'
              f"const gsize {name}_size = {len(data)};\n")
