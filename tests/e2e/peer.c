/* peer.c: another program on the same screen: it offers a file to be dragged, or holds a
 * text in the clipboard. peer drag PATH | peer copy PATH-OF-TEXT
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <gtk/gtk.h>

static GdkContentProvider *
on_prepare (GtkDragSource *source, double x, double y, const char *path)
{
  GFile *file = g_file_new_for_path (path);
  GSList list = { file, NULL };
  GdkContentProvider *content
      = gdk_content_provider_new_typed (GDK_TYPE_FILE_LIST, &list);

  g_object_unref (file);
  return content;
}

static GtkWidget *
make_window (const char *path)
{
  GtkWidget *window = gtk_window_new (), *label = gtk_label_new (path);
  GtkDragSource *source = gtk_drag_source_new ();

  g_signal_connect (source, "prepare", G_CALLBACK (on_prepare), (gpointer) path);
  gtk_widget_add_controller (label, GTK_EVENT_CONTROLLER (source));
  gtk_window_set_decorated (GTK_WINDOW (window), FALSE);
  gtk_window_set_default_size (GTK_WINDOW (window), 200, 60);
  gtk_window_set_child (GTK_WINDOW (window), label);
  return window;
}

int
main (int argc, char **argv)
{
  g_autofree char *text = NULL;

  if (argc != 3)
    return 2;
  g_set_prgname ("peer");
  gtk_init ();
  if (g_str_equal (argv[1], "drag"))
    gtk_window_present (GTK_WINDOW (make_window (argv[2])));
  else if (g_file_get_contents (argv[2], &text, NULL, NULL))
    gdk_clipboard_set_text (gdk_display_get_clipboard (gdk_display_get_default ()), text);
  else
    return 1;
  while (TRUE)
    g_main_context_iteration (NULL, TRUE);
}
