/* nn-check-private.h: is a kernel right on this device
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "nn/nn-context-private.h"

/**
 * nn_check_variant: computes a small operator like @op by @variant and by the direct form
 * @type: of activations
 *
 * Returns: by how much they differ, relative; infinity when one could not be computed.
 * Thread: the device's.
 */
double nn_check_variant (GpuDevice *device,
                         NnType type,
                         const NnOp *op,
                         const NnVariant *variant);
/** nn_check_trusts: the same as a verdict, found once per process and variant. Thread:
 * the device's. */
gboolean nn_check_trusts (const NnEmit *emit, const NnOp *op, const NnVariant *variant);
