/* image-meta-json.c: metadata that programs write as a JSON object, ours among them
 *
 * Each dialect is a table from its member names to ours.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "image/image-private.h"

#include <math.h>
#include <string.h>

typedef enum
{
  PROMPT,
  NEGATIVE,
  STEPS,
  SAMPLER,
  SCHEDULE,
  CFG,
  SEED,
  WIDTH,
  HEIGHT,
  RESOLUTION, /* "(896, 1152)" */
  MODEL,
  MODEL_HASH,
  CLIP_SKIP,
  CLIP_SKIPPED, /* layers left out: one less than A1111's number */
  RNG,
  VERSION,
  EMPHASIS,
  GRAMMAR,
  WORDS,
} Field;

typedef struct
{
  const char *name;
  Field field;
} Member;

static const Member calotype_members[] = {
  { "prompt", PROMPT },   { "negative", NEGATIVE },     { "steps", STEPS },
  { "sampler", SAMPLER }, { "schedule", SCHEDULE },     { "cfg", CFG },
  { "seed", SEED },       { "width", WIDTH },           { "height", HEIGHT },
  { "model", MODEL },     { "model_hash", MODEL_HASH }, { "clip_skip", CLIP_SKIP },
  { "rng", RNG },         { "version", VERSION },       { "emphasis", EMPHASIS },
  { "grammar", GRAMMAR }, { "embeddings", WORDS },      { NULL },
};

static const Member fooocus_members[] = {
  { "prompt", PROMPT },
  { "negative_prompt", NEGATIVE },
  { "steps", STEPS },
  { "sampler", SAMPLER },
  { "scheduler", SCHEDULE },
  { "guidance_scale", CFG },
  { "seed", SEED },
  { "resolution", RESOLUTION },
  { "base_model", MODEL },
  { "base_model_hash", MODEL_HASH },
  { "clip_skip", CLIP_SKIP },
  { "version", VERSION },
  { NULL },
};

static const Member swarm_members[] = {
  { "prompt", PROMPT },
  { "negativeprompt", NEGATIVE },
  { "steps", STEPS },
  { "sampler", SAMPLER },
  { "scheduler", SCHEDULE },
  { "cfgscale", CFG },
  { "seed", SEED },
  { "width", WIDTH },
  { "height", HEIGHT },
  { "model", MODEL },
  { "swarm_version", VERSION },
  { NULL },
};

static const Member invokeai_members[] = {
  { "positive_prompt", PROMPT },
  { "negative_prompt", NEGATIVE },
  { "steps", STEPS },
  { "scheduler", SAMPLER },
  { "cfg_scale", CFG },
  { "seed", SEED },
  { "width", WIDTH },
  { "height", HEIGHT },
  { "rand_device", RNG },
  { "clip_skip", CLIP_SKIPPED },
  { "app_version", VERSION },
  { NULL },
};

/* InvokeAI before version 3, inside "image" */
static const Member invokeai_2_members[] = {
  { "prompt", PROMPT }, { "steps", STEPS }, { "sampler", SAMPLER }, { "cfg_scale", CFG },
  { "seed", SEED },     { "width", WIDTH }, { "height", HEIGHT },   { NULL },
};

static const Member novelai_members[] = {
  { "prompt", PROMPT }, { "uc", NEGATIVE },
  { "steps", STEPS },   { "sampler", SAMPLER },
  { "scale", CFG },     { "noise_schedule", SCHEDULE },
  { "seed", SEED },     { "width", WIDTH },
  { "height", HEIGHT }, { NULL },
};

static void
set_int (int *dst, double number)
{
  if (number >= 0 && number <= G_MAXINT && number == floor (number))
    *dst = (int) number;
}

static void
set_string (char **dst, const char *text)
{
  if (text == NULL || *dst != NULL)
    return;
  *dst = g_strdup (text);
}

static void
set_resolution (ImageMeta *meta, const char *text)
{
  gint64 sides[2] = { -1, -1 };

  for (guint i = 0; i < 2; i++)
    {
      char *end;

      text += strcspn (text, "0123456789");
      sides[i] = g_ascii_strtoll (text, &end, 10);
      if (end == text || sides[i] > G_MAXINT)
        return;
      text = end;
    }
  meta->width = (int) sides[0];
  meta->height = (int) sides[1];
}

static void
set_number (ImageMeta *meta, Field field, double number)
{
  if (field == STEPS)
    set_int (&meta->steps, number);
  else if (field == WIDTH)
    set_int (&meta->width, number);
  else if (field == HEIGHT)
    set_int (&meta->height, number);
  else if (field == CLIP_SKIP)
    set_int (&meta->clip_skip, MAX (number, 1));
  else if (field == CLIP_SKIPPED)
    set_int (&meta->clip_skip, number + 1);
  else if (field == CFG)
    meta->cfg = number;
}

static void
set_text (ImageMeta *meta, Field field, const char *text)
{
  if (field == PROMPT)
    set_string (&meta->prompt, text);
  else if (field == NEGATIVE)
    set_string (&meta->negative, text);
  else if (field == SAMPLER)
    image_meta_set_sampler (meta, text);
  else if (field == SCHEDULE)
    image_meta_set_schedule (meta, text);
  else if (field == RESOLUTION)
    set_resolution (meta, text);
  else if (field == MODEL)
    set_string (&meta->model, text);
  else if (field == MODEL_HASH)
    set_string (&meta->model_hash, text);
  else if (field == RNG)
    image_meta_set_rng (meta, text);
  else if (field == VERSION)
    set_string (&meta->version, text);
  else if (field == EMPHASIS)
    set_string (&meta->emphasis, text);
  else if (field == GRAMMAR)
    set_string (&meta->grammar, text);
  else if (field == WORDS)
    set_string (&meta->words, text);
}

static void
set_members (ImageMeta *meta, JsonObject *object, const Member *members)
{
  for (; object != NULL && members->name != NULL; members++)
    {
      JsonNode *node = json_object_get_member (object, members->name);
      const char *text = image_json_string (object, members->name);
      double number;

      if (members->field == SEED)
        meta->has_seed = meta->has_seed || image_json_uint64 (node, &meta->seed);
      else if (image_json_number (node, &number))
        set_number (meta, members->field, number);
      if (text != NULL)
        set_text (meta, members->field, text);
    }
}

/* InvokeAI 3 and later: the model is an object, its name spelled in two ways. */
static void
read_invokeai (ImageMeta *meta, JsonObject *object)
{
  JsonObject *model = image_json_object (object, "model");

  set_members (meta, object, invokeai_members);
  if (model != NULL)
    {
      set_string (&meta->model, image_json_string (model, "name"));
      set_string (&meta->model, image_json_string (model, "model_name"));
      set_string (&meta->model_hash, image_json_string (model, "hash"));
    }
}

/* InvokeAI 2: the prompt may be a list of weighted parts; what is to be avoided stands in
 * the prompt in square brackets and stays there. */
static void
read_invokeai_2 (ImageMeta *meta, JsonObject *object)
{
  JsonObject *image = image_json_object (object, "image");
  JsonNode *prompt = image != NULL ? json_object_get_member (image, "prompt") : NULL;

  set_string (&meta->model, image_json_string (object, "model_weights"));
  set_string (&meta->model_hash, image_json_string (object, "model_hash"));
  set_string (&meta->version, image_json_string (object, "app_version"));
  set_members (meta, image, invokeai_2_members);
  if (prompt != NULL && JSON_NODE_HOLDS_ARRAY (prompt))
    {
      JsonArray *parts = json_node_get_array (prompt);
      JsonNode *first
          = json_array_get_length (parts) > 0 ? json_array_get_element (parts, 0) : NULL;

      if (first != NULL && JSON_NODE_HOLDS_OBJECT (first))
        set_string (&meta->prompt,
                    image_json_string (json_node_get_object (first), "prompt"));
    }
}

/* A bare version number gets the program's name in front. */
static void
set_program (ImageMeta *meta, const char *program)
{
  char *version;

  if (meta->version == NULL || !g_ascii_isdigit (meta->version[0]))
    return;
  version = g_strdup_printf ("%s %s", program, meta->version);
  g_free (meta->version);
  meta->version = version;
}

/* Fills @meta from @object by what @keyword and the members say; its name, or NULL. */
static const char *
read_object (ImageMeta *meta, const char *keyword, JsonObject *object)
{
  JsonObject *swarm = image_json_object (object, "sui_image_params");

  if (g_str_equal (keyword, "calotype"))
    {
      const char *parent = image_json_string (object, "parent");

      set_members (meta, object, calotype_members);
      image_meta_from_read_object (&meta->from, object);
      set_program (meta, "Calotype");
      meta->vae = g_strdup (image_json_string (object, "vae"));
      if (parent != NULL && parent[0] != '\0' && strchr (parent, '/') == NULL)
        meta->parent = g_strdup (parent);
      return "calotype";
    }
  if (g_str_equal (keyword, "invokeai_metadata"))
    {
      read_invokeai (meta, object);
      set_program (meta, "InvokeAI");
      return "invokeai";
    }
  if (g_str_equal (keyword, "sd-metadata"))
    {
      read_invokeai_2 (meta, object);
      set_program (meta, "InvokeAI");
      return "invokeai";
    }
  if (g_str_equal (keyword, "Comment"))
    {
      set_members (meta, object, novelai_members);
      meta->clip_skip = 2; /* what their version of the model means */
      return json_object_has_member (object, "uc") ? "novelai" : NULL;
    }
  if (swarm != NULL)
    {
      set_members (meta, swarm, swarm_members);
      return "swarmui";
    }
  set_members (meta, object, fooocus_members);
  return "fooocus";
}

ImageMeta *
image_meta_from_json (const char *keyword, const char *json)
{
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (ImageMeta) meta = NULL;
  const char *source;

  while (g_ascii_isspace (*json))
    json++;
  node = *json == '{' ? image_json_parse (json) : NULL;
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return NULL;
  meta = image_meta_new ();
  source = read_object (meta, keyword, json_node_get_object (node));
  /* Something at least must have been understood. */
  if (source == NULL || (meta->prompt == NULL && !meta->has_seed && meta->steps < 0))
    return NULL;
  meta->source = g_strdup (source);
  return g_steal_pointer (&meta);
}

static void
set_option (ImageMeta *meta, char letter, const char *value)
{
  gint64 number;
  int *dst = letter == 's'   ? &meta->steps
             : letter == 'W' ? &meta->width
             : letter == 'H' ? &meta->height
                             : NULL;

  if (dst != NULL && g_ascii_string_to_signed (value, 10, 0, G_MAXINT, &number, NULL))
    *dst = (int) number;
  else if (letter == 'S')
    meta->has_seed
        = g_ascii_string_to_unsigned (value, 10, 0, G_MAXUINT64, &meta->seed, NULL);
  else if (letter == 'C' && g_ascii_isdigit (value[0]))
    meta->cfg = g_ascii_strtod (value, NULL);
  else if (letter == 'A')
    image_meta_set_sampler (meta, value);
}

/* InvokeAI 1 and its ancestors: `"a prompt" -s 50 -S 42 -W 512 -H 512 -C 7.5 -A k_lms`; a
 * value may also follow its letter at once. */
ImageMeta *
image_meta_from_dream (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  const char *end = strrchr (valid, '"');
  g_autoptr (ImageMeta) meta = image_meta_new ();
  g_auto (GStrv) words = NULL;

  if (valid[0] != '"' || end == valid)
    return NULL;
  meta->prompt = g_strndup (valid + 1, (gsize) (end - valid - 1));
  words = g_strsplit (end + 1, " ", -1);
  for (guint i = 0; words[i] != NULL; i++)
    if (words[i][0] == '-' && words[i][1] != '\0')
      set_option (meta, words[i][1],
                  words[i][2] != '\0'    ? words[i] + 2
                  : words[i + 1] != NULL ? words[i + 1]
                                         : "");
  meta->source = g_strdup ("invokeai");
  return g_steal_pointer (&meta);
}
