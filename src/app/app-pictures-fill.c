/* app-pictures-fill.c: settings out of a picture's text into the form
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-pictures-private.h"
#include "app/app-reading.h"

#include <glib/gi18n.h>

static void
take_text (char **to, const char *from)
{
  g_free (*to);
  *to = g_strdup (from != NULL ? from : "");
}

void
app_pictures_take_meta (SdParams *params, const ImageMeta *meta, gboolean exact)
{
  take_text (&params->prompt, meta->prompt);
  take_text (&params->negative, meta->negative);
  if (meta->width > 0 && meta->height > 0 && exact)
    {
      params->width = ((guint) meta->width + 4) / 8 * 8;
      params->height = ((guint) meta->height + 4) / 8 * 8;
    }
  if (meta->steps > 0)
    params->steps = (guint) meta->steps;
  if (meta->cfg > 0)
    params->cfg = meta->cfg;
  if (meta->has_seed && exact)
    params->seed = meta->seed;
  if (meta->sampler != NULL)
    sampler_parse (meta->sampler, &params->sampler, &params->schedule, NULL);
  if (meta->schedule != NULL)
    sampler_schedule_parse (meta->schedule, &params->schedule, NULL);
  if (meta->rng != NULL)
    params->rng = g_str_equal (meta->rng, "cpu") ? BASE_RANDOM_CPU : BASE_RANDOM_NV;
  app_reading_take_meta (params, meta);
}

void
app_pictures_fill (AppPicturesPage *self, const ImageMeta *meta)
{
  const SdParams *now = app_session_get_params (self->session);
  g_autoptr (SdParams) params = NULL;

  if (now == NULL)
    return;
  params = sd_params_copy (now);
  app_pictures_take_meta (params, meta, TRUE);
  params->batch = 1;
  g_autoptr (GError) error = NULL;
  if (!sd_params_check (params, &error))
    {
      app_window_toast (app_pictures_window (self), error->message, NULL, NULL);
      return;
    }
  app_session_edit (self->session, "fill", params);
  if (meta->has_seed)
    app_session_set_seed_locked (self->session, TRUE);
  app_window_toast (app_pictures_window (self), _ ("Settings filled in"), _ ("Undo"),
                    "win.undo-settings");
}

void
app_pictures_offer (AppPicturesPage *self, ImageMeta *meta)
{
  image_meta_free (self->offered);
  self->offered = meta;
  app_window_toast (app_pictures_window (self), _ ("This picture tells how it was made."),
                    _ ("Fill In All Settings"), "win.fill-settings");
}
