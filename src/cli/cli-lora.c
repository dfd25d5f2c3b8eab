/* cli-lora.c: LoRAs on the command line
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "cli/cli-lora.h"

#include <math.h>
#include <string.h>

char **cli_loras;

#define MOST_WEIGHTS 2

/* Takes ":NUMBER" off the end of @text; FALSE where there is none. */
static gboolean
take_weight (char *text, double *weight)
{
  char *colon = strrchr (text, ':'), *end;

  if (colon == NULL || colon[1] == '\0' || colon == text)
    return FALSE;
  *weight = g_ascii_strtod (colon + 1, &end);
  if (*end != '\0' || !isfinite (*weight))
    return FALSE;
  *colon = '\0';
  return TRUE;
}

/* As a prompt would name it: without folder and suffix. */
static char *
name_of (const char *path)
{
  char *name = g_path_get_basename (path);
  char *dot = strrchr (name, '.');

  if (dot != NULL && g_ascii_strcasecmp (dot, ".safetensors") == 0)
    *dot = '\0';
  return name;
}

static SdLora *
parse (const char *given, GError **error)
{
  g_autofree char *text = g_strdup (given);
  double weights[MOST_WEIGHTS];
  guint n = 0;

  /* A file may have colons in its name. */
  while (n < MOST_WEIGHTS && !g_file_test (text, G_FILE_TEST_EXISTS)
         && take_weight (text, &weights[n]))
    n++;
  const char *colon = strrchr (text, ':');
  if (!g_file_test (text, G_FILE_TEST_EXISTS) && colon != NULL)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "--lora is “%s”: no such file, and “%s” is no weight; "
                   "FILE[:WEIGHT[:TEXT_WEIGHT]] is needed",
                   given, colon + 1);
      return NULL;
    }
  SdLora *lora = g_new0 (SdLora, 1);
  gboolean is_file = g_file_test (text, G_FILE_TEST_EXISTS) || strchr (text, '/') != NULL;
  lora->name = name_of (text);
  lora->path = is_file ? g_strdup (text) : NULL;
  lora->model = n == 0 ? 1 : weights[n - 1]; /* they were taken from the end */
  lora->text = n == 0 ? 1 : weights[0];
  return lora;
}

gboolean
cli_loras_add (SdParams *params, GError **error)
{
  for (guint i = 0; cli_loras != NULL && cli_loras[i] != NULL; i++)
    {
      SdLora *lora = parse (cli_loras[i], error);

      if (lora == NULL)
        return FALSE;
      if (params->loras == NULL)
        params->loras = g_ptr_array_new_with_free_func ((GDestroyNotify) sd_lora_free);
      g_ptr_array_add (params->loras, lora);
    }
  return TRUE;
}
