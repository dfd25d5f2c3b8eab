/* nn-plan-private.h: where things that live for a while lie in one arena
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <glib.h>

#define NN_PLAN_ALIGNMENT 256 /* no device asks for more in a binding's offset */

/* Something of @bytes that lives from operator @first to operator @last, both included.
 */
typedef struct
{
  guint64 bytes;
  guint first, last;
  guint64 offset; /* found by nn_plan_place */
} NnSpan;

/**
 * nn_plan_place:
 * @page: a span never crosses a multiple of this; a multiple of NN_PLAN_ALIGNMENT, not
 * less than the largest span
 *
 * Fills the offsets: spans whose lives meet do not overlap. Offsets are multiples of
 * NN_PLAN_ALIGNMENT. Returns: bytes of the arena. Thread: any.
 */
guint64 nn_plan_place (NnSpan *spans, guint n_spans, guint64 page);
