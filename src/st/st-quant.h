/* st-quant.h: weights that are stored in pieces: packed values with scales beside them
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "st/st.h"

/** st_quant_weight_of: (nullable): the weight that @tensor only serves: as its scale,
 * zero points, … */
const StModelTensor *st_quant_weight_of (StModel *model, const StModelTensor *tensor);
/** st_quant_values: how many values of the network @tensor stands for: of a packed one
 * more than it has, of what serves another one none */
guint64 st_quant_values (StModel *model, const StModelTensor *tensor);
/** st_quant_parameters: the sum over all; @n_companions: (out): tensors that only serve
 * others. Some tenths of a second for half a million. Thread: any */
guint64 st_quant_parameters (StModel *model, guint *n_companions);
