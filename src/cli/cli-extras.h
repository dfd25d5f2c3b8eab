/* cli-extras.h: options that say something of a model: its parts in files of their own,
 * what it predicts
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd.h"

typedef struct
{
  char *prediction, *clip_l, *clip_h, *clip_g, *vae, *taesd;
} CliExtras;

extern CliExtras cli_extras; /* what the command line says */

/* For a command's list of options. */
#define CLI_EXTRAS_ENTRIES                                                                   \
  { "clip-l",                                                                                \
    0,                                                                                       \
    0,                                                                                       \
    G_OPTION_ARG_FILENAME,                                                                   \
    &cli_extras.clip_l,                                                                      \
    "Text encoder CLIP-L from this file; without: the model's, or one found beside it",      \
    "FILE" },                                                                                \
      { "clip-h",                                                                            \
        0,                                                                                   \
        0,                                                                                   \
        G_OPTION_ARG_FILENAME,                                                               \
        &cli_extras.clip_h,                                                                  \
        "Text encoder CLIP-H (2.x) from this file",                                          \
        "FILE" },                                                                            \
      { "clip-g",                                                                            \
        0,                                                                                   \
        0,                                                                                   \
        G_OPTION_ARG_FILENAME,                                                               \
        &cli_extras.clip_g,                                                                  \
        "Text encoder CLIP-G (XL) from this file",                                           \
        "FILE" },                                                                            \
      { "vae", 0, 0, G_OPTION_ARG_FILENAME, &cli_extras.vae, "VAE from this file", "FILE" }, \
      { "taesd",                                                                             \
        0,                                                                                   \
        0,                                                                                   \
        G_OPTION_ARG_FILENAME,                                                               \
        &cli_extras.taesd,                                                                   \
        "Tiny decoder for previews from this file",                                          \
        "FILE" },                                                                            \
  {                                                                                          \
    "prediction", 0, 0, G_OPTION_ARG_FILENAME, &cli_extras.prediction,                       \
        "What the UNet predicts; auto: as the model says", "auto|epsilon|v"                  \
  }

/** cli_extras_attach: to a model that was just opened; SD_ERROR or G_OPTION_ERROR */
gboolean cli_extras_attach (StModel *model, GError **error);
