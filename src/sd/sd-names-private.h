/* sd-names-private.h: the translation of a diffusers folder's names
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd-names.h"

typedef struct _SdNamesDiffusers SdNamesDiffusers;

/** sd_names_diffusers_new: counts the blocks of each level from the model's names */
SdNamesDiffusers *sd_names_diffusers_new (StModel *model);
void sd_names_diffusers_free (SdNamesDiffusers *map);
/** sd_names_diffusers_translate: (transfer full) (nullable): NULL: of no part that is
 * known */
char *sd_names_diffusers_translate (const SdNamesDiffusers *map, const char *name);
