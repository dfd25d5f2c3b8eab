/* test-app-templates.c: every .ui file builds, with the program's own types
 *
 * The files are found in the program's resources, so none can be forgotten. Each is built
 * as the program builds it: by making an object of its template's class. A property,
 * type, signal handler or child that does not exist is then a fatal message of GTK's.
 * (gtk4-builder-tool knows GTK's types only and stops at the first of ours.)
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include <dlfcn.h>
#include <gtk/gtk.h>

#define RESOURCES "/io/github/calotype/Calotype/"

/* app_fault_get_type () for "AppFault", as GtkBuilder finds a type by its name. */
static GType
find_type (const char *class_name)
{
  g_autoptr (GString) symbol = g_string_new (NULL);
  for (const char *c = class_name; *c != '\0'; c++)
    {
      if (g_ascii_isupper (*c) && symbol->len > 0)
        g_string_append_c (symbol, '_');
      g_string_append_c (symbol, g_ascii_tolower (*c));
    }
  g_string_append (symbol, "_get_type");
  GType (*get_type) (void) = (GType (*) (void)) dlsym (RTLD_DEFAULT, symbol->str);
  g_test_message ("%s", symbol->str);
  g_assert_nonnull (get_type);
  return get_type ();
}

static void
on_start (GMarkupParseContext *context,
          const char *element,
          const char **names,
          const char **values,
          gpointer data,
          GError **error)
{
  char **found = data;
  for (guint i = 0; g_str_equal (element, "template") && names[i] != NULL; i++)
    if (g_str_equal (names[i], "class"))
      *found = g_strdup (values[i]);
}

static char *
template_class (const char *path)
{
  const GMarkupParser parser = { .start_element = on_start };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = g_resources_lookup_data (path, 0, &error);
  g_assert_no_error (error);
  char *found = NULL;
  g_autoptr (GMarkupParseContext) context
      = g_markup_parse_context_new (&parser, 0, &found, NULL);
  g_markup_parse_context_parse (context, g_bytes_get_data (bytes, NULL),
                                (gssize) g_bytes_get_size (bytes), &error);
  g_assert_no_error (error);
  return found;
}

static void
test_template (gconstpointer data)
{
  const char *path = data;
  g_autofree char *class_name = template_class (path);

  g_assert_nonnull (class_name);
  GType type = find_type (class_name);
  g_assert_true (g_type_is_a (type, GTK_TYPE_WIDGET));
  GtkWidget *widget = g_object_ref_sink (g_object_new (type, NULL));
  g_assert_nonnull (gtk_widget_get_first_child (widget));
  if (GTK_IS_WINDOW (widget))
    gtk_window_destroy (GTK_WINDOW (widget));
  g_object_add_weak_pointer (G_OBJECT (widget), (gpointer *) &widget);
  g_object_unref (widget);
  g_assert_null (widget);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) files = NULL;
  guint count = 0;

  g_test_init (&argc, &argv, NULL);
  gtk_init ();
  files = g_resources_enumerate_children (RESOURCES, 0, &error);
  g_assert_no_error (error);
  for (guint i = 0; files[i] != NULL; i++)
    if (g_str_has_suffix (files[i], ".ui"))
      {
        g_autofree char *name = g_strconcat ("/template/", files[i], NULL);
        g_test_add_data_func_full (name, g_strconcat (RESOURCES, files[i], NULL),
                                   test_template, g_free);
        count++;
      }
  g_assert_cmpuint (count, >, 0);
  return g_test_run ();
}
