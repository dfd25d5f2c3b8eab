/* sd-info-private.h: what a file is when it is no whole Stable Diffusion model
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd-library.h"
#include "sd/sd-names.h"
#include "sd/sd.h"

typedef struct
{
  const char *remedy; /* (nullable): instead of the usual one; translated */
  SdFileKind kind;
  SdFamily family; /* of a network: which it is for, where it tells */
} SdKind;

/** sd_kind_of: what follows from @verdict */
SdKind sd_kind_of (const StVerdict *verdict);

/** sd_lora_target: (nullable): what a LoRA's file is for: "Stable Diffusion 1.x", "Flux"
 * …; static */
const char *sd_lora_target (StModel *model);

/** sd_family_of_id: of "sd1", "sdxl" …, as the table of recognition has them; @id:
 * (nullable) */
SdFamily sd_family_of_id (const char *id);

/** sd_family_name: (nullable): "Stable Diffusion 1.x" … ; NULL for the unknown one */
const char *sd_family_name (SdFamily family);

/* ---- parts in files of their own ---- */

/** sd_extras_of: (nullable) */
const SdExtras *sd_extras_of (StModel *model);
/** sd_part_needed: whether @family makes no picture without it */
gboolean sd_part_needed (SdPart part, SdFamily family);
/** sd_part_name: for people */
const char *sd_part_name (SdPart part, SdFamily family);
/** sd_part_remedy: (transfer full): that it is missing, and where to put it */
char *sd_part_remedy (SdPart part, SdFamily family);
/** sd_info_new_brief: as sd_info_new, but of parts beside the file only those are looked
 * for without which it makes no picture */
SdInfo *sd_info_new_brief (StModel *model);
/** sd_parts_add: to the names of @model those of parts that were given, or are missing
 * and were found; @previews: TAESD is looked for too; @found: their paths, or NULLs; on
 * failure too. Errors: what was given
 * does not open or is something else */
gboolean sd_parts_add (SdNames *names,
                       StModel *model,
                       SdFamily family,
                       gboolean previews,
                       char *found[SD_N_PARTS],
                       GError **error);

/** sd_info_decide_prediction: `v_prediction`, `zero_snr` and what says so, from keys,
 * configuration, metadata and, for 2.x, one small tensor */
void sd_info_decide_prediction (SdInfo *info, StModel *model, SdNames *names);
/** sd_json_string: (nullable): member @name of the object that @text is; freed by caller
 */
char *sd_json_string (const char *text, const char *name);
/** sd_json_number: NAN where it is none */
double sd_json_number (const char *text, const char *name);
gboolean sd_json_true (const char *text, const char *name);

/** sd_info_read_defaults: size, steps … from metadata and configuration, checked for
 * sense */
void sd_info_read_defaults (SdInfo *info, StModel *model);
