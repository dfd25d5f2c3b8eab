/* sd-info-private.h: what a file is when it is no whole Stable Diffusion model
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd.h"

typedef struct
{
  char *sentence;
  char *remedy;             /* (nullable): instead of the usual one */
  const char *deciding_key; /* (nullable): owned by the model */
} SdKind;

/** sd_kind_of: looks at the first thousands of names; never fails */
SdKind sd_kind_of (StModel *model);
void sd_kind_clear (SdKind *kind);

/** sd_family_name: (nullable): "Stable Diffusion 1.x" … ; NULL for the unknown one */
const char *sd_family_name (SdFamily family);

/** sd_info_read_defaults: size, steps … from metadata and configuration, checked for
 * sense */
void sd_info_read_defaults (SdInfo *info, StModel *model);
