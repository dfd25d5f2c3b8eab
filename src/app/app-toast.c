/* app-toast.c: a short message over the window, with at most two buttons
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-toast.h"

#include <glib/gi18n.h>

#include "app/app-compat.h"

struct _AppToast
{
  GtkWidget parent_instance;
  GtkRevealer *revealer;
  GtkLabel *label;
  GtkButton *button, *other;
  gboolean hovered;
  guint timeout;
};

G_DEFINE_FINAL_TYPE (AppToast, app_toast, GTK_TYPE_WIDGET)

static gboolean
on_timeout (gpointer user_data)
{
  AppToast *self = user_data;

  if (self->hovered)
    return G_SOURCE_CONTINUE;
  self->timeout = 0;
  gtk_revealer_set_reveal_child (self->revealer, FALSE);
  return G_SOURCE_REMOVE;
}

static void
on_child_revealed (AppToast *self)
{
  gboolean open = gtk_revealer_get_reveal_child (self->revealer)
                  || gtk_revealer_get_child_revealed (self->revealer);
  gtk_widget_set_visible (GTK_WIDGET (self), open);
}

static void
on_enter (AppToast *self)
{
  self->hovered = TRUE;
}

static void
on_leave (AppToast *self)
{
  self->hovered = FALSE;
}

void
app_toast_hide (AppToast *self)
{
  g_return_if_fail (APP_IS_TOAST (self));
  g_clear_handle_id (&self->timeout, g_source_remove);
  gtk_revealer_set_reveal_child (self->revealer, FALSE);
}

void
app_toast_show (AppToast *self, const char *text, const char *button, const char *action)
{
  g_return_if_fail (APP_IS_TOAST (self));
  g_clear_handle_id (&self->timeout, g_source_remove);
  gtk_label_set_label (self->label, text);
  gtk_widget_set_visible (GTK_WIDGET (self->button), button != NULL);
  gtk_widget_set_visible (GTK_WIDGET (self->other), FALSE);
  if (button != NULL)
    {
      gtk_button_set_label (self->button, button);
      gtk_actionable_set_detailed_action_name (GTK_ACTIONABLE (self->button), action);
    }
  gtk_widget_set_visible (GTK_WIDGET (self), TRUE);
  gtk_revealer_set_reveal_child (self->revealer, TRUE);
  app_compat_announce (GTK_WIDGET (self), text);
  self->timeout = g_timeout_add_seconds (button != NULL ? 8 : 5, on_timeout, self);
}

void
app_toast_add_button (AppToast *self, const char *button, const char *action)
{
  gtk_button_set_label (self->other, button);
  gtk_actionable_set_detailed_action_name (GTK_ACTIONABLE (self->other), action);
  gtk_widget_set_visible (GTK_WIDGET (self->other), TRUE);
}

static void
app_toast_dispose (GObject *object)
{
  AppToast *self = APP_TOAST (object);

  g_clear_handle_id (&self->timeout, g_source_remove);
  gtk_widget_dispose_template (GTK_WIDGET (self), APP_TYPE_TOAST);
  G_OBJECT_CLASS (app_toast_parent_class)->dispose (object);
}

static void
app_toast_class_init (AppToastClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = app_toast_dispose;
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_template_from_resource (
      widget_class, "/io/github/calotype/Calotype/app-toast.ui");
  gtk_widget_class_bind_template_child (widget_class, AppToast, revealer);
  gtk_widget_class_bind_template_child (widget_class, AppToast, label);
  gtk_widget_class_bind_template_child (widget_class, AppToast, button);
  gtk_widget_class_bind_template_child (widget_class, AppToast, other);
  gtk_widget_class_bind_template_callback (widget_class, on_child_revealed);
  gtk_widget_class_bind_template_callback (widget_class, on_enter);
  gtk_widget_class_bind_template_callback (widget_class, on_leave);
  gtk_widget_class_bind_template_callback (widget_class, app_toast_hide);
}

static void
app_toast_init (AppToast *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
