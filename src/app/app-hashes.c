/* app-hashes.c: see app-hashes.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-hashes.h"

#include <glib/gi18n.h>
#include <string.h>

#define AT_ONCE (G_GUINT64_CONSTANT (1) << 30) /* bytes read without being asked */
#define POLL 200                               /* milliseconds */
#define N_ROWS 4

struct _AppHashes
{
  GtkWidget parent_instance;
  GtkWidget *box, *grid, *button;
  GtkLabel *values[N_ROWS], *verdict;
  GtkProgressBar *progress;
  StFile *file;
  StHash *hash;
  guint source;
};

G_DEFINE_FINAL_TYPE (AppHashes, app_hashes, GTK_TYPE_WIDGET)

static gpointer
free_hash (gpointer data)
{
  st_hash_free (data);
  return NULL;
}

/* Its thread ends within a piece, which is too long for this one. */
static void
drop (AppHashes *self)
{
  g_clear_handle_id (&self->source, g_source_remove);
  if (self->hash != NULL)
    g_thread_unref (g_thread_new ("end-hash", free_hash, self->hash));
  self->hash = NULL;
}

static void
append_verdict (GString *text, const StHashes *hashes, StFile *file, const char *key)
{
  const StHashAgreement told = st_hashes_check (hashes, file, key);

  if (told == ST_HASH_NOT_TOLD)
    return;
  if (text->len > 0)
    g_string_append_c (text, '\n');
  /* Translators: %s is a key of the file's metadata */
  g_string_append_printf (text,
                          told == ST_HASH_AGREES
                              ? _ ("✓ The tensors are those that %s tells of")
                              /* Translators: %s is a key of the file's metadata */
                              : _ ("⚠ The tensors are not those that %s tells of: they "
                                   "were changed after it was written"),
                          key);
}

static void
show_hashes (AppHashes *self, const StHashes *hashes)
{
  g_autofree char *v2 = g_strndup (hashes->whole, 10);
  g_autofree char *v3 = g_strndup (hashes->data, 12);
  const char *const texts[N_ROWS]
      = { hashes->auto_v1[0] != '\0' ? hashes->auto_v1 : "–", v2, v3, hashes->whole };
  g_autoptr (GString) verdict = g_string_new (NULL);

  for (guint i = 0; i < N_ROWS; i++)
    gtk_label_set_label (self->values[i], texts[i]);
  append_verdict (verdict, hashes, self->file, "modelspec.hash_sha256");
  append_verdict (verdict, hashes, self->file, "sshs_model_hash");
  gtk_label_set_label (self->verdict, verdict->str);
  gtk_widget_set_visible (GTK_WIDGET (self->verdict), verdict->len > 0);
}

static void
update (AppHashes *self)
{
  const StHashes *hashes = self->hash != NULL ? st_hash_peek_all (self->hash) : NULL;
  const gboolean running = self->hash != NULL && !st_hash_ended (self->hash);

  gtk_widget_set_visible (self->grid, hashes != NULL);
  gtk_widget_set_visible (GTK_WIDGET (self->progress), hashes == NULL && running);
  gtk_widget_set_visible (self->button, hashes == NULL);
  gtk_button_set_label (GTK_BUTTON (self->button),
                        running ? _ ("Stop") : _ ("Compute Hashes"));
  if (hashes != NULL)
    show_hashes (self, hashes);
  else
    gtk_widget_set_visible (GTK_WIDGET (self->verdict), FALSE);
  if (running)
    {
      guint64 done, total;
      st_hash_progress (self->hash, &done, &total);
      gtk_progress_bar_set_fraction (self->progress, (double) done / (double) total);
    }
}

static gboolean
on_poll (gpointer data)
{
  AppHashes *self = data;
  const gboolean running = !st_hash_ended (self->hash);

  update (self);
  if (!running)
    self->source = 0;
  return running;
}

static void
start (AppHashes *self, gboolean only_cached)
{
  g_autofree char *cache
      = g_build_filename (g_get_user_cache_dir (), "calotype", "hashes", NULL);

  drop (self);
  self->hash = st_hash_new_all (self->file, cache, only_cached);
  if (!st_hash_ended (self->hash))
    self->source = g_timeout_add (POLL, on_poll, self);
  update (self);
}

static void
on_button (AppHashes *self)
{
  if (self->hash != NULL && !st_hash_ended (self->hash))
    {
      drop (self);
      update (self);
    }
  else
    start (self, FALSE);
}

void
app_hashes_set (AppHashes *self, StFile *file)
{
  g_return_if_fail (APP_IS_HASHES (self));
  drop (self);
  g_clear_pointer (&self->file, st_file_unref);
  gtk_widget_set_visible (GTK_WIDGET (self), file != NULL);
  if (file == NULL)
    return;
  self->file = st_file_ref (file);
  start (self, st_file_data_bytes (file) > AT_ONCE);
}

static void
add_row (AppHashes *self, guint row, const char *name)
{
  GtkWidget *title = gtk_label_new (name), *value = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (title), 0);
  gtk_label_set_yalign (GTK_LABEL (title), 0);
  gtk_widget_add_css_class (title, "dim-label");
  gtk_label_set_xalign (GTK_LABEL (value), 0);
  gtk_label_set_wrap (GTK_LABEL (value), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (value), PANGO_WRAP_CHAR);
  gtk_label_set_selectable (GTK_LABEL (value), TRUE);
  gtk_widget_set_focusable (value, FALSE);
  gtk_widget_set_hexpand (value, TRUE);
  gtk_widget_set_direction (value, GTK_TEXT_DIR_LTR);
  gtk_widget_add_css_class (value, "monospace");
  gtk_grid_attach (GTK_GRID (self->grid), title, 0, (int) row, 1, 1);
  gtk_grid_attach (GTK_GRID (self->grid), value, 1, (int) row, 1, 1);
  self->values[row] = GTK_LABEL (value);
}

static void
app_hashes_dispose (GObject *object)
{
  AppHashes *self = APP_HASHES (object);

  drop (self);
  g_clear_pointer (&self->file, st_file_unref);
  g_clear_pointer (&self->box, gtk_widget_unparent);
  G_OBJECT_CLASS (app_hashes_parent_class)->dispose (object);
}

static void
app_hashes_class_init (AppHashesClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = app_hashes_dispose;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass),
                                            GTK_TYPE_BIN_LAYOUT);
}

static void
app_hashes_init (AppHashes *self)
{
  static const char *const names[N_ROWS] = { "AutoV1", "AutoV2", "AutoV3", "SHA-256" };
  GtkWidget *heading = gtk_label_new (_ ("Hashes"));

  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
  gtk_label_set_xalign (GTK_LABEL (heading), 0);
  gtk_widget_add_css_class (heading, "heading");
  gtk_box_append (GTK_BOX (self->box), heading);
  self->grid = gtk_grid_new ();
  gtk_grid_set_column_spacing (GTK_GRID (self->grid), 12);
  gtk_box_append (GTK_BOX (self->box), self->grid);
  for (guint i = 0; i < N_ROWS; i++)
    add_row (self, i, names[i]);
  self->verdict = GTK_LABEL (gtk_label_new (NULL));
  gtk_label_set_xalign (self->verdict, 0);
  gtk_label_set_wrap (self->verdict, TRUE);
  gtk_box_append (GTK_BOX (self->box), GTK_WIDGET (self->verdict));
  self->progress = GTK_PROGRESS_BAR (gtk_progress_bar_new ());
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->progress),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Progress of the hashes"), -1);
  gtk_box_append (GTK_BOX (self->box), GTK_WIDGET (self->progress));
  self->button = gtk_button_new ();
  gtk_widget_set_halign (self->button, GTK_ALIGN_START);
  g_signal_connect_swapped (self->button, "clicked", G_CALLBACK (on_button), self);
  gtk_box_append (GTK_BOX (self->box), self->button);
  gtk_widget_set_visible (GTK_WIDGET (self), FALSE);
}

GtkWidget *
app_hashes_new (void)
{
  return g_object_new (APP_TYPE_HASHES, NULL);
}
