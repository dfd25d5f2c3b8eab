/* main.c: where the window's program begins
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-application.h"
#include "app/app-settings.h"
#include "app/app-watch.h"
#include "app/app-worker.h"
#include "gpu/gpu.h"

static gboolean
has_graphics_card (void)
{
  g_autoptr (GDir) folder = g_dir_open ("/dev/dri", 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    if (g_str_has_prefix (name, "renderD"))
      return TRUE;
  return FALSE;
}

/* GDK asks OpenGL for its visual even where cairo draws. Mesa counts the processors then
 * and, for that, binds this thread to one after the other; lavapipe, counting at the same
 * moment in the worker, would find one processor: half as fast, and its cached kernels
 * are filed under that number too. */
static void
forbid_opengl (void)
{
  gboolean debug = gtk_get_minor_version () < 16;
  const char *variable = debug ? "GDK_DEBUG" : "GDK_DISABLE";
  const char *given = g_getenv (variable);
  g_autofree char *value = g_strconcat (given != NULL ? given : "",
                                        given != NULL && *given != '\0' ? "," : "",
                                        debug ? "gl-disable" : "gl", NULL);
  g_setenv (variable, value, TRUE);
}

/* How the window is drawn; must come before GTK and before gpu_prepare_process ().
 *
 * Without a graphics card OpenGL is Mesa's llvmpipe: slower than cairo, on the very cores
 * that compute the pictures. Worse, the vector width that suits lavapipe holds for
 * llvmpipe too, and LLVM 15 crashes there on GTK's shaders at 512 bits. Where GTK may use
 * OpenGL all the same (a card whose driver is not used by this screen, or the user's
 * wish), the width stays at Mesa's own 256. */
static void
prepare_drawing (void)
{
  const char *renderer = g_getenv ("GSK_RENDERER");

  if (renderer == NULL && !has_graphics_card ())
    g_setenv ("GSK_RENDERER", renderer = "cairo", TRUE);
  if (g_strcmp0 (renderer, "cairo") == 0)
    forbid_opengl ();
  else
    g_setenv ("LP_NATIVE_VECTOR_WIDTH", "256", FALSE);
}

int
main (int argc, char **argv)
{
  g_autoptr (AppApplication) application = NULL;
  int status;

  app_watch_start ();
  prepare_drawing ();
  gpu_prepare_process ();
  app_settings_prepare ();
  application = app_application_new (argc == 1);
  status = g_application_run (G_APPLICATION (application), argc, argv);
  app_worker_shut_down ();
  return status;
}
