/* app-metadata.c: the texts that a file carries about itself
 *
 * Trainers write whole tables as JSON into one value: such a value is one line until it
 * is unfolded, and is only then laid out.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-metadata.h"

#include <glib/gi18n.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "app/app-format.h"
#include "app/app-window.h"

#define MAX_ROWS 200
#define SHORT_CHARS 160
#define MAX_PRETTY (1u << 20) /* bytes laid out as JSON */
#define MAX_SHOWN (1u << 20)  /* bytes shown at all; copying gives everything */

static void
on_copy (GtkButton *button, const char *value)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (button));

  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (button)), value);
  if (APP_IS_WINDOW (root))
    app_window_toast (APP_WINDOW (root), _ ("Value copied"), NULL, NULL);
}

static char *
lay_out (const char *value, gsize length)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (JsonGenerator) generator = NULL;
  const char *end;

  if (length <= MAX_PRETTY && (value[0] == '{' || value[0] == '[')
      && json_parser_load_from_data (parser, value, (gssize) length, NULL))
    {
      generator = json_generator_new ();
      json_generator_set_pretty (generator, TRUE);
      json_generator_set_root (generator, json_parser_get_root (parser));
      return json_generator_to_data (generator, NULL);
    }
  g_utf8_validate (value, (gssize) MIN (length, MAX_SHOWN), &end);
  return g_strndup (value, end - value);
}

static void
on_unfold (GtkExpander *expander, GParamSpec *pspec, const StMetadata *entry)
{
  GtkWidget *view, *scrolled;
  g_autofree char *text = NULL;

  if (gtk_expander_get_child (expander) != NULL)
    return;
  text = lay_out (entry->value, entry->value_length);
  view = gtk_text_view_new ();
  gtk_text_view_set_editable (GTK_TEXT_VIEW (view), FALSE);
  gtk_text_view_set_monospace (GTK_TEXT_VIEW (view), TRUE);
  gtk_text_view_set_wrap_mode (GTK_TEXT_VIEW (view), GTK_WRAP_WORD_CHAR);
  gtk_text_buffer_set_text (gtk_text_view_get_buffer (GTK_TEXT_VIEW (view)), text, -1);
  gtk_accessible_update_property (GTK_ACCESSIBLE (view), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  entry->key, -1);
  scrolled = gtk_scrolled_window_new ();
  gtk_scrolled_window_set_max_content_height (GTK_SCROLLED_WINDOW (scrolled), 320);
  gtk_scrolled_window_set_propagate_natural_height (GTK_SCROLLED_WINDOW (scrolled), TRUE);
  gtk_scrolled_window_set_child (GTK_SCROLLED_WINDOW (scrolled), view);
  gtk_expander_set_child (expander, scrolled);
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
make_long (const StMetadata *entry)
{
  GtkWidget *expander = gtk_expander_new (NULL), *label;
  g_autofree char *start = g_utf8_substring (entry->value, 0, SHORT_CHARS);
  g_autofree char *line = g_strdelimit (g_strdup (start), "\n\t", ' ');

  label = gtk_label_new (line);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_expander_set_label_widget (GTK_EXPANDER (expander), label);
  g_signal_connect (expander, "notify::expanded", G_CALLBACK (on_unfold),
                    (gpointer) entry);
  return expander;
}

static GtkWidget *
make_row (const StMetadata *entry)
{
  GtkWidget *row = gtk_list_box_row_new (),
            *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *text = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  GtkWidget *copy = gtk_button_new_from_icon_name ("edit-copy-symbolic");
  g_autofree char *key_text = st_name_escape (entry->key, entry->key_length);
  GtkWidget *key = gtk_label_new (key_text);
  gboolean is_short
      = entry->value_length <= SHORT_CHARS && strchr (entry->value, '\n') == NULL;

  gtk_label_set_xalign (GTK_LABEL (key), 0);
  gtk_label_set_ellipsize (GTK_LABEL (key), PANGO_ELLIPSIZE_MIDDLE);
  gtk_widget_add_css_class (key, "caption");
  gtk_widget_add_css_class (key, "dim-label");
  gtk_widget_set_hexpand (text, TRUE);
  gtk_box_append (GTK_BOX (text), key);
  gtk_box_append (GTK_BOX (text),
                  is_short ? make_short (entry->value) : make_long (entry));
  gtk_widget_add_css_class (copy, "flat");
  gtk_widget_set_valign (copy, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (copy, _ ("Copy"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (copy), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Copy"), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                  key_text, -1);
  g_signal_connect (copy, "clicked", G_CALLBACK (on_copy), (gpointer) entry->value);
  gtk_box_append (GTK_BOX (box), text);
  gtk_box_append (GTK_BOX (box), copy);
  gtk_widget_add_css_class (box, "app-row");
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_widget_set_focusable (row, FALSE);
  return row;
}

GtkWidget *
app_metadata_new (StFile *file, const char *title)
{
  guint n = st_file_n_metadata (file);
  GtkWidget *box, *heading, *list;

  if (n == 0)
    return NULL;
  box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  heading = gtk_label_new (title);
  list = gtk_list_box_new ();
  gtk_label_set_xalign (GTK_LABEL (heading), 0);
  gtk_widget_add_css_class (heading, "heading");
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  gtk_accessible_update_property (GTK_ACCESSIBLE (list), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  title, -1);
  for (guint i = 0; i < MIN (n, MAX_ROWS); i++)
    gtk_list_box_append (GTK_LIST_BOX (list), make_row (st_file_metadata (file, i)));
  gtk_box_append (GTK_BOX (box), heading);
  gtk_box_append (GTK_BOX (box), list);
  if (n > MAX_ROWS)
    {
      g_autofree char *count = app_format_count (n - MAX_ROWS);
      g_autofree char *more = g_strdup_printf (_ ("and %s more"), count);
      GtkWidget *label = gtk_label_new (more);
      gtk_widget_add_css_class (label, "dim-label");
      gtk_box_append (GTK_BOX (box), label);
    }
  /* The entries belong to the file. */
  g_object_set_data_full (G_OBJECT (box), "file", st_file_ref (file),
                          (GDestroyNotify) st_file_unref);
  return box;
}
