/* app-prediction.c: what the user says that a model predicts, remembered for each file
 *
 * Files do not always tell, and a wrong guess makes noise of every picture. The choice is
 * the file's, not the picture's: it goes with the path, through all sessions.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-prediction.h"
#include "app/app-settings.h"
#include "app/app-vae.h"

#include <glib/gi18n.h>

#define KEY "predictions"

static GMutex lock;
static GHashTable *chosen; /* path → SdPrediction; what is not in it is automatic */

void
app_prediction_load (void)
{
  g_autoptr (GVariantIter) items = NULL;
  const char *path, *name;
  SdPrediction prediction;

  g_mutex_lock (&lock);
  if (chosen == NULL)
    {
      chosen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      g_settings_get (app_settings_get (), KEY, "a{ss}", &items);
      while (g_variant_iter_next (items, "{&s&s}", &path, &name))
        if (sd_prediction_parse (name, &prediction) && prediction != SD_PREDICTION_AUTO)
          g_hash_table_insert (chosen, g_strdup (path), GUINT_TO_POINTER (prediction));
    }
  g_mutex_unlock (&lock);
}

SdPrediction
app_prediction_get (const char *path)
{
  SdPrediction prediction = SD_PREDICTION_AUTO;

  g_mutex_lock (&lock);
  if (chosen != NULL && path != NULL)
    prediction = GPOINTER_TO_UINT (g_hash_table_lookup (chosen, path));
  g_mutex_unlock (&lock);
  return prediction;
}

void
app_prediction_set (const char *path, SdPrediction prediction)
{
  GVariantBuilder items = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{ss}"));
  GHashTableIter iter;
  gpointer key, value;

  app_prediction_load ();
  g_mutex_lock (&lock);
  if (prediction == SD_PREDICTION_AUTO)
    g_hash_table_remove (chosen, path);
  else
    g_hash_table_insert (chosen, g_strdup (path), GUINT_TO_POINTER (prediction));
  g_hash_table_iter_init (&iter, chosen);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_variant_builder_add (&items, "{ss}", key,
                           sd_prediction_name (GPOINTER_TO_UINT (value)));
  g_mutex_unlock (&lock);
  g_settings_set_value (app_settings_get (), KEY, g_variant_builder_end (&items));
}

void
app_prediction_attach (StModel *model, const char *path)
{
  SdExtras *extras = g_new0 (SdExtras, 1);

  extras->prediction = app_prediction_get (path);
  extras->parts[SD_PART_VAE] = app_vae_get (path);
  sd_extras_attach (model, extras);
}

/* ---- the choice in the form ---- */

static void
on_selected (GtkDropDown *drop)
{
  const char *path = g_object_get_data (G_OBJECT (drop), "path");
  SdPrediction prediction = (SdPrediction) gtk_drop_down_get_selected (drop);

  if (path != NULL && prediction != app_prediction_get (path))
    app_prediction_set (path, prediction);
}

void
app_prediction_bind (GtkDropDown *drop, const char *path, const SdInfo *info)
{
  g_autofree char *tooltip = NULL;

  g_signal_handlers_disconnect_by_func (drop, on_selected, NULL);
  g_object_set_data_full (G_OBJECT (drop), "path", g_strdup (path), g_free);
  gtk_drop_down_set_selected (drop, app_prediction_get (path));
  g_signal_connect (drop, "notify::selected", G_CALLBACK (on_selected), NULL);
  if (info == NULL)
    return;
  if (info->prediction_key == NULL)
    tooltip = g_strdup (_ ("Nothing in the model says what it predicts, so it is taken "
                           "for noise. If pictures come out as noise, try the other."));
  else
    tooltip = g_strdup_printf (info->v_prediction ? _ ("This model predicts velocity: %s")
                                                  : _ ("This model predicts noise: %s"),
                               info->prediction_key);
  gtk_widget_set_tooltip_text (GTK_WIDGET (drop), tooltip);
}
