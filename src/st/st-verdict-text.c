/* st-verdict-text.c: a verdict as a sentence and as JSON
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-verdict-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

gboolean
st_verdict_is (const StVerdict *verdict, const char *kinds)
{
  g_auto (GStrv) list = g_strsplit (kinds, "|", -1);

  return g_strv_contains ((const char *const *) list, verdict->kind);
}

guint
st_verdict_count_parts (const StVerdict *verdict, const char *id)
{
  guint n = 0;

  for (guint i = 0; i < verdict->parts->len; i++)
    n += g_str_has_prefix (g_array_index (verdict->parts, StVerdictPart, i).id, id);
  return n;
}

/* Beside what the title says already. */
static char *
describe_parts (const StVerdict *verdict)
{
  const guint n_text = st_verdict_count_parts (verdict, "text");
  const gboolean vae = st_verdict_count_parts (verdict, "vae") > 0;
  const char *text = n_text == 0  ? NULL
                     : n_text > 1 ? _ ("text encoders")
                                  : _ ("text encoder");

  if (text != NULL && vae)
    /* Translators: what is in a file: "text encoder", "VAE" */
    return g_strdup_printf (_ ("%s and %s inside"), text, _ ("VAE"));
  if (text != NULL || vae)
    /* Translators: what is in a file: "text encoder", "VAE" */
    return g_strdup_printf (_ ("%s inside"), text != NULL ? text : _ ("VAE"));
  return g_strdup (_ ("nothing else inside"));
}

char *
st_verdict_join (char *text, const char *more)
{
  /* Translators: puts another thing behind a list of them; a language that is written
   * from right to left isolates the second, which may be a name */
  char *joined = g_strdup_printf (_ ("%s, %s"), text, more);

  g_free (text);
  return joined;
}

char *
st_verdict_sentence (const StVerdict *verdict)
{
  char *text = g_strdup (verdict->title);

  if (verdict->details != NULL)
    text = st_verdict_join (text, verdict->details);
  if (verdict->n_tensors > 0)
    text = st_verdict_join (text, st_dtype_name (verdict->dtype));
  if (st_verdict_is (verdict, "image|video"))
    {
      g_autofree char *parts = describe_parts (verdict);
      text = st_verdict_join (text, parts);
    }
  return text;
}

static void
write_string (BaseJson *json, const char *key, const char *text)
{
  base_json_key (json, key);
  if (text != NULL)
    base_json_string (json, text);
  else
    base_json_null (json);
}

static void
write_strings (BaseJson *json, const char *key, char **strings)
{
  base_json_key (json, key);
  base_json_begin_array (json);
  for (guint i = 0; strings[i] != NULL; i++)
    base_json_string (json, strings[i]);
  base_json_end_array (json);
}

static void
write_uint (BaseJson *json, const char *key, guint64 number)
{
  base_json_key (json, key);
  base_json_uint (json, number);
}

static void
write_parts (const StVerdict *verdict, BaseJson *json)
{
  base_json_key (json, "parts");
  base_json_begin_array (json);
  for (guint i = 0; i < verdict->parts->len; i++)
    {
      const StVerdictPart *part = &g_array_index (verdict->parts, StVerdictPart, i);

      base_json_begin_object (json);
      write_string (json, "id", part->id);
      write_string (json, "title", part->title);
      write_string (json, "prefix", part->prefix);
      write_uint (json, "tensors", part->n_tensors);
      write_uint (json, "bytes", part->bytes);
      base_json_end_object (json);
    }
  base_json_end_array (json);
}

static void
write_patterns (const StVerdict *verdict, BaseJson *json)
{
  base_json_key (json, "patterns");
  base_json_begin_array (json);
  for (guint i = 0; i < verdict->patterns->len; i++)
    {
      const StVerdictPattern *p = &g_array_index (verdict->patterns, StVerdictPattern, i);

      base_json_begin_object (json);
      write_string (json, "pattern", p->text);
      write_uint (json, "tensors", p->n_tensors);
      write_uint (json, "bytes", p->bytes);
      base_json_end_object (json);
    }
  base_json_end_array (json);
}

void
st_verdict_write_json (const StVerdict *verdict, BaseJson *json)
{
  g_autofree char *sentence = st_verdict_sentence (verdict);

  write_string (json, "sentence", sentence);
  write_string (json, "id", verdict->id);
  write_string (json, "kind", verdict->kind);
  write_string (json, "name", verdict->name);
  write_string (json, "variant", verdict->variant);
  write_string (json, "family", verdict->family);
  write_string (json, "form", verdict->form);
  write_string (json, "base", verdict->base_name);
  write_string (json, "base_family", verdict->base_family);
  write_string (json, "config", verdict->config);
  write_string (json, "hub_repository", verdict->hub_repository);
  write_string (json, "hub_revision", verdict->hub_revision);
  write_string (json, "dtype", st_dtype_name (verdict->dtype));
  write_uint (json, "n_tensors", verdict->n_tensors);
  write_uint (json, "n_bytes", verdict->bytes);
  write_uint (json, "parameters", verdict->parameters);
  write_uint (json, "n_companions", verdict->n_companions);
  write_strings (json, "keys", verdict->keys);
  write_strings (json, "missing", verdict->missing);
  write_strings (json, "superfluous", verdict->superfluous);
  write_parts (verdict, json);
  write_uint (json, "n_patterns", verdict->n_patterns);
  write_patterns (verdict, json);
}

const char *
st_part_title (const char *path, gboolean transformer, guint *rank)
{
  const GArray *parts = st_rule_table_get ()->parts;
  const gsize length = path != NULL ? strlen (path) : 0;

  for (guint i = 0; length > 0 && i < parts->len; i++)
    {
      const StRuleText *part = &g_array_index (parts, StRuleText, i);

      if (part->length != length + 1 || strncmp (part->text, path, length) != 0)
        continue;
      if (rank != NULL)
        *rank = i;
      return st_words_part (part->id, transformer);
    }
  return NULL;
}
