/* fuzz.h: what a fuzz target gives, to libFuzzer or to fuzz-replay.c
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <glib.h>

/** LLVMFuzzerTestOneInput: reads @data as a file would be read; always 0 */
int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);
/** fuzz_seed: (nullable) (transfer full): the @i-th input that is as it should be */
GBytes *fuzz_seed (guint i);
