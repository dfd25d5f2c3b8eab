#!/usr/bin/env python3
"""embed-merges.py: data/clip-merges.bin as a C array, so that no file is looked for at run time

    embed-merges.py clip-merges.bin OUT.c

SPDX-License-Identifier: GPL-3.0-or-later
"""

import struct
import sys

data = open(sys.argv[1], "rb").read()
ids = struct.unpack(f"<{len(data) // 2}H", data)
lines = "\n".join(",".join(map(str, ids[i : i + 16])) + "," for i in range(0, len(ids), 16))
with open(sys.argv[2], "w", encoding="ascii") as out:
    out.write(f'#include "sd/sd-chars.h"\n\nconst guint16 sd_merges[SD_N_MERGES * 2] = {{\n{lines}\n}};\n')
