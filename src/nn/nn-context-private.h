/* nn-context-private.h: what the running side of this room shares: the context and its
 * arena
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "nn/nn-private.h"

/* All programs of a context place their activations in one arena. It has as much as the
 * most demanding program needs and is replaced when a larger one comes: programs then
 * drop their recordings, which name the old memory, and record again at their next run.
 * Where one allocation cannot hold the arena it continues in further ones (pages): no
 * tensor crosses from one to the next. */
struct _NnContext
{
  gatomicrefcount references;
  GpuDevice *device;   /* NULL: the reference, or only planning */
  const GpuInfo *info; /* NULL: the reference */
  gboolean frugal, quantized;
  guint bands; /* level */
  NnFamily family;
  NnChoose choose; /* (nullable) */
  gpointer choose_data;
  guint64 resident;    /* bytes of a program's weights that stay on the device */
  guint64 state_bytes; /* of all states */
  guint64 runs;        /* so far */
  NnType activations;
  GPtrArray *weights;  /* owned */
  GPtrArray *arena;    /* GpuBuffer: the pages */
  guint64 arena_bytes; /* in all pages */
  GPtrArray *programs; /* not owned */
};

/** nn_context_emit: for emitters; @recording NULL while only scratch is asked for */
NnEmit nn_context_emit (NnContext *context, GpuRecording *recording);
/** nn_context_page: bytes of an arena page, a multiple of 256 */
guint64 nn_context_page (NnContext *context);
/** nn_context_reserve: makes the arena at least @bytes long */
gboolean nn_context_reserve (NnContext *context, guint64 bytes, GError **error);
/** nn_context_release: gives the arena back; programs record again at their next run */
void nn_context_release (NnContext *context);
/** nn_program_drop: forgets the recording */
void nn_program_drop (NnProgram *program);
/** nn_program_make_room: frees weights of other programs, and an arena larger than
 * needed, until what @program still lacks fits, as far as that can be told before
 * allocating */
void nn_program_make_room (NnProgram *program);
/** nn_context_planning: nothing is ever allocated there */
static inline gboolean
nn_context_planning (const NnContext *context)
{
  return context->device == NULL && context->info != NULL;
}

/** nn_type_bytes: of one element */
guint nn_type_bytes (NnType type);
/** nn_values_to_float: @n values of @type at @src */
void nn_values_to_float (NnType type, const void *src, gsize n, float *dst);

/** nn_weights_load: reads and repacks those of @weights (NnWeight) that are not there yet
 */
gboolean nn_weights_load (NnContext *context,
                          GPtrArray *weights,
                          const BaseTask *task,
                          GError **error);
void nn_weight_free (NnWeight *weight);
/** nn_weight_evict: gives back what it has on the device; no recording may name it */
void nn_weight_evict (NnWeight *weight);
/** nn_weight_file_bytes: of all parts as they are read */
guint64 nn_weight_file_bytes (const NnWeight *weight);
/** nn_weight_quantize: as nn_weight_repack_host, for weights that are stored as NN_Q8 */
gboolean nn_weight_quantize (const NnWeight *weight,
                             const guint8 *raw,
                             GpuBuffer *to,
                             GError **error);
/** nn_weight_repack_host: as nn_emit_repack, on a device whose memory the host writes */
void nn_weight_repack_host (const NnWeight *weight, const guint8 *raw, guint32 *dst);
