/* sd-prompt-networks.c: what a prompt names beside words: `<lora:name:weight>`
 *
 * The form of the A1111 web interface: `<kind:name:weight>`, where weights are by place
 * (text encoders, UNet) or by name (`te=`, `unet=`). They stand in the prompt so that
 * they travel with it; the text encoder never sees them.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-prompt.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

/* From `#` to the end of the line. */
static char *
without_comments (const char *text)
{
  GString *out = g_string_new (NULL);

  while (*text != '\0')
    {
      gsize words = strcspn (text, "#");
      g_string_append_len (out, text, (gssize) words);
      text += words;
      text += strcspn (text, "\n");
    }
  return g_string_free (out, FALSE);
}

/* `<word:anything>`: where its `>` is and where its `:`; NULL where @text begins with
 * something else. */
static const char *
find_end (const char *text, const char **colon)
{
  const char *p = text + 1;

  for (;;)
    {
      gunichar c = g_utf8_get_char_validated (p, -1);
      if (c == (gunichar) -1 || c == (gunichar) -2
          || (!g_unichar_isalnum (c) && c != '_'))
        break;
      p = g_utf8_next_char (p);
    }
  if (p == text + 1 || *p != ':')
    return NULL;
  *colon = p;
  p = strchr (p, '>');
  return p != NULL && p > *colon + 1 ? p : NULL;
}

static void
warn (GPtrArray *warnings, const char *format, const char *begin, const char *end)
{
  if (warnings == NULL)
    return;
  g_autofree char *tag = g_strndup (begin, (gsize) (end - begin));
  g_ptr_array_add (warnings, g_strdup_printf (format, tag));
}

static gboolean
read_weight (const char *text, double *weight)
{
  g_autofree char *trimmed = g_strstrip (g_strdup (text));
  char *end;
  double value = g_ascii_strtod (trimmed, &end);

  if (*trimmed == '\0' || *end != '\0' || !isfinite (value))
    return FALSE;
  *weight = value;
  return TRUE;
}

/* @fields: name, then weights: of the text encoders, of the UNet (else as the first). */
static SdLora *
read_lora (char **fields)
{
  g_autoptr (SdLora) lora = g_new0 (SdLora, 1);
  const char *te = NULL, *unet = NULL;
  guint place = 0;

  lora->name = g_strstrip (g_strdup (fields[0]));
  lora->model = lora->text = 1.0;
  for (char **field = fields + 1; *field != NULL; field++)
    {
      const char *equals = strchr (*field, '=');
      if (g_str_has_prefix (*field, "te="))
        te = equals + 1;
      else if (g_str_has_prefix (*field, "unet="))
        unet = equals + 1;
      else if (equals == NULL && place == 0)
        te = te != NULL ? te : *field;
      else if (equals == NULL && place == 1)
        unet = unet != NULL ? unet : *field;
      place += equals == NULL;
    }
  if (te != NULL && !read_weight (te, &lora->text))
    return NULL;
  lora->model = lora->text;
  if (unet != NULL && !read_weight (unet, &lora->model))
    return NULL;
  return *lora->name != '\0' ? g_steal_pointer (&lora) : NULL;
}

/* What stands from @begin to @end, both brackets included. */
static void
take (const char *begin,
      const char *colon,
      const char *end,
      GPtrArray *loras,
      GPtrArray *warnings)
{
  g_autofree char *kind = g_strndup (begin + 1, (gsize) (colon - begin - 1));
  g_autofree char *rest = g_strndup (colon + 1, (gsize) (end - 1 - colon - 1));
  g_auto (GStrv) fields = g_strsplit (rest, ":", -1);
  g_autoptr (SdLora) lora = NULL;

  if (!g_str_equal (kind, "lora") && !g_str_equal (kind, "lyco"))
    {
      warn (warnings, _ ("“%s” is of a kind that is not known here: it is left out"),
            begin, end);
      return;
    }
  lora = read_lora (fields);
  if (lora == NULL)
    warn (warnings,
          _ ("“%s” is left out: it must be <lora:name:weight> with a number as weight"),
          begin, end);
  else if (loras != NULL)
    g_ptr_array_add (loras, g_steal_pointer (&lora));
}

char *
sd_prompt_take_networks_full (const char *prompt, GPtrArray *loras, GPtrArray *warnings)
{
  g_autofree char *text = without_comments (prompt != NULL ? prompt : "");
  GString *out = g_string_new (NULL);

  for (const char *p = text; *p != '\0';)
    {
      const char *colon, *end = *p == '<' ? find_end (p, &colon) : NULL;
      if (end != NULL)
        {
          take (p, colon, end + 1, loras, warnings);
          p = end + 1;
        }
      else
        g_string_append_c (out, *p++);
    }
  return g_string_free (out, FALSE);
}

char *
sd_prompt_take_networks (const char *prompt, GPtrArray *loras)
{
  return sd_prompt_take_networks_full (prompt, loras, NULL);
}
