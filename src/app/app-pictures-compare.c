/* app-pictures-compare.c: what differs between two pictures, in words
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-pictures-private.h"
#include "app/app-reading.h"

#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

static void add (GString *line, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
add (GString *line, const char *format, ...)
{
  va_list arguments;

  if (line->len > 0)
    g_string_append (line, " · ");
  va_start (arguments, format);
  g_string_append_vprintf (line, format, arguments);
  va_end (arguments);
}

static void
add_seed (GString *line, guint64 from, guint64 to)
{
  guint64 up = to - from, down = from - to;

  if (up == 0)
    return;
  /* Neighbours are told by their distance, others only as different: two numbers of 15
   * digits side by side say nothing. */
  if (up < 1000)
    add (line, _ ("Seed \u2066+%u\u2069"), (guint) up);
  else if (down < 1000)
    add (line, _ ("Seed \u2066−%u\u2069"), (guint) down);
  else
    add (line, "%s", _ ("Other seed"));
}

char *
app_pictures_differences (const ImageMeta *from, const ImageMeta *to)
{
  GString *line = g_string_new (NULL);

  if (g_strcmp0 (from->prompt, to->prompt) != 0)
    add (line, "%s", _ ("Other prompt"));
  if (g_strcmp0 (from->negative, to->negative) != 0)
    add (line, "%s", _ ("Other words to avoid"));
  if (from->width != to->width || from->height != to->height)
    add (line, _ ("Size \u2066%d×%d → %d×%d\u2069"), from->width, from->height, to->width,
         to->height);
  if (from->steps != to->steps)
    add (line, _ ("Steps \u2066%d → %d\u2069"), from->steps, to->steps);
  if (fabs (from->cfg - to->cfg) > 1e-9)
    add (line, _ ("Guidance \u2066%.1f → %.1f\u2069"), from->cfg, to->cfg);
  if (g_strcmp0 (from->sampler, to->sampler) != 0
      || g_strcmp0 (from->schedule, to->schedule) != 0)
    add (line, _ ("Sampler \u2066%s %s → %s %s\u2069"),
         from->sampler != NULL ? from->sampler : "",
         from->schedule != NULL ? from->schedule : "",
         to->sampler != NULL ? to->sampler : "",
         to->schedule != NULL ? to->schedule : "");
  if (from->has_seed && to->has_seed)
    add_seed (line, from->seed, to->seed);
  if (g_strcmp0 (from->model, to->model) != 0)
    add (line, "%s", _ ("Other model"));
  if (line->len == 0)
    g_string_append (line, _ ("Same settings"));
  return g_string_free (line, FALSE);
}

ImageMeta *
app_pictures_meta_of (AppPicture *picture)
{
  AppJob *job = app_picture_get_job (picture);
  ImageMeta *meta;

  if (job == NULL)
    return app_picture_get_meta (picture) != NULL
               ? image_meta_copy (app_picture_get_meta (picture))
               : NULL;
  const SdParams *params = app_job_get_params (job);
  g_autofree char *model = g_path_get_basename (app_job_get_model_path (job));
  meta = image_meta_new ();
  meta->prompt = g_strdup (params->prompt);
  meta->negative = g_strdup (params->negative);
  meta->width = (int) params->width;
  meta->height = (int) params->height;
  meta->steps = (int) params->steps;
  meta->cfg = params->cfg;
  meta->sampler = g_strdup (sampler_kind_name (params->sampler));
  meta->schedule = g_strdup (sampler_schedule_name (params->schedule));
  meta->has_seed = TRUE;
  meta->seed = params->seed + app_picture_get_index (picture);
  meta->rng = g_strdup (params->rng == BASE_RANDOM_NV ? "nv" : "cpu");
  app_reading_tell_meta (params, meta);
  /* Saved pictures name their model without its suffix. */
  if (g_str_has_suffix (model, ".safetensors"))
    model[strlen (model) - strlen (".safetensors")] = '\0';
  meta->model = g_steal_pointer (&model);
  return meta;
}
