/* app-copy.h: statistics and tensors as text for other programs
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-stats.h"

/* All (transfer full). Numbers are exact and with a point whatever the language. */

/** app_copy_tsv: two lines, names and values, separated by tabs */
char *app_copy_tsv (const char *name, const StatsTensor *stats);
/** app_copy_json: {"name", "dtype", "shape", "count" …} as calotype-cli writes it */
char *app_copy_json (const char *name, const StTensor *tensor, const StatsTensor *stats);
/** app_copy_python: a line that reads this tensor; of a group, its names */
char *app_copy_python (AppModel *model, const StNode *node);
