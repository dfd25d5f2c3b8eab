/* cli-source.h: options of a picture that is made from another one
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd.h"

/* As given; numbers stay text, since GOption reads them by the locale. */
typedef struct
{
  char *image, *strength, *denoise, *resize, *mask, *mask_blur, *masked, *padding,
      *extend;
  char *overlap, *instruct, *image_cfg;
  gboolean exact_steps, only_masked, soft, seam_pass;
} CliSource;

extern CliSource cli_source; /* what the command line says */
/** cli_source_join: (transfer full): @entries and those of this file; to be freed with
 * g_free */
GOptionEntry *cli_source_join (const GOptionEntry *entries);

/**
 * cli_source_fill: @params get a source where one was asked for, and its size where
 * @width or @height (G_MININT: not given) say none
 *
 * What was decided for the user is said on standard error unless @quiet.
 */
gboolean cli_source_fill (SdParams *params,
                          const SdInfo *info,
                          int width,
                          int height,
                          gboolean quiet,
                          GError **error);
