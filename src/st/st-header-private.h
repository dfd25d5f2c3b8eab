/* st-header-private.h: from the JSON of a header to a checked list of tensors
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "st/st.h"
#include "st/st-arena-private.h"
#include "st/st-names-private.h"

/* The format's bounds: eight bytes of length, then at most so many of JSON. */
#define ST_LENGTH_BYTES 8
#define ST_HEADER_MAX 100000000

typedef struct
{
  StArena *arena;
  StTensor *tensors; /* in offset order */
  guint n_tensors;
  StMetadata *metadata; /* in the order of the file */
  guint n_metadata;
  StNames *names;
  char **warnings;
} StHeader;

/**
 * st_header_parse:
 * @text: the JSON, @length bytes
 * @data_bytes: bytes of the file behind the header
 *
 * Gives the verdict of the reference implementation, in its order: UTF-8, JSON, each
 * tensor in offset order, the total. What the reference accepts but other programs trip
 * over becomes a warning. Two megabytes a millisecond is usual; asks @task to be
 * cancelled every few thousand entries.
 */
gboolean st_header_parse (StHeader *header,
                          const char *text,
                          gsize length,
                          guint64 data_bytes,
                          const BaseTask *task,
                          GError **error);
/**
 * st_header_salvage: as much of a faulty header as is sound
 * @fault: (out): what is wrong with it; stays NULL where nothing is
 *
 * The tensors up to the first fault of the text, but for those whose own entry
 * contradicts itself. They may lie in each other's place or beyond the end of the data.
 * FALSE only when @task was cancelled, with @fault set so.
 */
gboolean st_header_salvage (StHeader *header,
                            const char *text,
                            gsize length,
                            guint64 data_bytes,
                            const BaseTask *task,
                            GError **fault);
void st_header_clear (StHeader *header);

/** st_name_is_plain: whether st_name_escape() would leave a short @name as it is */
gboolean st_name_is_plain (const char *name, gsize length);

/** st_tensor_check: whether type, shape and offsets fit each other; sets the count */
gboolean st_tensor_check (StTensor *tensor, GError **error);
/** st_header_check: the rules on offsets, shapes and sizes; part of st_header_parse() */
gboolean st_header_check (StTensor *tensors,
                          guint n_tensors,
                          guint64 data_bytes,
                          const BaseTask *task,
                          GError **error);
