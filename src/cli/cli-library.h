/* cli-library.h: the folders of models, for commands
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd-library.h"

extern char **cli_models_dirs; /* what the command line says; (nullable) */

/* For a command's list of options. */
#define CLI_MODELS_DIR_ENTRY                                                             \
  {                                                                                      \
    "models-dir", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &cli_models_dirs,                   \
        "Look for models in this folder too; can be given several times", "DIR"          \
  }

/** cli_library_new: (nullable): the user's folders too; errors: a folder that was given
 * is none, or cannot be read */
SdLibrary *cli_library_new (GError **error);
/**
 * cli_library_find_model: (transfer full) (nullable): the path of a checkpoint
 * @name: a path, or where there is nothing at it, a name in the folders
 */
char *cli_library_find_model (SdLibrary *library,
                              const char *name,
                              const BaseTask *task,
                              GError **error);
/** cli_library_find_upscaler: likewise, of an upscaler */
char *cli_library_find_upscaler (SdLibrary *library,
                                 const char *name,
                                 const BaseTask *task,
                                 GError **error);
/** cli_library_tell: what was not understood while looking, to standard error */
void cli_library_tell (SdListing *listing);
