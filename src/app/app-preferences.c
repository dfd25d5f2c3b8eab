/* app-preferences.c: see app-preferences.h
 *
 * Devices are asked for in a thread: the first question loads every driver.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-preferences.h"

#include <glib/gi18n.h>
#include <string.h>

#include "app/app-device-choice.h"
#include "app/app-settings.h"
#include "gpu/gpu.h"

#define MEMORY_STEP 256
#define MEMORY_MOST (1 << 20)

/* A title, what it means, and the control, which is named by them. */
static void
append_row (GtkListBox *list, const char *title, const char *meaning, GtkWidget *control)
{
  GtkWidget *row = gtk_list_box_row_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *texts = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  GtkWidget *above = gtk_label_new_with_mnemonic (title),
            *below = gtk_label_new (meaning);

  gtk_label_set_mnemonic_widget (GTK_LABEL (above), control);
  gtk_label_set_xalign (GTK_LABEL (above), 0);
  gtk_label_set_xalign (GTK_LABEL (below), 0);
  gtk_label_set_wrap (GTK_LABEL (below), TRUE);
  gtk_label_set_width_chars (GTK_LABEL (below), 20);
  gtk_widget_add_css_class (below, "dim-label");
  gtk_widget_add_css_class (below, "caption");
  gtk_widget_set_hexpand (texts, TRUE);
  gtk_widget_set_valign (texts, GTK_ALIGN_CENTER);
  gtk_widget_set_valign (control, GTK_ALIGN_CENTER);
  gtk_box_append (GTK_BOX (texts), above);
  gtk_box_append (GTK_BOX (texts), below);
  gtk_box_append (GTK_BOX (box), texts);
  gtk_box_append (GTK_BOX (box), control);
  gtk_widget_add_css_class (box, "app-row");
  gtk_accessible_update_property (GTK_ACCESSIBLE (control),
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, meaning, -1);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_list_box_append (list, row);
}

/* ---- the device ---- */

static void
on_device (GtkDropDown *drop_down)
{
  guint chosen = gtk_drop_down_get_selected (drop_down);
  GtkStringList *names = GTK_STRING_LIST (gtk_drop_down_get_model (drop_down));

  g_settings_set_string (app_settings_get (), APP_DEVICE_CHOICE_DEVICE,
                         chosen == 0 ? "" : gtk_string_list_get_string (names, chosen));
}

static void
on_devices (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GtkDropDown *drop_down = GTK_DROP_DOWN (source);
  GtkStringList *names = GTK_STRING_LIST (gtk_drop_down_get_model (drop_down));
  g_auto (GStrv) devices = g_task_propagate_pointer (G_TASK (result), NULL);
  g_autofree char *chosen
      = g_settings_get_string (app_settings_get (), APP_DEVICE_CHOICE_DEVICE);
  guint selected = 0;

  for (guint i = 0; devices != NULL && devices[i] != NULL; i++)
    gtk_string_list_append (names, devices[i]);
  /* One that is not plugged in now stays chosen, and is used when it is back. */
  if (*chosen != '\0' && (devices == NULL || !g_strv_contains ((void *) devices, chosen)))
    gtk_string_list_append (names, chosen);
  for (guint i = 1; i < g_list_model_get_n_items (G_LIST_MODEL (names)); i++)
    if (strcmp (gtk_string_list_get_string (names, i), chosen) == 0)
      selected = i;
  gtk_drop_down_set_selected (drop_down, selected);
  g_signal_connect (drop_down, "notify::selected", G_CALLBACK (on_device), NULL);
  gtk_widget_set_sensitive (GTK_WIDGET (drop_down), TRUE);
}

static void
devices_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_autoptr (GArray) list = gpu_list (NULL);
  GPtrArray *names = g_ptr_array_new ();

  for (guint i = 0; list != NULL && i < list->len; i++)
    g_ptr_array_add (names, g_strdup (g_array_index (list, GpuInfo, i).name));
  g_ptr_array_add (names, NULL);
  g_task_return_pointer (task, g_ptr_array_free (names, FALSE),
                         (GDestroyNotify) g_strfreev);
}

static GtkWidget *
make_device (void)
{
  const char *const first[] = { _ ("Automatic"), NULL };
  GtkWidget *drop_down = gtk_drop_down_new_from_strings (first);
  g_autoptr (GTask) task = g_task_new (drop_down, NULL, on_devices, NULL);

  gtk_widget_set_sensitive (drop_down, FALSE);
  g_task_run_in_thread (task, devices_thread);
  return drop_down;
}

/* ---- precision ---- */

static void
on_precision (GtkDropDown *drop_down)
{
  g_settings_set_enum (app_settings_get (), APP_DEVICE_CHOICE_PRECISION,
                       (int) gtk_drop_down_get_selected (drop_down));
}

static GtkWidget *
make_precision (void)
{
  /* in the order of SdPrecision */
  const char *const names[] = { _ ("Automatic"), _ ("32 bits"), _ ("16 bits"), NULL };
  GtkWidget *drop_down = gtk_drop_down_new_from_strings (names);
  int chosen = g_settings_get_enum (app_settings_get (), APP_DEVICE_CHOICE_PRECISION);

  gtk_drop_down_set_selected (GTK_DROP_DOWN (drop_down), (guint) chosen);
  g_signal_connect (drop_down, "notify::selected", G_CALLBACK (on_precision), NULL);
  return drop_down;
}

/* ---- memory ---- */

static gboolean
show_memory (GtkSpinButton *spin)
{
  guint mib = (guint) gtk_spin_button_get_value_as_int (spin);
  g_autofree char *text = mib == 0 ? g_strdup (_ ("No limit"))
                                   /* Translators: of memory, in mebibytes */
                                   : g_strdup_printf (_ ("\u2066%u MiB\u2069"), mib);

  gtk_editable_set_text (GTK_EDITABLE (spin), text);
  return TRUE;
}

/* The first number in what was typed; none means no limit. */
static int
read_memory (GtkSpinButton *spin, double *value)
{
  const char *text = gtk_editable_get_text (GTK_EDITABLE (spin));

  while (*text != '\0' && !g_ascii_isdigit (*text))
    text++;
  *value = MIN (g_ascii_strtod (text, NULL), MEMORY_MOST);
  return TRUE;
}

static GtkWidget *
make_memory (void)
{
  GtkWidget *spin = gtk_spin_button_new_with_range (0, MEMORY_MOST, MEMORY_STEP);

  gtk_spin_button_set_numeric (GTK_SPIN_BUTTON (spin), FALSE); /* there are words in it */
  gtk_editable_set_width_chars (GTK_EDITABLE (spin), 10);
  g_signal_connect (spin, "output", G_CALLBACK (show_memory), NULL);
  g_signal_connect (spin, "input", G_CALLBACK (read_memory), NULL);
  g_settings_bind (app_settings_get (), APP_DEVICE_CHOICE_MEMORY,
                   gtk_spin_button_get_adjustment (GTK_SPIN_BUTTON (spin)), "value",
                   G_SETTINGS_BIND_DEFAULT);
  show_memory (GTK_SPIN_BUTTON (spin));
  return spin;
}

static GtkWidget *
make_graphics (void)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  GtkWidget *title = gtk_label_new (_ ("Graphics"));
  GtkWidget *list = gtk_list_box_new ();

  gtk_label_set_xalign (GTK_LABEL (title), 0);
  gtk_widget_add_css_class (title, "heading");
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_widget_add_css_class (list, "boxed-list");
  append_row (GTK_LIST_BOX (list), _ ("_Device"),
              _ ("Computes the pictures; Automatic takes the fastest"), make_device ());
  append_row (GTK_LIST_BOX (list), _ ("_Precision"),
              _ ("16 bits halve the memory, and are faster on most graphics cards"),
              make_precision ());
  append_row (GTK_LIST_BOX (list), _ ("_Memory limit"),
              _ ("How much of the device’s memory is used at most; with less, pictures "
                 "take longer"),
              make_memory ());
  gtk_box_append (GTK_BOX (box), title);
  gtk_box_append (GTK_BOX (box), list);
  gtk_widget_add_css_class (box, "app-page");
  return box;
}

void
app_preferences_present (GtkWindow *parent)
{
  GtkWidget *window = gtk_window_new ();
  GtkEventController *keys = gtk_shortcut_controller_new ();

  gtk_window_set_child (GTK_WINDOW (window), make_graphics ());
  gtk_window_set_titlebar (GTK_WINDOW (window), gtk_header_bar_new ());
  gtk_window_set_title (GTK_WINDOW (window), _ ("Preferences"));
  gtk_window_set_default_size (GTK_WINDOW (window), 520, -1);
  gtk_window_set_transient_for (GTK_WINDOW (window), parent);
  gtk_window_set_modal (GTK_WINDOW (window), TRUE);
  gtk_window_set_destroy_with_parent (GTK_WINDOW (window), TRUE);
  gtk_shortcut_controller_add_shortcut (
      GTK_SHORTCUT_CONTROLLER (keys),
      gtk_shortcut_new (gtk_alternative_trigger_new (
                            gtk_keyval_trigger_new (GDK_KEY_Escape, 0),
                            gtk_keyval_trigger_new (GDK_KEY_w, GDK_CONTROL_MASK)),
                        gtk_named_action_new ("window.close")));
  gtk_widget_add_controller (window, keys);
  gtk_window_present (GTK_WINDOW (window));
}
