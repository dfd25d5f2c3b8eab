/* image-meta-a1111.c: the `parameters` text of the A1111 web interface
 *
 * Prompt, any number of lines; "Negative prompt: …", any number of lines; a last line of
 * "Key: value" pairs. A value that holds a comma, a colon or a line break is written as a
 * JSON string. The last line counts as such only with three pairs or more. Krita, Forge,
 * Fooocus, sd.cpp and Civitai write the same form with keys of their own.
 *
 * Lines of prompts are kept as they are; A1111 itself strips each. Everything is read in
 * one pass without going back, so that a hostile line costs no more than its length.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "image/image-private.h"
#include "base/base-json.h"

#include <math.h>
#include <string.h>

#define NEGATIVE "Negative prompt:"
#define MIN_PAIRS 3

/* ---- writing ---- */

static void
append_value (GString *line, const char *key, const char *value)
{
  gsize n = value != NULL ? strlen (value) : 0;

  if (n == 0)
    return;
  if (line->len > 0)
    g_string_append (line, ", ");
  g_string_append_printf (line, "%s: ", key);
  if (strpbrk (value, ",:\n\r\"") == NULL && !g_ascii_isspace (value[0])
      && !g_ascii_isspace (value[n - 1]))
    g_string_append (line, value);
  else
    {
      g_autoptr (BaseJson) json = base_json_new (FALSE);
      g_autofree char *quoted = NULL;

      base_json_string (json, value);
      quoted = base_json_steal (json, NULL);
      g_string_append (line, quoted);
    }
}

static void
append_number (GString *line, const char *key, int value)
{
  g_autofree char *text = g_strdup_printf ("%d", value);

  append_value (line, key, text);
}

static void
append_size (GString *line, const ImageMeta *meta)
{
  g_autofree char *text = NULL;

  if (meta->width < 0 || meta->height < 0)
    return;
  text = g_strdup_printf ("%dx%d", meta->width, meta->height);
  append_value (line, "Size", text);
}

static void
append_sampling (GString *line, const ImageMeta *meta)
{
  if (meta->steps >= 0)
    append_number (line, "Steps", meta->steps);
  if (meta->sampler != NULL)
    append_value (line, "Sampler", image_sampler_a1111_label (meta->sampler));
  if (meta->schedule != NULL)
    append_value (line, "Schedule type", image_schedule_a1111_label (meta->schedule));
  if (isfinite (meta->cfg))
    {
      g_autofree char *text = base_double_to_string (meta->cfg);
      append_value (line, "CFG scale", text);
    }
  image_meta_from_append_guidance (&meta->from, line);
  if (meta->has_seed)
    {
      g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, meta->seed);
      append_value (line, "Seed", text);
    }
}

char *
image_meta_to_a1111 (const ImageMeta *meta)
{
  g_autoptr (GString) text = g_string_new (meta->prompt);
  g_autoptr (GString) line = g_string_new (NULL);

  if (meta->negative != NULL && meta->negative[0] != '\0')
    g_string_append_printf (text, "%s" NEGATIVE " %s", text->len > 0 ? "\n" : "",
                            meta->negative);
  append_sampling (line, meta);
  append_size (line, meta);
  append_value (line, "Model hash", meta->model_hash);
  append_value (line, "Model", meta->model);
  append_value (line, "VAE", meta->vae);
  image_meta_from_append_strength (&meta->from, line);
  if (meta->clip_skip > 1)
    append_number (line, "Clip skip", meta->clip_skip);
  if (meta->rng != NULL && !g_str_equal (meta->rng, "gpu"))
    {
      g_autofree char *rng = g_ascii_strup (meta->rng, -1);
      append_value (line, "RNG", rng);
    }
  image_meta_from_append_mask (&meta->from, line);
  append_value (line, "TI", meta->words);
  if (meta->emphasis != NULL && !g_str_equal (meta->emphasis, "Original"))
    append_value (line, "Emphasis", meta->emphasis);
  append_value (line, "Lora hashes", meta->lora_hashes);
  append_value (line, "Version", meta->version);
  if (text->len > 0 && line->len > 0)
    g_string_append_c (text, '\n');
  g_string_append (text, line->str);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

/* ---- reading ---- */

static gboolean
is_word (gunichar c)
{
  return g_unichar_isalnum (c) || c == '_';
}

static const char *
skip_space (const char *at)
{
  while (*at != '\0' && g_unichar_isspace (g_utf8_get_char (at)))
    at = g_utf8_next_char (at);
  return at;
}

/* Behind the closing quote of the JSON string at @at, if a comma or the end follows. */
static const char *
skip_quoted (const char *at)
{
  const char *start = at;

  for (at++; *at != '"'; at++)
    {
      if (*at == '\\' && at[1] != '\0')
        at++;
      else if (*at == '\0')
        return NULL;
    }
  return at - start > 1 && (at[1] == ',' || at[1] == '\0') ? at + 1 : NULL;
}

static char *
unquote (const char *start, gsize n)
{
  char *raw = g_strndup (start, n);
  g_autoptr (JsonNode) node = NULL;

  if (n < 2 || start[0] != '"' || start[n - 1] != '"')
    return g_strchomp (raw);
  node = image_json_parse (raw);
  if (node != NULL && JSON_NODE_HOLDS_VALUE (node) && json_node_get_string (node) != NULL)
    {
      g_free (raw); /* half of a surrogate pair makes json-glib's string invalid */
      raw = g_utf8_make_valid (json_node_get_string (node), -1);
    }
  return raw;
}

/* The next "Key: value" at or after *@at, which moves behind it. A key is a word
 * character and then at least one more of those, spaces, "-" and "/". */
static gboolean
next_pair (const char **at, char **key, char **value)
{
  const char *p = *at, *start, *end;

  for (;;)
    {
      while (*p != '\0' && !is_word (g_utf8_get_char (p)))
        p = g_utf8_next_char (p);
      if (*p == '\0')
        return FALSE;
      start = p;
      while (is_word (g_utf8_get_char (p)) || (*p != '\0' && strchr (" -/", *p) != NULL))
        p = g_utf8_next_char (p);
      if (*p == ':' && p > g_utf8_next_char (start))
        break;
    }
  *key = g_strndup (start, (gsize) (p - start));
  start = skip_space (p + 1);
  end = *start == '"' ? skip_quoted (start) : NULL;
  if (end == NULL)
    end = start + strcspn (start, ",");
  *value = unquote (start, (gsize) (end - start));
  *at = *end == ',' ? end + 1 : end;
  return TRUE;
}

static gboolean
parse_int (const char *text, int *value)
{
  gint64 number;

  if (!g_ascii_string_to_signed (text, 10, 0, G_MAXINT, &number, NULL))
    return FALSE;
  *value = (int) number;
  return TRUE;
}

static void
parse_size (const char *text, ImageMeta *meta)
{
  g_auto (GStrv) sides = g_strsplit (text, "x", 2);
  int width, height;

  if (sides[0] == NULL || sides[1] == NULL || !parse_int (sides[0], &width)
      || !parse_int (sides[1], &height))
    return;
  meta->width = width;
  meta->height = height;
}

static void
parse_cfg (const char *text, ImageMeta *meta)
{
  char *end;
  double value = g_ascii_strtod (text, &end);

  if (end != text && *end == '\0' && isfinite (value))
    meta->cfg = value;
}

static void
set_fields (ImageMeta *meta, GHashTable *pairs)
{
  const char *value;

#define GET(name)                                                                        \
  ((value = g_hash_table_lookup (pairs, name)) != NULL && value[0] != '\0')
  if (GET ("Steps"))
    parse_int (value, &meta->steps);
  if (GET ("Sampler"))
    image_meta_set_sampler (meta, value);
  if (GET ("CFG scale"))
    parse_cfg (value, meta);
  if (GET ("Seed"))
    meta->has_seed
        = g_ascii_string_to_unsigned (value, 10, 0, G_MAXUINT64, &meta->seed, NULL);
  if (GET ("Size"))
    parse_size (value, meta);
  if (GET ("Model"))
    meta->model = g_strdup (value);
  if (GET ("Model hash"))
    meta->model_hash = g_strdup (value);
  if (GET ("VAE"))
    meta->vae = g_strdup (value);
  if (GET ("Lora hashes"))
    meta->lora_hashes = g_strdup (value);
  if (GET ("Version"))
    meta->version = g_strdup (value);
  meta->clip_skip = 1; /* what is meant where it is not said; Civitai writes 0 */
  if (GET ("Clip skip") && parse_int (value, &meta->clip_skip))
    meta->clip_skip = MAX (meta->clip_skip, 1);
  if (GET ("Emphasis"))
    meta->emphasis = g_strdup (value);
  if (GET ("TI"))
    meta->words = g_strdup (value);
  if (GET ("RNG"))
    image_meta_set_rng (meta, value);
  if (GET ("Schedule type") || GET ("Scheduler"))
    image_meta_set_schedule (meta, value);
  image_meta_from_read_pairs (&meta->from, pairs);
#undef GET
}

/* Which program it was, and what that one means by saying nothing. */
static void
set_source (ImageMeta *meta)
{
  static const char *const programs[][2] = {
    { "Calotype", "calotype" }, { "stable-diffusion.cpp", "sd.cpp" },
    { "ComfyUI", "comfyui" },   { "Fooocus", "fooocus" },
    { "InvokeAI", "invokeai" },
  };
  const char *source = "a1111";

  for (guint i = 0; meta->version != NULL && i < G_N_ELEMENTS (programs); i++)
    if (g_str_has_prefix (meta->version, programs[i][0]))
      source = programs[i][1];
  meta->source = g_strdup (source);
  if (meta->schedule == NULL)
    image_meta_set_schedule (meta,
                             g_str_equal (source, "sd.cpp") ? "normal" : "Automatic");
  if (g_str_equal (source, "a1111"))
    {
      image_meta_count_ddim_steps (meta);
      if (meta->rng == NULL)
        meta->rng = g_strdup ("gpu");
    }
  if (meta->rng == NULL && g_str_equal (source, "sd.cpp"))
    meta->rng = g_strdup ("nv");
}

/* Key → value of the parameter line, the first of each key; NULL with too few pairs. What
 * follows "SDCPP:" is sd.cpp's JSON and no pairs. */
static GHashTable *
parse_line (const char *line)
{
  g_autoptr (GHashTable) pairs
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  guint n = 0;
  char *key, *value;

  while (next_pair (&line, &key, &value))
    {
      n++;
      if (g_str_equal (key, "SDCPP"))
        line += strlen (line);
      if (g_hash_table_contains (pairs, key))
        {
          g_free (key);
          g_free (value);
        }
      else
        g_hash_table_insert (pairs, key, value);
    }
  return n >= MIN_PAIRS ? g_steal_pointer (&pairs) : NULL;
}

/* @text is everything before the parameter line. */
static void
split_prompts (ImageMeta *meta, const char *text)
{
  const char *negative = text;

  while (negative != NULL && !g_str_has_prefix (negative, NEGATIVE))
    {
      negative = strchr (negative, '\n');
      negative = negative != NULL ? negative + 1 : NULL;
    }
  meta->prompt
      = g_strndup (text, negative != NULL ? (gsize) (negative - text) : strlen (text));
  g_strstrip (meta->prompt);
  meta->negative = g_strdup (negative != NULL ? negative + strlen (NEGATIVE) : "");
  g_strstrip (meta->negative);
}

ImageMeta *
image_meta_from_a1111 (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_auto (GStrv) parts = g_strsplit (valid, "\r\n", -1);
  g_autofree char *body = g_strstrip (g_strjoinv ("\n", parts));
  char *line = strrchr (body, '\n');
  g_autoptr (GHashTable) pairs = parse_line (line != NULL ? line + 1 : body);
  ImageMeta *meta;

  if (pairs == NULL)
    return NULL;
  *(line != NULL ? line : body) = '\0';
  meta = image_meta_new ();
  split_prompts (meta, body);
  set_fields (meta, pairs);
  set_source (meta);
  return meta;
}
