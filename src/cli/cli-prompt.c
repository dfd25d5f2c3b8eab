/* cli-prompt.c: options that say how prompts are read
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "cli/cli-prompt.h"

#include <string.h>

CliPrompt cli_prompt;

static gboolean
refuse (GError **error, const char *option, const char *value, const char *wanted)
{
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               "%s is “%s”, but must be %s", option, value, wanted);
  return FALSE;
}

/* The word is the name without its suffix. */
static void
add_embedding (SdParams *params, const char *path)
{
  g_autofree char *file = g_filename_display_basename (path);
  char *dot = strrchr (file, '.');

  if (dot != NULL && dot != file)
    *dot = '\0';
  if (params->embeddings == NULL)
    params->embeddings
        = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_embedding_free);
  g_ptr_array_add (params->embeddings, sd_embedding_new (file, path));
}

gboolean
cli_prompt_fill (SdParams *params, GError **error)
{
  const CliPrompt *given = &cli_prompt;
  g_autofree char *typed = g_strdup_printf ("%d", given->clip_skip);

  if (given->grammar != NULL && !sd_grammar_parse (given->grammar, &params->grammar))
    return refuse (error, "--grammar", given->grammar, "a1111, comfyui or plain");
  if (given->emphasis != NULL && !sd_emphasis_parse (given->emphasis, &params->emphasis))
    return refuse (error, "--emphasis", given->emphasis,
                   "original, no-norm, ignore or none");
  if (given->clip_skip < 0)
    return refuse (error, "--clip-skip", typed, "above zero");
  if (given->clip_skip > 0)
    params->clip_skip = (guint) given->clip_skip;
  for (char **path = given->embeddings; path != NULL && *path != NULL; path++)
    {
      if (!g_file_test (*path, G_FILE_TEST_EXISTS))
        return refuse (error, "--embedding", *path, "a file that is there");
      add_embedding (params, *path);
    }
  return TRUE;
}
