/* st-tags.h: what a trainer's metadata tell
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "st/st.h"

typedef struct
{
  char *tag; /* for the screen */
  guint64 count;
} StTag;

/**
 * st_tags_read: (transfer full) (nullable): of StTag, the most frequent first
 * @text: value of "ss_tag_frequency": {"folder": {"tag": count, …}, …}
 *
 * Counts of several folders are summed. NULL where @text is something else. Takes seconds
 * for megabytes. Thread: any.
 */
GArray *st_tags_read (const char *text, gsize length);
