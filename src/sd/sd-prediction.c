/* sd-prediction.c: what a UNet was trained to predict, and with which last noise level
 *
 * Nothing in the weights' names tells, so whatever does is asked in order, from what was
 * put there on purpose to what only hints at it:
 *
 *     keys `v_pred` and `ztsnr`             fine-tunes of XL and 1.x carry them, empty
 *     scheduler/scheduler_config.json       of a diffusers folder
 *     metadata `modelspec.prediction_type`, `ss_zero_terminal_snr`, and the
 * architecture's name (“…-768-v”) NAME.yaml beside the file `parameterization: "v"`, of
 * the first programs 2.x: the spread of one bias           ComfyUI's sign: above 0.09 in
 * the 768 model
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-info-private.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

#define SPREAD_KEY SD_NAMES_UNET "output_blocks.11.1.transformer_blocks.0.norm1.bias"
#define SPREAD_OF_V 0.09
#define MAX_SPREAD_VALUES 4096
#define MAX_YAML (64 * 1024)

static const char *const names[] = { "auto", "epsilon", "v" };

const char *
sd_prediction_name (SdPrediction prediction)
{
  g_return_val_if_fail (prediction < G_N_ELEMENTS (names), NULL);
  return names[prediction];
}

/* Everyone's spelling. */
gboolean
sd_prediction_parse (const char *name, SdPrediction *prediction)
{
  static const struct
  {
    const char *name;
    SdPrediction prediction;
  } known[] = {
    { "auto", SD_PREDICTION_AUTO },      { "epsilon", SD_PREDICTION_EPSILON },
    { "eps", SD_PREDICTION_EPSILON },    { "v", SD_PREDICTION_V },
    { "v_prediction", SD_PREDICTION_V }, { "v-prediction", SD_PREDICTION_V },
    { "vpred", SD_PREDICTION_V },
  };
  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (g_ascii_strcasecmp (name, known[i].name) == 0)
      {
        *prediction = known[i].prediction;
        return TRUE;
      }
  return FALSE;
}

/* ---- small JSON ---- */

static JsonNode *
member (JsonParser *parser, const char *text, const char *name)
{
  if (text == NULL || !json_parser_load_from_data (parser, text, -1, NULL))
    return NULL;
  JsonNode *root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    return NULL;
  JsonNode *node = json_object_get_member (json_node_get_object (root), name);
  return node != NULL && JSON_NODE_HOLDS_VALUE (node) ? node : NULL;
}

char *
sd_json_string (const char *text, const char *name)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonNode *node = member (parser, text, name);
  if (node == NULL || json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;
  return g_strdup (json_node_get_string (node));
}

double
sd_json_number (const char *text, const char *name)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonNode *node = member (parser, text, name);
  GType type = node != NULL && JSON_NODE_HOLDS_VALUE (node)
                   ? json_node_get_value_type (node)
                   : G_TYPE_NONE;
  return type == G_TYPE_INT64 || type == G_TYPE_DOUBLE ? json_node_get_double (node)
                                                       : NAN;
}

gboolean
sd_json_true (const char *text, const char *name)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonNode *node = member (parser, text, name);
  return node != NULL && json_node_get_value_type (node) == G_TYPE_BOOLEAN
         && json_node_get_boolean (node);
}

/* ---- the signs ---- */

/* Takes @text where it names a prediction. */
static gboolean
decide (SdInfo *info, const char *text, const char *key)
{
  SdPrediction prediction;
  if (text == NULL || !sd_prediction_parse (text, &prediction)
      || prediction == SD_PREDICTION_AUTO)
    return FALSE;
  info->v_prediction = prediction == SD_PREDICTION_V;
  info->prediction_key = g_strdup (key);
  return TRUE;
}

static gboolean
decide_by_folder (SdInfo *info, StModel *model)
{
  static const char path[] = "scheduler/scheduler_config.json";
  g_autofree char *text
      = st_model_is_folder (model) ? st_model_read_json (model, path, NULL) : NULL;
  g_autofree char *type = sd_json_string (text, "prediction_type");
  info->zero_snr |= sd_json_true (text, "rescale_betas_zero_snr");
  return decide (info, type, "scheduler_config.json: prediction_type");
}

static gboolean
decide_by_metadata (SdInfo *info, StModel *model)
{
  const char *architecture = st_model_metadata_value (model, "modelspec.architecture");
  if (decide (info, st_model_metadata_value (model, "modelspec.prediction_type"),
              "modelspec.prediction_type"))
    return TRUE;
  if (architecture == NULL || !g_str_has_prefix (architecture, "stable-diffusion-v2-"))
    return FALSE;
  return decide (info,
                 g_str_has_prefix (architecture, "stable-diffusion-v2-768-v") ? "v"
                                                                              : "epsilon",
                 "modelspec.architecture");
}

/* One line of "parameterization: v", quoted or not; the file's other lines do not matter.
 */
static gboolean
decide_by_yaml (SdInfo *info, StModel *model)
{
  static const char word[] = "parameterization:";
  const char *path = st_model_path (model), *dot = strrchr (path, '.');
  g_autofree char *text = NULL;
  gsize length = 0;
  if (st_model_is_folder (model) || dot == NULL)
    return FALSE;
  g_autofree char *yaml = g_strdup_printf ("%.*s.yaml", (int) (dot - path), path);
  if (!g_file_get_contents (yaml, &text, &length, NULL) || length > MAX_YAML)
    return FALSE;
  const char *at = strstr (text, word);
  if (at == NULL)
    return FALSE;
  at += strlen (word);
  g_autofree char *value = g_strndup (at, strcspn (at, "\r\n#"));
  g_strdelimit (value, "\"'", ' ');
  g_autofree char *name = g_path_get_basename (yaml);
  g_autofree char *key = g_strconcat (name, ": parameterization", NULL);
  return decide (info, g_strstrip (value), key);
}

/* The only values that are read to say what a file is: some hundreds. */
static gboolean
decide_by_spread (SdInfo *info, SdNames *tensors)
{
  const StModelTensor *t = sd_names_find (tensors, SPREAD_KEY);
  if (t == NULL || t->tensor->rank != 1 || t->tensor->count == 0
      || t->tensor->count > MAX_SPREAD_VALUES || !st_dtype_is_float (t->tensor->dtype))
    return FALSE;
  gsize n = t->tensor->count, bytes = t->tensor->end - t->tensor->begin;
  g_autofree guint8 *packed = g_malloc (bytes);
  g_autofree float *values = g_new (float, n);
  double sum = 0, squares = 0;
  if (!st_file_read (t->file, t->tensor->begin, bytes, packed, NULL))
    return FALSE;
  st_dtype_to_float (t->tensor->dtype, packed, 0, n, values);
  for (gsize i = 0; i < n; i++)
    sum += values[i];
  for (gsize i = 0; i < n; i++)
    squares += (values[i] - sum / n) * (values[i] - sum / n);
  double spread = sqrt (squares / n);
  g_autofree char *key = g_strdup_printf ("%s (%.3f)", t->name, spread);
  return decide (info, spread > SPREAD_OF_V ? "v" : "epsilon", key);
}

static gboolean
decide_by_key (SdInfo *info, StModel *model)
{
  return st_model_find (model, "v_pred") != NULL && decide (info, "v", "v_pred");
}

void
sd_info_decide_prediction (SdInfo *info, StModel *model, SdNames *tensors)
{
  const char *kohya = st_model_metadata_value (model, "ss_zero_terminal_snr");
  info->zero_snr = st_model_find (model, "ztsnr") != NULL
                   || (kohya != NULL && g_ascii_strcasecmp (kohya, "true") == 0);
  if (!info->has_unet || decide_by_key (info, model) || decide_by_folder (info, model)
      || decide_by_metadata (info, model) || decide_by_yaml (info, model))
    return;
  if (info->family == SD_FAMILY_SD2 && info->unet_in_channels == 4)
    decide_by_spread (info, tensors);
}
