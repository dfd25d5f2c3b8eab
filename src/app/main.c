/* main.c: where the window's program begins
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-application.h"
#include "app/app-settings.h"
#include "gpu/gpu.h"

int
main (int argc, char **argv)
{
  g_autoptr (AppApplication) application = NULL;

  gpu_prepare_process ();
  app_settings_prepare ();
  application = app_application_new ();
  return g_application_run (G_APPLICATION (application), argc, argv);
}
