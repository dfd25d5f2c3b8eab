/* app-library.c: see app-library.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-library.h"

#include "app/app-settings.h"

#define ADDED "model-folders"
#define HIDDEN "hidden-model-folders"

struct _AppLibrary
{
  GObject parent_instance;
  SdLibrary *library;
  SdListing *listing;
  gboolean looking, watched;
};

enum
{
  CHANGED,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (AppLibrary, app_library, G_TYPE_OBJECT)

static void
on_listing (SdListing *listing, gpointer user_data)
{
  AppLibrary *self = user_data;

  sd_listing_unref (self->listing);
  self->listing = sd_listing_ref (listing);
  self->looking = FALSE;
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
on_settings (GSettings *settings, const char *key, AppLibrary *self)
{
  g_auto (GStrv) added = g_settings_get_strv (settings, ADDED);
  g_auto (GStrv) hidden = g_settings_get_strv (settings, HIDDEN);

  sd_library_set_folders (self->library, (const char *const *) added,
                          (const char *const *) hidden);
}

AppLibrary *
app_library_get (void)
{
  static AppLibrary *library;

  if (library == NULL)
    library = g_object_new (APP_TYPE_LIBRARY, NULL);
  return library;
}

/* Nothing is looked for before somebody wants to see it. */
static void
begin (AppLibrary *self)
{
  if (self->watched)
    return;
  self->watched = TRUE;
  sd_library_watch (self->library, NULL, on_listing, self);
}

SdListing *
app_library_get_listing (AppLibrary *self)
{
  begin (self);
  return self->listing;
}

SdLibrary *
app_library_get_library (AppLibrary *self)
{
  return self->library;
}

gboolean
app_library_is_looking (AppLibrary *self)
{
  return self->looking;
}

void
app_library_refresh (AppLibrary *self)
{
  sd_library_refresh (self->library);
}

static void
note_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  sd_library_note_use (NULL, data);
  g_task_return_boolean (task, TRUE);
}

static void
on_noted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  app_library_refresh (APP_LIBRARY (source));
}

void
app_library_note_use (AppLibrary *self, const char *path)
{
  g_autoptr (GTask) task = g_task_new (self, NULL, on_noted, NULL);

  g_task_set_task_data (task, g_strdup (path), g_free);
  g_task_run_in_thread (task, note_thread);
}

/* ---- folders ---- */

static void
put_in (const char *key, const char *path)
{
  GSettings *settings = app_settings_get ();
  g_auto (GStrv) before = g_settings_get_strv (settings, key);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) after = NULL;

  if (g_strv_contains ((const char *const *) before, path))
    return;
  g_strv_builder_addv (builder, (const char **) before);
  g_strv_builder_add (builder, path);
  after = g_strv_builder_end (builder);
  g_settings_set_strv (settings, key, (const char *const *) after);
}

static void
take_out (const char *key, const char *path)
{
  GSettings *settings = app_settings_get ();
  g_auto (GStrv) before = g_settings_get_strv (settings, key);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) after = NULL;

  for (guint i = 0; before[i] != NULL; i++)
    if (g_strcmp0 (before[i], path) != 0)
      g_strv_builder_add (builder, before[i]);
  after = g_strv_builder_end (builder);
  g_settings_set_strv (settings, key, (const char *const *) after);
}

void
app_library_add_folder (AppLibrary *self, const char *path)
{
  g_autofree char *whole = g_canonicalize_filename (path, NULL);

  take_out (HIDDEN, whole);
  put_in (ADDED, whole);
}

void
app_library_remove_folder (AppLibrary *self, const SdFolder *folder)
{
  if (folder->origin == SD_FOLDER_ADDED)
    take_out (ADDED, folder->path);
  else if (folder->origin == SD_FOLDER_FOUND)
    put_in (HIDDEN, folder->path);
}

char **
app_library_get_hidden (AppLibrary *self)
{
  return g_settings_get_strv (app_settings_get (), HIDDEN);
}

void
app_library_show_hidden (AppLibrary *self, const char *path)
{
  take_out (HIDDEN, path);
}

/* ---- life ---- */

static void
app_library_class_init (AppLibraryClass *klass)
{
  signals[CHANGED] = g_signal_new ("changed", APP_TYPE_LIBRARY, G_SIGNAL_RUN_LAST, 0,
                                   NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
app_library_init (AppLibrary *self)
{
  GSettings *settings = app_settings_get ();
  g_auto (GStrv) added = g_settings_get_strv (settings, ADDED);
  g_auto (GStrv) hidden = g_settings_get_strv (settings, HIDDEN);

  self->library
      = sd_library_new ((const char *const *) added, (const char *const *) hidden);
  self->listing = sd_library_list (self->library);
  self->looking = TRUE;
  g_signal_connect_object (settings, "changed::" ADDED, G_CALLBACK (on_settings), self,
                           0);
  g_signal_connect_object (settings, "changed::" HIDDEN, G_CALLBACK (on_settings), self,
                           0);
}
