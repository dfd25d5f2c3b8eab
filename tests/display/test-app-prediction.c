/* test-app-prediction.c: what is said of a file is remembered for it, and heeded
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-prediction.h"
#include "app/app-settings.h"

#include <string.h>

static GtkDropDown *
make_drop (const char *path, const SdInfo *info)
{
  static const char *const items[] = { "auto", "noise", "v", NULL };
  GtkDropDown *drop
      = GTK_DROP_DOWN (g_object_ref_sink (gtk_drop_down_new_from_strings (items)));
  app_prediction_bind (drop, path, info);
  return drop;
}

static void
test_choice (void)
{
  g_autoptr (GtkDropDown) one = make_drop ("/a/one.safetensors", NULL);
  g_assert_cmpuint (gtk_drop_down_get_selected (one), ==, SD_PREDICTION_AUTO);
  gtk_drop_down_set_selected (one, SD_PREDICTION_V);
  g_assert_cmpint (app_prediction_get ("/a/one.safetensors"), ==, SD_PREDICTION_V);
  g_assert_cmpint (app_prediction_get ("/a/two.safetensors"), ==, SD_PREDICTION_AUTO);
  g_autoptr (GVariant) kept = g_settings_get_value (app_settings_get (), "predictions");
  g_autofree char *text = g_variant_print (kept, FALSE);
  g_assert_cmpstr (text, ==, "{'/a/one.safetensors': 'v'}");

  /* another model's choice is its own, and going there says nothing of this one */
  app_prediction_bind (one, "/a/two.safetensors", NULL);
  g_assert_cmpuint (gtk_drop_down_get_selected (one), ==, SD_PREDICTION_AUTO);
  gtk_drop_down_set_selected (one, SD_PREDICTION_EPSILON);
  g_assert_cmpint (app_prediction_get ("/a/one.safetensors"), ==, SD_PREDICTION_V);
  app_prediction_bind (one, "/a/one.safetensors", NULL);
  g_assert_cmpuint (gtk_drop_down_get_selected (one), ==, SD_PREDICTION_V);
  gtk_drop_down_set_selected (one, SD_PREDICTION_AUTO);
  app_prediction_set ("/a/two.safetensors", SD_PREDICTION_AUTO);
  g_autoptr (GVariant) empty = g_settings_get_value (app_settings_get (), "predictions");
  g_assert_cmpuint (g_variant_n_children (empty), ==, 0);
}

static void
test_heeded (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = sd_bundled_model_path ();
  g_autoptr (StModel) model = st_model_open (path, NULL, &error);
  g_assert_no_error (error);
  app_prediction_set (path, SD_PREDICTION_V);
  app_prediction_attach (model, path);
  g_autoptr (SdInfo) info = sd_info_new (model);
  g_assert_true (info->v_prediction);
  g_autoptr (GtkDropDown) drop = make_drop (path, info);
  g_assert_cmpuint (gtk_drop_down_get_selected (drop), ==, SD_PREDICTION_V);
  g_assert_nonnull (
      strstr (gtk_widget_get_tooltip_text (GTK_WIDGET (drop)), info->prediction_key));
  app_prediction_set (path, SD_PREDICTION_AUTO);
}

int
main (int argc, char **argv)
{
  g_setenv ("GSETTINGS_BACKEND", "memory", TRUE);
  gtk_test_init (&argc, &argv, NULL);
  app_prediction_load ();
  g_test_add_func ("/app/prediction/choice", test_choice);
  g_test_add_func ("/app/prediction/heeded", test_heeded);
  return g_test_run ();
}
