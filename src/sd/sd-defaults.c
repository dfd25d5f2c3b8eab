/* sd-defaults.c: the size, the steps and the words that a model recommends for itself
 *
 * Four sources, later ones over earlier ones: the family, the configuration files of a
 * diffusers folder, the file's name where it tells of few steps (such models are
 * nowhere else marked), the metadata of the file. A value that makes no sense is left
 * out, since none of them is needed.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-info-private.h"

#include <json-glib/json-glib.h>
#include <string.h>

#define MIN_SIDE 64
#define MAX_SIDE 4096

static void
set_size (SdInfo *info, guint64 width, guint64 height)
{
  if (width < MIN_SIDE || width > MAX_SIDE || width % 8 != 0)
    return;
  if (height < MIN_SIDE || height > MAX_SIDE || height % 8 != 0)
    return;
  info->width = (guint) width;
  info->height = (guint) height;
}

/* "512x768" or "512" */
static void
read_resolution (SdInfo *info, const char *text)
{
  if (text == NULL)
    return;
  char *end;
  guint64 width = g_ascii_strtoull (text, &end, 10), height = width;
  if (end != text && (*end == 'x' || *end == 'X'))
    {
      const char *second = end + 1;
      height = g_ascii_strtoull (second, &end, 10);
    }
  if (*end == '\0')
    set_size (info, width, height);
}

/* (nullable): the root of a JSON text; @parser owns it */
static JsonNode *
parse (JsonParser *parser, const char *text, gssize length)
{
  if (text == NULL || !json_parser_load_from_data (parser, text, length, NULL))
    return NULL;
  return json_parser_get_root (parser);
}

/* (nullable) (transfer full): the strings of a JSON list */
static char **
read_strings (const char *text)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonNode *root = parse (parser, text, -1);
  if (root == NULL || !JSON_NODE_HOLDS_ARRAY (root))
    return NULL;
  JsonArray *array = json_node_get_array (root);
  g_autoptr (GPtrArray) strings = g_ptr_array_new ();
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      if (JSON_NODE_HOLDS_VALUE (node)
          && json_node_get_value_type (node) == G_TYPE_STRING)
        g_ptr_array_add (strings, g_strdup (json_node_get_string (node)));
    }
  if (strings->len == 0)
    return NULL;
  g_ptr_array_add (strings, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&strings), FALSE);
}

static const char *
member_string (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);
  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;
  return json_node_get_string (node);
}

static gboolean
member_number (
    JsonObject *object, const char *name, double min, double max, double *number)
{
  JsonNode *node = json_object_get_member (object, name);
  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) == G_TYPE_STRING)
    return FALSE;
  double value = json_node_get_double (node);
  if (!(value >= min && value <= max))
    return FALSE;
  *number = value;
  return TRUE;
}

static void
read_calotype (SdInfo *info, const char *text)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonNode *root = parse (parser, text, -1);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return;
  JsonObject *object = json_node_get_object (root);
  double number;
  if (member_number (object, "steps", 1, 150, &number))
    info->steps = (guint) number;
  if (member_number (object, "cfg", 0, 30, &number))
    info->cfg = number;
  const char *sampler = member_string (object, "sampler");
  if (sampler != NULL)
    sampler_parse (sampler, &info->sampler, &info->schedule, NULL);
  const char *schedule = member_string (object, "schedule");
  if (schedule != NULL)
    sampler_schedule_parse (schedule, &info->schedule, NULL);
}

static void
read_latent_scale (SdInfo *info, StModel *model)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  gsize length = 0;
  g_autofree char *vae = st_model_read_json (model, "vae/config.json", &length);
  JsonNode *root = parse (parser, vae, (gssize) length);
  if (root != NULL && JSON_NODE_HOLDS_OBJECT (root))
    member_number (json_node_get_object (root), "scaling_factor", 1e-3, 1e3,
                   &info->latent_scale);
}

static void
read_folder (SdInfo *info, StModel *model)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  gsize length = 0;
  g_autofree char *unet = st_model_read_json (model, "unet/config.json", &length);
  JsonNode *root = parse (parser, unet, (gssize) length);
  double side;
  if (root != NULL && JSON_NODE_HOLDS_OBJECT (root)
      && member_number (json_node_get_object (root), "sample_size", 8, MAX_SIDE / 8,
                        &side))
    set_size (info, (guint64) side * 8, (guint64) side * 8);
}

/* ---- models for few steps ---- */

typedef struct
{
  const char *word;
  guint steps;
  SamplerKind sampler;
  SamplerSchedule schedule;
} FewSteps;

/* All of them without guidance: it is in their weights. */
static const FewSteps few_steps[] = {
  { "turbo", 4, SAMPLER_EULER_ANCESTRAL, SAMPLER_TURBO },
  { "lightning", 4, SAMPLER_EULER, SAMPLER_SGM_UNIFORM },
  { "lcm", 6, SAMPLER_LCM, SAMPLER_SGM_UNIFORM },
  { "hyper_sd", 8, SAMPLER_DDIM, SAMPLER_TURBO },
  { "hyper_sdxl", 8, SAMPLER_DDIM, SAMPLER_TURBO },
};

/* "…_8step_…", "…_8steps": 8; else 0 */
static guint
steps_in (const char *name)
{
  const char *at = strstr (name, "step");
  guint steps = 0, unit = 1;
  if (at != NULL && at > name && at[-1] == '_')
    at--;
  for (; at != NULL && at > name && g_ascii_isdigit (at[-1]) && unit <= 10;
       at--, unit *= 10)
    steps += unit * (guint) g_ascii_digit_value (at[-1]);
  return steps;
}

static void
read_few_steps (SdInfo *info, StModel *model)
{
  g_autofree char *title = st_model_title (model);
  g_autofree char *file = g_path_get_basename (st_model_path (model));
  g_autofree char *both = g_strdup_printf ("_%s_%s_", file, title);
  g_autofree char *name = g_ascii_strdown (both, -1);
  g_strdelimit (name, " -.", '_');
  for (guint i = 0; info->has_unet && i < G_N_ELEMENTS (few_steps); i++)
    {
      g_autofree char *word = g_strdup_printf ("_%s_", few_steps[i].word);
      if (strstr (name, word) == NULL)
        continue;
      guint steps = steps_in (name);
      info->steps = steps >= 1 && steps <= 16 ? steps : few_steps[i].steps;
      info->cfg = 1.0;
      info->sampler = few_steps[i].sampler;
      info->schedule = few_steps[i].schedule;
      info->few_steps = TRUE;
      /* the first ones, which others were made from, are for small pictures */
      if (strstr (name, "_sd_xl_turbo_") != NULL || strstr (name, "_sdxl_turbo_") != NULL
          || strstr (name, "_sd_turbo_") != NULL)
        set_size (info, 512, 512);
      return;
    }
}

void
sd_info_read_defaults (SdInfo *info, StModel *model)
{
  info->steps = 20;
  info->cfg = 7.0;
  info->sampler = SAMPLER_DPMPP_2M;
  info->schedule = SAMPLER_KARRAS;
  if (st_model_is_folder (model))
    {
      read_folder (info, model);
      read_latent_scale (info, model);
    }
  if (info->width == 0)
    {
      gboolean sd2_v = info->family == SD_FAMILY_SD2 && info->v_prediction;
      guint side = info->family == SD_FAMILY_SDXL ? 1024 : sd2_v ? 768 : 512;
      set_size (info, side, side);
    }
  read_few_steps (info, model);
  read_resolution (info, st_model_metadata_value (model, "modelspec.resolution"));
  read_calotype (info, st_model_metadata_value (model, "calotype.defaults"));
  info->words = read_strings (st_model_metadata_value (model, "calotype.words"));
  info->prompts = read_strings (st_model_metadata_value (model, "calotype.prompts"));
}
