/* sd-names-private.h: the translations of names that are not a single file's
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd-names.h"

typedef struct _SdNamesDiffusers SdNamesDiffusers;

/* Tables end in NULL. */
typedef struct
{
  const char *from, *to;
} SdRename;

/** sd_names_rename_start: (transfer full) (nullable): @name with the first start that
 * @table has exchanged; NULL: none of them */
char *sd_names_rename_start (const char *name, const SdRename *table);

/**
 * sd_names_diffusers_new: counts the blocks of each level from the model's names
 * @unet, @vae: (nullable): what stands in front of a part's names ("unet/"); NULL: the
 * part is not there; static
 */
SdNamesDiffusers *
sd_names_diffusers_new (StModel *model, const char *unet, const char *vae);
void sd_names_diffusers_free (SdNamesDiffusers *map);
/** sd_names_diffusers_translate: (transfer full) (nullable): NULL: of no part that is
 * known */
char *sd_names_diffusers_translate (const SdNamesDiffusers *map, const char *name);

/* The other way: what diffusers calls a UNet's modules. */
typedef struct _SdNamesDiffusersOf SdNamesDiffusersOf;
/** sd_names_diffusers_of_new: counts the blocks of each level from the names there are */
SdNamesDiffusersOf *sd_names_diffusers_of_new (SdNames *names);
void sd_names_diffusers_of_free (SdNamesDiffusersOf *map);
/**
 * sd_names_diffusers_of: (transfer full) (nullable)
 * @module: in single-file spelling, without SD_NAMES_UNET and ".weight"
 */
char *sd_names_diffusers_of (const SdNamesDiffusersOf *map, const char *module);

/**
 * sd_names_clip_translate: of a text encoder's name in a checkpoint or a folder
 * @encoder: (out): 0 or 1: the second one of XL
 * @open: (out): spelled as OpenCLIP does
 *
 * Returns: (nullable) (transfer full): under SD_NAMES_TEXT or SD_NAMES_TEXT_2
 */
char *sd_names_clip_translate (const char *name, guint *encoder, gboolean *open);
/** sd_names_clip_translate_part: in a file that has the text encoder alone, or is to give
 * no other part */
char *sd_names_clip_translate_part (const char *name, guint encoder, gboolean *open);
