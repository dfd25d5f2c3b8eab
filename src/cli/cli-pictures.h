/* cli-pictures.h: a run from its first step to its files
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd.h"

/** cli_read_noise: of --noise-in: float[batch][4][height/8][width/8] */
float *cli_read_noise (const char *path, const SdParams *params, GError **error);
/** cli_write_latents: for --latents-out */
gboolean
cli_write_latents (const char *path, SdRun *run, const SdParams *params, GError **error);
/** cli_run: all steps; warnings go to standard error */
SdRun *cli_run (SdEngine *engine,
                const SdParams *params,
                const float *noise,
                const BaseTask *task,
                GError **error);
/** cli_save_pictures: decodes, saves and names them; @output: (nullable): of --output */
gboolean cli_save_pictures (const char *output,
                            SdEngine *engine,
                            SdRun *run,
                            const SdParams *params,
                            const BaseTask *task,
                            GError **error);
