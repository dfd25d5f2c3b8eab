/* app-queue.c: see app-queue.h

Buttons and no dragging: they do for a mouse, a finger and a keyboard alike. The rows are
made anew at each change, and the focus goes with the job that was moved.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-queue.h"

#include <glib/gi18n.h>

typedef enum
{
  EARLIER,
  LATER,
  REMOVE,
  N_BUTTONS
} Which;

struct _AppQueue
{
  GtkPopover parent_instance;
  GtkWidget *list;
  AppJob *pressed; /* not owned, only compared: whose button was pressed last */
  Which which;
};

G_DEFINE_FINAL_TYPE (AppQueue, app_queue, GTK_TYPE_POPOVER)

static void
on_button (GtkButton *button, AppJob *job)
{
  AppQueue *self
      = APP_QUEUE (gtk_widget_get_ancestor (GTK_WIDGET (button), APP_TYPE_QUEUE));
  AppWorker *worker = app_worker_get ();
  g_autoptr (GPtrArray) waiting = app_worker_get_waiting (worker);
  guint position;

  if (!g_ptr_array_find (waiting, job, &position))
    return;
  self->pressed = job;
  self->which = GPOINTER_TO_UINT (g_object_get_data (G_OBJECT (button), "which"));
  if (self->which == REMOVE)
    {
      /* The focus stays at this place in the list. */
      guint next = position + 1 < waiting->len ? position + 1 : position - 1;

      self->pressed = waiting->len > 1 ? waiting->pdata[next] : NULL;
      app_worker_remove (worker, job);
      app_job_discard (job);
    }
  else if (self->which == LATER || position > 0)
    app_worker_move (worker, job, self->which == LATER ? position + 1 : position - 1);
}

static GtkWidget *
make_button (AppJob *job, Which which, gboolean sensitive)
{
  static const char *icons[N_BUTTONS]
      = { "go-up-symbolic", "go-down-symbolic", "list-remove-symbolic" };
  const char *names[N_BUTTONS] = { _ ("Earlier"), _ ("Later"), _ ("Remove") };
  GtkWidget *button = gtk_button_new_from_icon_name (icons[which]);

  gtk_widget_add_css_class (button, "flat");
  gtk_widget_set_tooltip_text (button, names[which]);
  gtk_widget_set_sensitive (button, sensitive);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  names[which], -1);
  g_object_set_data (G_OBJECT (button), "which", GUINT_TO_POINTER (which));
  g_signal_connect_object (button, "clicked", G_CALLBACK (on_button), job, 0);
  return button;
}

static GtkWidget *
make_label (const char *text, const char *class)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 28);
  if (class != NULL)
    {
      gtk_widget_add_css_class (label, "dim-label");
      gtk_widget_add_css_class (label, class);
    }
  return label;
}

static void
add_row (AppQueue *self, AppJob *job, gboolean first, gboolean last)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0),
            *words = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0), *buttons[N_BUTTONS];
  const SdParams *params = app_job_get_params (job);
  g_autofree char *number = g_strdup_printf ("%" G_GUINT64_FORMAT, params->seed);
  g_autofree char *seed = g_strdup_printf (_ ("Seed \u2066%s\u2069"), number);

  gtk_box_append (
      GTK_BOX (words),
      make_label (params->prompt[0] != '\0' ? params->prompt : _ ("Empty prompt"), NULL));
  gtk_box_append (GTK_BOX (words), make_label (seed, "caption"));
  gtk_widget_set_hexpand (words, TRUE);
  gtk_widget_set_margin_end (words, 12);
  gtk_box_append (GTK_BOX (row), words);
  for (guint i = 0; i < N_BUTTONS; i++)
    {
      buttons[i] = make_button (job, i,
                                i == EARLIER ? !first
                                : i == LATER ? !last
                                             : TRUE);
      gtk_box_append (GTK_BOX (row), buttons[i]);
    }
  gtk_box_append (GTK_BOX (self->list), row);
  if (job == self->pressed
      && !gtk_widget_grab_focus (buttons[self->which])) /* it may be at the end */
    gtk_widget_grab_focus (buttons[self->which == EARLIER ? LATER : EARLIER]);
}

static void
fill (AppQueue *self)
{
  g_autoptr (GPtrArray) waiting = app_worker_get_waiting (app_worker_get ());
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (self->list)) != NULL)
    gtk_box_remove (GTK_BOX (self->list), child);
  for (guint i = 0; i < waiting->len; i++)
    add_row (self, waiting->pdata[i], i == 0, i + 1 == waiting->len);
  if (waiting->len == 0)
    gtk_popover_popdown (GTK_POPOVER (self));
}

static void
app_queue_closed (GtkPopover *popover)
{
  APP_QUEUE (popover)->pressed = NULL;
}

static void
app_queue_class_init (AppQueueClass *class)
{
  GTK_POPOVER_CLASS (class)->closed = app_queue_closed;
}

static void
app_queue_init (AppQueue *self)
{
  self->list = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->list),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Waiting pictures"),
                                  -1);
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
