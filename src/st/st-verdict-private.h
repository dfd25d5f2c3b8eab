/* st-verdict-private.h: the words of a verdict
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "st/st-recognise-private.h"

/** st_words_title: (transfer full): what it is, in words; @base: (nullable): what for */
char *st_words_title (const StVerdict *verdict, const char *name);
/** st_words_part: (nullable): title of the part @id */
const char *st_words_part (const char *id, gboolean transformer);
/** st_words_leftover: (transfer full): @n tensors of the kind @id are not needed */
char *st_words_leftover (const char *id, guint n, guint64 bytes);
/** st_words_lora: (transfer full) (nullable): its rank and how it is named */
char *st_words_lora (const StVerdict *verdict, StModel *model);
/** st_words_known: whether there are words for @kind and @variant (nullable) */
gboolean st_words_known (const char *kind, const char *variant);
