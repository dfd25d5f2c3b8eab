/* app-queue.c: see app-queue.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-queue.h"

#include <glib/gi18n.h>

struct _AppQueue
{
  GtkPopover parent_instance;
  GtkWidget *list;
};

G_DEFINE_FINAL_TYPE (AppQueue, app_queue, GTK_TYPE_POPOVER)

static void
on_up (GtkButton *button, AppJob *job)
{
  AppWorker *worker = app_worker_get ();
  g_autoptr (GPtrArray) waiting = app_worker_get_waiting (worker);
  guint position;

  if (g_ptr_array_find (waiting, job, &position) && position > 0)
    app_worker_move (worker, job, position - 1);
}

static void
on_remove (GtkButton *button, AppJob *job)
{
  app_worker_remove (app_worker_get (), job);
}

static GtkWidget *
make_button (const char *icon, const char *name, GCallback callback, AppJob *job)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon);

  gtk_widget_add_css_class (button, "flat");
  gtk_widget_set_tooltip_text (button, name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  name, -1);
  g_signal_connect_object (button, "clicked", callback, job, 0);
  return button;
}

static GtkWidget *
make_row (AppJob *job, gboolean first)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  const SdParams *params = app_job_get_params (job);
  GtkWidget *label
      = gtk_label_new (params->prompt[0] != '\0' ? params->prompt : _ ("Empty prompt"));
  GtkWidget *up = make_button ("go-up-symbolic", _ ("Earlier"), G_CALLBACK (on_up), job);

  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 32);
  gtk_widget_set_hexpand (label, TRUE);
  gtk_widget_set_sensitive (up, !first);
  gtk_box_append (GTK_BOX (row), label);
  gtk_box_append (GTK_BOX (row), up);
  gtk_box_append (GTK_BOX (row), make_button ("list-remove-symbolic", _ ("Remove"),
                                              G_CALLBACK (on_remove), job));
  return row;
}

static void
fill (AppQueue *self)
{
  g_autoptr (GPtrArray) waiting = app_worker_get_waiting (app_worker_get ());
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (self->list)) != NULL)
    gtk_box_remove (GTK_BOX (self->list), child);
  for (guint i = 0; i < waiting->len; i++)
    gtk_box_append (GTK_BOX (self->list), make_row (waiting->pdata[i], i == 0));
  if (waiting->len == 0)
    gtk_popover_popdown (GTK_POPOVER (self));
}

static void
app_queue_class_init (AppQueueClass *class)
{
}

static void
app_queue_init (AppQueue *self)
{
  self->list = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3);
  gtk_popover_set_child (GTK_POPOVER (self), self->list);
  g_signal_connect_object (app_worker_get (), "queue-changed", G_CALLBACK (fill), self,
                           G_CONNECT_SWAPPED);
  fill (self);
}

GtkWidget *
app_queue_new (void)
{
  return g_object_new (APP_TYPE_QUEUE, NULL);
}
