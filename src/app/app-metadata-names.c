/* app-metadata-names.c: what the keys of known programs mean
 *
 * ModelSpec's, and those of kohya's training scripts.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-metadata.h"

#include <glib/gi18n.h>
#include <string.h>

/* In the order in which they are shown. */
static const struct
{
  const char *key, *name;
} names[] = {
  { "modelspec.title", N_ ("Title") },
  { "modelspec.architecture", N_ ("Architecture") },
  { "modelspec.author", N_ ("Author") },
  { "modelspec.description", N_ ("Description") },
  { "modelspec.date", N_ ("Date") },
  { "modelspec.license", N_ ("Licence") },
  { "modelspec.usage_hint", N_ ("How to use it") },
  { "modelspec.trigger_phrase", N_ ("Trigger words") },
  { "modelspec.tags", N_ ("Tags") },
  { "modelspec.merged_from", N_ ("Merged from") },
  { "modelspec.resolution", N_ ("Size of pictures") },
  { "modelspec.prediction_type", N_ ("Predicts") },
  { "modelspec.hash_sha256", N_ ("Hash of the tensors") },
  { "ss_output_name", N_ ("Name") },
  { "ss_tag_frequency", N_ ("Tags of the training pictures") },
  { "ss_base_model_version", N_ ("Kind of base model") },
  { "ss_sd_model_name", N_ ("Base model") },
  { "ss_network_module", N_ ("Network") },
  { "ss_network_dim", N_ ("Rank") },
  { "ss_network_alpha", N_ ("Alpha") },
  { "ss_resolution", N_ ("Size of pictures") },
  { "ss_clip_skip", N_ ("CLIP skip") },
  { "ss_num_train_images", N_ ("Training pictures") },
  { "ss_num_epochs", N_ ("Epochs") },
  { "ss_steps", N_ ("Steps") },
  { "ss_batch_size_per_device", N_ ("Batch") },
  { "ss_learning_rate", N_ ("Learning rate") },
  { "ss_unet_lr", N_ ("Learning rate of the UNet") },
  { "ss_text_encoder_lr", N_ ("Learning rate of the text encoder") },
  { "ss_optimizer", N_ ("Optimizer") },
  { "ss_lr_scheduler", N_ ("Learning rate schedule") },
  { "ss_noise_offset", N_ ("Noise offset") },
  { "ss_min_snr_gamma", N_ ("Min-SNR gamma") },
  { "ss_training_comment", N_ ("Comment") },
  { "ss_training_started_at", N_ ("Training began") },
  { "ss_training_finished_at", N_ ("Training ended") },
};

const char *
app_metadata_name (const char *key, guint *rank)
{
  const guint group = g_str_has_prefix (key, "modelspec.") ? 0
                      : g_str_has_prefix (key, "ss_") || g_str_has_prefix (key, "sshs_")
                          ? 1
                          : 2;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (strcmp (names[i].key, key) == 0)
      {
        *rank = 1000 * group + i;
        return _ (names[i].name);
      }
  *rank = 1000 * group + 999;
  return NULL;
}

/* Seconds since 1970 with a fraction: "1700000000.123". */
char *
app_metadata_value (const char *key, const char *value)
{
  g_autoptr (GDateTime) utc = NULL, local = NULL;
  char *end;
  double seconds;

  if (strcmp (key, "ss_training_started_at") != 0
      && strcmp (key, "ss_training_finished_at") != 0)
    return NULL;
  seconds = g_ascii_strtod (value, &end);
  if (*end != '\0' || end == value || !(seconds > 0 && seconds < 1e11))
    return NULL;
  utc = g_date_time_new_from_unix_utc ((gint64) seconds);
  local = utc != NULL ? g_date_time_to_local (utc) : NULL;
  return local != NULL ? g_date_time_format (local, "%x %X") : NULL;
}
