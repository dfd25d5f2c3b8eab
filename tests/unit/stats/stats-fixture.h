/* stats-fixture.h: tensors made for the tests of stats
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "stats/stats.h"

/** fixture_word: word @i of splitmix64 */
guint64 fixture_word (guint64 i);
/** fixture_raw: (transfer full): @size bytes of those words */
guint8 *fixture_raw (gsize size);
/** fixture_narrow: (transfer full): see tools/reference/make-stats.py */
guint8 *fixture_narrow (StDtype dtype, gsize size);
/** fixture_floats: (transfer full): @n F32, bell-shaped, of deviation 0.02 */
float *fixture_floats (gsize n, guint64 seed);
/** fixture_file: opens a new file of one tensor "x" */
StFile *fixture_file (StDtype dtype, const void *data, guint64 n);
/** fixture_file_free: closes and deletes it */
void fixture_file_free (StFile *file);
/** fixture_stats: of that file; aborts on an error */
StatsTensor *fixture_stats (StDtype dtype, const void *data, guint64 n);
