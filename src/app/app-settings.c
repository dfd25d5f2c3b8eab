/* app-settings.c: what is remembered between runs, and where an uninstalled build looks
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-settings.h"

#include <glib/gi18n.h>
#include <locale.h>

gboolean
app_settings_running_from_build (void)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);

  return program != NULL && g_str_has_prefix (program, BASE_BUILD_DIR G_DIR_SEPARATOR_S);
}

void
app_settings_prepare (void)
{
  gboolean in_build = app_settings_running_from_build ();

  setlocale (LC_ALL, "");
  if (in_build)
    g_setenv ("GSETTINGS_SCHEMA_DIR", BASE_BUILD_DIR "/data", FALSE);
  bindtextdomain (GETTEXT_PACKAGE, in_build ? BASE_BUILD_DIR "/po" : BASE_LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
}

GSettings *
app_settings_get (void)
{
  static GSettings *settings = NULL;

  if (settings == NULL)
    settings = g_settings_new (BASE_APP_ID);
  return settings;
}

gboolean
app_settings_testing (void)
{
  return g_getenv ("CALOTYPE_TEST") != NULL;
}
