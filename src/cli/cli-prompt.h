/* cli-prompt.h: options that say how prompts are read
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd.h"

typedef struct
{
  char *grammar, *emphasis, **embeddings;
  int clip_skip; /* 0: as the model wishes */
} CliPrompt;

extern CliPrompt cli_prompt; /* what the command line says */

/* For a command's list of options. */
#define CLI_PROMPT_ENTRIES                                                               \
  { "grammar",                                                                           \
    0,                                                                                   \
    0,                                                                                   \
    G_OPTION_ARG_FILENAME,                                                               \
    &cli_prompt.grammar,                                                                 \
    "How brackets and weights in prompts are read; plain: as text",                      \
    "a1111|comfyui|plain" },                                                             \
      { "emphasis",                                                                      \
        0,                                                                               \
        0,                                                                               \
        G_OPTION_ARG_FILENAME,                                                           \
        &cli_prompt.emphasis,                                                            \
        "What weights do; no-norm: the mean is not restored; ignore: nothing; none: "    \
        "they are text",                                                                 \
        "original|no-norm|ignore|none" },                                                \
      { "clip-skip",                                                                     \
        0,                                                                               \
        0,                                                                               \
        G_OPTION_ARG_INT,                                                                \
        &cli_prompt.clip_skip,                                                           \
        "Layer of the text encoder that is listened to, from the end: 1 is the last",    \
        "N" },                                                                           \
  {                                                                                      \
    "embedding", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &cli_prompt.embeddings,              \
        "A textual inversion; its word is the file's name. May be given several times",  \
        "FILE"                                                                           \
  }

/** cli_prompt_fill: into @params; G_OPTION_ERROR names the option */
gboolean cli_prompt_fill (SdParams *params, GError **error);
