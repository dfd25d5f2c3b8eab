/* app-vae.c: see app-vae.h
 *
 * The choice is the model's, as what it predicts is: it goes with the path. The engine is
 * opened anew with it for the next picture.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-vae.h"

#include <glib/gi18n.h>

#include "app/app-library.h"
#include "app/app-settings.h"

#define KEY "vaes"

static GMutex lock;
static GHashTable *chosen; /* path of the model → path of the VAE */

void
app_vae_load (void)
{
  g_autoptr (GVariantIter) items = NULL;
  const char *path, *vae;

  g_mutex_lock (&lock);
  if (chosen == NULL)
    {
      chosen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
      g_settings_get (app_settings_get (), KEY, "a{ss}", &items);
      while (g_variant_iter_next (items, "{&s&s}", &path, &vae))
        g_hash_table_insert (chosen, g_strdup (path), g_strdup (vae));
    }
  g_mutex_unlock (&lock);
}

char *
app_vae_get (const char *path)
{
  g_autofree char *vae = NULL;

  g_mutex_lock (&lock);
  if (chosen != NULL && path != NULL)
    vae = g_strdup (g_hash_table_lookup (chosen, path));
  g_mutex_unlock (&lock);
  return vae != NULL && g_file_test (vae, G_FILE_TEST_EXISTS) ? g_steal_pointer (&vae)
                                                              : NULL;
}

void
app_vae_set (const char *path, const char *vae)
{
  GVariantBuilder items = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{ss}"));
  GHashTableIter iter;
  gpointer key, value;

  app_vae_load ();
  g_mutex_lock (&lock);
  if (vae == NULL)
    g_hash_table_remove (chosen, path);
  else
    g_hash_table_insert (chosen, g_strdup (path), g_strdup (vae));
  g_hash_table_iter_init (&iter, chosen);
  while (g_hash_table_iter_next (&iter, &key, &value))
    /* Settings are text; a path that is none is chosen for this time only. */
    if (g_utf8_validate (key, -1, NULL) && g_utf8_validate (value, -1, NULL))
      g_variant_builder_add (&items, "{ss}", key, value);
  g_mutex_unlock (&lock);
  g_settings_set_value (app_settings_get (), KEY, g_variant_builder_end (&items));
}

/* ---- the choice in the form ---- */

/* What a drop-down is about; goes with it. */
typedef struct
{
  char *path;
  SdFamily family;
  GPtrArray *vaes; /* paths, in the list's order; the first is NULL: automatic */
} Choice;

static void
choice_free (gpointer data)
{
  Choice *choice = data;

  g_free (choice->path);
  g_ptr_array_unref (choice->vaes);
  g_free (choice);
}

static Choice *
choice_of (GtkDropDown *drop)
{
  return g_object_get_data (G_OBJECT (drop), "choice");
}

static void
on_selected (GtkDropDown *drop)
{
  Choice *choice = choice_of (drop);
  guint selected = gtk_drop_down_get_selected (drop);
  g_autofree char *before = app_vae_get (choice->path);

  if (choice->path != NULL && selected < choice->vaes->len
      && g_strcmp0 (before, choice->vaes->pdata[selected]) != 0)
    app_vae_set (choice->path, choice->vaes->pdata[selected]);
}

static gboolean
fits (const Choice *choice, const SdItem *item)
{
  return item->kind == SD_FILE_VAE && item->why_not == NULL
         && (item->family == SD_FAMILY_UNKNOWN || choice->family == SD_FAMILY_UNKNOWN
             || item->family == choice->family);
}

static void
add_vae (Choice *choice, GtkStringList *names, const char *name, const char *path)
{
  gtk_string_list_append (names, name);
  g_ptr_array_add (choice->vaes, g_strdup (path));
}

static void
fill (GtkDropDown *drop)
{
  SdListing *listing = app_library_get_listing (app_library_get ());
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);
  Choice *choice = choice_of (drop);
  g_autofree char *vae = app_vae_get (choice->path);
  guint selected = 0;

  g_signal_handlers_block_by_func (drop, on_selected, NULL);
  g_ptr_array_set_size (choice->vaes, 0);
  add_vae (choice, names, _ ("Automatic"), NULL);
  for (guint i = 0; i < listing->items->len; i++)
    {
      const SdItem *item = listing->items->pdata[i];
      if (!fits (choice, item))
        continue;
      if (g_strcmp0 (item->path, vae) == 0)
        selected = choice->vaes->len;
      add_vae (choice, names, item->title, item->path);
    }
  if (vae != NULL && selected == 0)
    {
      g_autofree char *name = g_filename_display_basename (vae);
      selected = choice->vaes->len;
      add_vae (choice, names, name, vae);
    }
  gtk_drop_down_set_model (drop, G_LIST_MODEL (names));
  gtk_drop_down_set_selected (drop, selected);
  g_signal_handlers_unblock_by_func (drop, on_selected, NULL);
}

static void
on_changed (GtkDropDown *drop)
{
  if (gtk_widget_get_mapped (GTK_WIDGET (drop)))
    fill (drop);
}

void
app_vae_bind (GtkDropDown *drop, const char *path, const SdInfo *info)
{
  Choice *choice = choice_of (drop);

  app_vae_load ();
  if (choice == NULL)
    {
      choice = g_new0 (Choice, 1);
      choice->vaes = g_ptr_array_new_with_free_func (g_free);
      g_object_set_data_full (G_OBJECT (drop), "choice", choice, choice_free);
      g_signal_connect (drop, "notify::selected", G_CALLBACK (on_selected), NULL);
      g_signal_connect (drop, "map", G_CALLBACK (fill), NULL);
      g_signal_connect_object (app_library_get (), "changed", G_CALLBACK (on_changed),
                               drop, G_CONNECT_SWAPPED);
    }
  g_free (choice->path);
  choice->path = g_strdup (path);
  choice->family = info != NULL ? info->family : SD_FAMILY_UNKNOWN;
  on_changed (drop);
}
