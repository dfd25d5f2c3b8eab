/* sd-weights-private.h: a part of a weight, and where it is read from
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd-net-private.h"

typedef struct
{
  SdLoras *const *loras; /* what makes others of weights, or NULL: as it is when read */
  char *name;
  char *whole; /* names of all parts of its weight */
  const StModelTensor *tensor;
  NnType type;   /* as it is handed on */
  float *scales; /* (nullable): what values are multiplied with: one for all, or one for
                    each output */
  gsize n_scales;
} SdWeightSource;

void sd_weight_source_free (gpointer source);
/** sd_weight_source_type: as which values of @dtype are handed on */
NnType sd_weight_source_type (StDtype dtype, const float *scales, gsize n);
/** sd_weight_source_read: an NnReadFunc */
gboolean sd_weight_source_read (gpointer source, void *dst, gsize n, GError **error);
