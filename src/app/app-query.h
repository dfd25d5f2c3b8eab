/* app-query.h: what a person types to find tensors
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "app/app-outline.h"

/* Words with blanks between them, all of which must hold:
 *   text        the name has it, in any case; # stands for a number
 *   dtype:f16   the type; several with commas
 *   size>1MB    bytes, with k, M, G (decimal) or Ki, Mi, Gi; also < and =
 *   shape:320   one of the dimensions; shape:320x768 the whole shape */
typedef struct _AppQuery AppQuery;

AppQuery *app_query_new (const char *text);
void app_query_free (AppQuery *self);
/** app_query_is_empty: no word: everything is shown */
gboolean app_query_is_empty (const AppQuery *self);

/**
 * app_query_narrows: whether all that a search for @text finds was found by @before
 * (nullable) too
 */
gboolean app_query_narrows (const char *text, const char *before);

/**
 * app_query_run:
 * @within: (nullable): what an earlier search gave; only that is looked through
 * @n_hits: (out): tensors that match
 *
 * One byte for each row of @outline, 1 where it is shown: hits, what they lie in, and all
 * that lies in a part whose name for people matches. Cost: about 20 ns a tensor and word.
 * Thread: any. Returns: (transfer full): free with g_free; NULL when cancelled
 */
guint8 *app_query_run (const AppQuery *self,
                       AppOutline *outline,
                       const guint8 *within,
                       GCancellable *cancellable,
                       guint *n_hits);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (AppQuery, app_query_free)
