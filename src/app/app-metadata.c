/* app-metadata.c: the texts that a file carries about itself
 *
 * A header may hold a hundred megabytes of them, or a million: what they are is found on
 * a thread, the rows are made a few at a time while nothing else is to be done, and a
 * long value is looked at only when it is unfolded.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-metadata.h"

#include <glib/gi18n.h>
#include <string.h>

#include "app/app-format.h"
#include "app/app-json.h"
#include "app/app-window.h"

#define MAX_ROWS 200
#define ROWS_AT_ONCE 3
#define SHORT_CHARS 160
#define MAX_SHOWN                                                                        \
  (64u << 10) /* bytes of a text shown at all; copying gives everything                  \
               */
#define MAX_THUMBNAIL (24u << 20) /* bytes of text */

typedef struct
{
  const StMetadata *entry;
  guint rank;
} Row;

/* What the thread finds out. */
typedef struct
{
  StFile *file;
  GArray *rows; /* of Row, in order */
  GdkTexture *thumbnail;
} Found;

typedef struct
{
  StFile *file;
  GtkListBox *list;
  GtkPicture *picture;
  GCancellable *cancellable;
  Found *found;
  guint next, source;
} Pane;

/* ---- on the thread ---- */

static void
found_free (gpointer data)
{
  Found *found = data;

  g_array_unref (found->rows);
  g_clear_object (&found->thumbnail);
  st_file_unref (found->file);
  g_free (found);
}

/* data:image/jpeg;base64,… */
static GdkTexture *
read_thumbnail (StFile *file)
{
  const char *text = st_file_metadata_value (file, "modelspec.thumbnail");
  const char *data = text != NULL && g_str_has_prefix (text, "data:image/")
                         ? strstr (text, ";base64,")
                         : NULL;
  g_autoptr (GBytes) bytes = NULL;
  guchar *decoded;
  gsize length;

  if (data == NULL || strlen (data) > MAX_THUMBNAIL)
    return NULL;
  decoded = g_base64_decode (data + strlen (";base64,"), &length);
  bytes = g_bytes_new_take (decoded, length);
  return gdk_texture_new_from_bytes (bytes, NULL);
}

static int
compare_rows (gconstpointer a, gconstpointer b)
{
  const Row *x = a, *y = b;

  if (x->rank != y->rank)
    return x->rank < y->rank ? -1 : 1;
  return strcmp (x->entry->key, y->entry->key);
}

static void
find_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Found *found = g_new0 (Found, 1);
  StFile *file = data;

  found->file = st_file_ref (file);
  found->rows = g_array_new (FALSE, FALSE, sizeof (Row));
  found->thumbnail = read_thumbnail (file);
  for (guint i = 0; i < st_file_n_metadata (file); i++)
    {
      Row row = { .entry = st_file_metadata (file, i) };

      app_metadata_name (row.entry->key, &row.rank);
      if (found->thumbnail == NULL || strcmp (row.entry->key, "modelspec.thumbnail") != 0)
        g_array_append_val (found->rows, row);
    }
  g_array_sort (found->rows, compare_rows);
  g_task_return_pointer (task, found, found_free);
}

/* What an unfolded value turns out to be. */
typedef struct
{
  AppJsonTree *tree; /* (nullable) */
  char *text;        /* (nullable) */
} Value;

typedef struct
{
  StFile *file;
  const StMetadata *entry;
} ValueOf;

static void
value_free (gpointer data)
{
  Value *value = data;

  app_json_tree_unref (value->tree);
  g_free (value->text);
  g_free (value);
}

static void
value_of_free (gpointer data)
{
  st_file_unref (((ValueOf *) data)->file);
  g_free (data);
}

static void
value_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const StMetadata *entry = ((ValueOf *) data)->entry;
  Value *value = g_new0 (Value, 1);

  if (strcmp (entry->key, "ss_tag_frequency") == 0)
    value->tree = app_json_tree_read_tags (entry->value, entry->value_length);
  if (value->tree == NULL)
    value->tree = app_json_tree_read (entry->value, entry->value_length);
  if (value->tree == NULL)
    {
      const char *end;

      g_utf8_validate (entry->value, (gssize) MIN (entry->value_length, MAX_SHOWN), &end);
      value->text = g_strndup (entry->value, (gsize) (end - entry->value));
    }
  g_task_return_pointer (task, value, value_free);
}

/* ---- rows ---- */

/* The value stays where it is: a copy of a hundred megabytes would be felt. */
static void
on_copy (GtkButton *button, const StMetadata *entry)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (button));
  StFile *file = g_object_get_data (G_OBJECT (button), "file");
  g_autoptr (GBytes) bytes
      = g_bytes_new_with_free_func (entry->value, entry->value_length,
                                    (GDestroyNotify) st_file_unref, st_file_ref (file));
  g_autoptr (GdkContentProvider) provider
      = gdk_content_provider_new_for_bytes ("text/plain;charset=utf-8", bytes);

  gdk_clipboard_set_content (gtk_widget_get_clipboard (GTK_WIDGET (button)), provider);
  if (APP_IS_WINDOW (root))
    app_window_toast (APP_WINDOW (root), _ ("Value copied"), NULL, NULL);
}

static GtkWidget *
make_text (const char *text, const StMetadata *entry)
{
  GtkWidget *view = gtk_text_view_new (), *scrolled = gtk_scrolled_window_new ();
  GtkTextBuffer *buffer = gtk_text_view_get_buffer (GTK_TEXT_VIEW (view));
  GtkTextIter end;

  gtk_text_view_set_editable (GTK_TEXT_VIEW (view), FALSE);
  gtk_text_view_set_monospace (GTK_TEXT_VIEW (view), TRUE);
  gtk_text_view_set_wrap_mode (GTK_TEXT_VIEW (view), GTK_WRAP_WORD_CHAR);
  gtk_text_buffer_set_text (buffer, text, -1);
  if (strlen (text) < entry->value_length)
    {
      g_autofree char *size = g_format_size (entry->value_length);
      /* Translators: below a text of which the beginning is shown; %s is its size */
      g_autofree char *more
          = g_strdup_printf (_ ("… %s in all; copying gives the whole"), size);

      gtk_text_buffer_get_end_iter (buffer, &end);
      gtk_text_buffer_insert (buffer, &end, "\n", 1);
      gtk_text_buffer_insert (buffer, &end, more, -1);
    }
  gtk_accessible_update_property (GTK_ACCESSIBLE (view), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  entry->key, -1);
  gtk_scrolled_window_set_max_content_height (GTK_SCROLLED_WINDOW (scrolled), 320);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (scrolled), TRUE);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), view);
  return scrolled;
}

static void
on_value_read (GObject *source, GAsyncResult *result, gpointer data)
{
  const StMetadata *entry = ((ValueOf *) g_task_get_task_data (G_TASK (result)))->entry;
  Value *value = g_task_propagate_pointer (G_TASK (result), NULL);

  gtk_expander_set_child (GTK_EXPANDER (source),
                          value->tree != NULL
                              ? app_json_view_new (value->tree, entry->key)
                              : make_text (value->text, entry));
  value_free (value);
}

static void
on_unfold (GtkExpander *expander, GParamSpec *pspec, const StMetadata *entry)
{
  ValueOf *of;
  GtkWidget *spinner;
  g_autoptr (GTask) task = NULL;

  if (gtk_expander_get_child (expander) != NULL)
    return;
  spinner = gtk_spinner_new ();
  gtk_spinner_start (GTK_SPINNER (spinner));
  gtk_expander_set_child (expander, spinner);
  of = g_new (ValueOf, 1);
  of->file = st_file_ref (g_object_get_data (G_OBJECT (expander), "file"));
  of->entry = entry;
  task = g_task_new (expander, NULL, on_value_read, NULL);
  g_task_set_task_data (task, of, value_of_free);
  g_task_run_in_thread (task, value_thread);
}

static GtkWidget *
make_short (const char *text)
{
  GtkWidget *label = gtk_label_new (text);
  g_autoptr (PangoAttrList) plain = pango_attr_list_new ();

  pango_attr_list_insert (plain, pango_attr_insert_hyphens_new (FALSE));
  gtk_label_set_attributes (GTK_LABEL (label), plain);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_selectable (GTK_LABEL (label), TRUE);
  gtk_widget_set_focusable (label, FALSE);
  return label;
}

static GtkWidget *
make_long (StFile *file, const StMetadata *entry)
{
  GtkWidget *expander = gtk_expander_new (NULL), *label;
  g_autofree char *start = g_utf8_substring (entry->value, 0, SHORT_CHARS);
  g_autofree char *line = g_strdelimit (g_strdup (start), "\n\t", ' ');

  label = gtk_label_new (line);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_expander_set_label_widget (GTK_EXPANDER (expander), label);
  g_object_set_data_full (G_OBJECT (expander), "file", st_file_ref (file),
                          (GDestroyNotify) st_file_unref);
  g_signal_connect (expander, "notify::expanded", G_CALLBACK (on_unfold),
                    (gpointer) entry);
  return expander;
}

/* Long, of several lines, or with something to unfold. */
static gboolean
is_long (const StMetadata *entry)
{
  return entry->value_length > SHORT_CHARS || strchr (entry->value, '\n') != NULL
         || (entry->value[0] == '{' && entry->value_length > 2)
         || (entry->value[0] == '[' && entry->value_length > 2);
}

/* "Rank · ss_network_dim" */
static char *
make_key (const StMetadata *entry)
{
  g_autofree char *key = st_name_escape (entry->key, entry->key_length);
  guint rank;
  const char *name = app_metadata_name (entry->key, &rank);
  g_autofree char *isolated = NULL;

  if (name == NULL)
    return g_steal_pointer (&key);
  isolated = app_format_isolate (key);
  return g_strdup_printf ("%s · %s", name, isolated);
}

static GtkWidget *
make_copy (StFile *file, const StMetadata *entry, const char *key)
{
  GtkWidget *copy = gtk_button_new_from_icon_name ("edit-copy-symbolic");

  gtk_widget_add_css_class (copy, "flat");
  gtk_widget_set_valign (copy, GTK_ALIGN_START);
  gtk_widget_set_tooltip_text (copy, _ ("Copy"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (copy), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Copy"), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, key,
                                  -1);
  g_object_set_data_full (G_OBJECT (copy), "file", st_file_ref (file),
                          (GDestroyNotify) st_file_unref);
  g_signal_connect (copy, "clicked", G_CALLBACK (on_copy), (gpointer) entry);
  return copy;
}

static GtkWidget *
make_row (StFile *file, const StMetadata *entry)
{
  GtkWidget *row = gtk_list_box_row_new (),
            *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *text = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  g_autofree char *key_text = make_key (entry);
  g_autofree char *told = app_metadata_value (entry->key, entry->value);
  GtkWidget *key = gtk_label_new (key_text);

  gtk_label_set_xalign (GTK_LABEL (key), 0);
  gtk_label_set_ellipsize (GTK_LABEL (key), PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (key, "caption");
  gtk_widget_add_css_class (key, "dim-label");
  gtk_widget_set_hexpand (text, TRUE);
  gtk_box_append (GTK_BOX (text), key);
  gtk_box_append (GTK_BOX (text), is_long (entry)
                                      ? make_long (file, entry)
                                      : make_short (told != NULL ? told : entry->value));
  gtk_box_append (GTK_BOX (box), text);
  gtk_box_append (GTK_BOX (box), make_copy (file, entry, key_text));
  gtk_widget_add_css_class (box, "app-row");
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_widget_set_focusable (row, FALSE);
  return row;
}

/* ---- the pane ---- */

static void
pane_free (gpointer data)
{
  Pane *pane = data;

  g_cancellable_cancel (pane->cancellable);
  g_object_unref (pane->cancellable);
  g_clear_handle_id (&pane->source, g_source_remove);
  if (pane->found != NULL)
    found_free (pane->found);
  st_file_unref (pane->file);
  g_free (pane);
}

static gboolean
add_some_rows (gpointer data)
{
  Pane *pane = data;
  const guint n = MIN (pane->found->rows->len, MAX_ROWS);
  const guint until = MIN (pane->next + ROWS_AT_ONCE, n);

  for (; pane->next < until; pane->next++)
    gtk_list_box_append (
        pane->list,
        make_row (pane->file, g_array_index (pane->found->rows, Row, pane->next).entry));
  if (pane->next < n)
    return G_SOURCE_CONTINUE;
  if (pane->found->rows->len > n)
    {
      g_autofree char *count = app_format_count (pane->found->rows->len - n);
      g_autofree char *more = g_strdup_printf (_ ("and %s more"), count);
      GtkWidget *label = gtk_label_new (more);

      gtk_widget_add_css_class (label, "dim-label");
      gtk_list_box_append (pane->list, label);
    }
  pane->source = 0;
  return G_SOURCE_REMOVE;
}

static void
on_found (GObject *source, GAsyncResult *result, gpointer data)
{
  Found *found = g_task_propagate_pointer (G_TASK (result), NULL);
  Pane *pane = data; /* gone where it was cancelled */

  if (found == NULL)
    return;
  pane->found = found;
  gtk_widget_set_visible (GTK_WIDGET (pane->picture), found->thumbnail != NULL);
  gtk_picture_set_paintable (pane->picture, GDK_PAINTABLE (found->thumbnail));
  gtk_widget_set_visible (GTK_WIDGET (pane->list), found->rows->len > 0);
  pane->source = g_idle_add (add_some_rows, pane);
}

static GtkWidget *
make_picture (Pane *pane)
{
  GtkWidget *picture = gtk_picture_new ();

  pane->picture = GTK_PICTURE (picture);
  gtk_picture_set_can_shrink (pane->picture, TRUE);
  gtk_widget_set_size_request (picture, -1, 192);
  gtk_widget_set_halign (picture, GTK_ALIGN_START);
  gtk_widget_set_visible (picture, FALSE);
  gtk_accessible_update_property (GTK_ACCESSIBLE (picture), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Picture of the model, from its file"), -1);
  return picture;
}

GtkWidget *
app_metadata_new (StFile *file, const char *title)
{
  GtkWidget *box, *heading, *list;
  g_autoptr (GTask) task = NULL;
  Pane *pane;

  if (st_file_n_metadata (file) == 0)
    return NULL;
  pane = g_new0 (Pane, 1);
  pane->file = st_file_ref (file);
  pane->cancellable = g_cancellable_new ();
  box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  heading = gtk_label_new (title);
  list = gtk_list_box_new ();
  pane->list = GTK_LIST_BOX (list);
  gtk_label_set_xalign (GTK_LABEL (heading), 0);
  gtk_widget_add_css_class (heading, "heading");
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  gtk_accessible_update_property (GTK_ACCESSIBLE (list), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  title, -1);
  gtk_box_append (GTK_BOX (box), heading);
  gtk_box_append (GTK_BOX (box), make_picture (pane));
  gtk_box_append (GTK_BOX (box), list);
  g_object_set_data_full (G_OBJECT (box), "pane", pane, pane_free);
  task = g_task_new (NULL, pane->cancellable, on_found, pane);
  g_task_set_check_cancellable (task, TRUE);
  g_task_set_task_data (task, st_file_ref (file), (GDestroyNotify) st_file_unref);
  g_task_run_in_thread (task, find_thread);
  return box;
}
