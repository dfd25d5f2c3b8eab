/* cli-lora.h: LoRAs on the command line
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd.h"

extern char **cli_loras; /* what the command line says; (nullable) */

/* For a command's list of options. */
#define CLI_LORA_ENTRY                                                                   \
  {                                                                                      \
    "lora", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &cli_loras,                               \
        "Change the model by this LoRA, a file or a name; can be given several times, "  \
        "beside <lora:NAME:WEIGHT> in the prompt",                                       \
        "FILE[:WEIGHT[:TEXT_WEIGHT]]"                                                    \
  }

/** cli_loras_add: to @params; G_OPTION_ERROR where a weight is none */
gboolean cli_loras_add (SdParams *params, GError **error);
