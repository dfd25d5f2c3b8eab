/* nn-tune-private.h: which variant was measured to be the fastest
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "nn/nn-context-private.h"

/**
 * nn_tune_look_up: the place in @list of the variant that was the fastest when @op's
 * shape was measured on this device
 *
 * Returns: -1 where it was not measured, or is not in @list. Thread: any.
 */
int nn_tune_look_up (const NnEmit *emit, const NnOp *op, const NnVariant *list, guint n);
