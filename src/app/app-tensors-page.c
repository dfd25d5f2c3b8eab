/* app-tensors-page.c: the page that looks into a model
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-tensors-page.h"

#include <glib/gi18n.h>

#include "app/app-fault.h"

struct _AppTensorsPage
{
  GtkWidget parent_instance;
  GtkStack *stack;
  GtkLabel *loading_label;
  GtkProgressBar *loading_bar;
  AppFault *fault;

  AppModel *model;
  char *loading_path;
  GCancellable *cancellable;
  gboolean narrow;
};

G_DEFINE_FINAL_TYPE (AppTensorsPage, app_tensors_page, GTK_TYPE_WIDGET)

static void
on_cancel (AppTensorsPage *self)
{
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
}

void
app_tensors_page_show_loading (AppTensorsPage *self,
                               const char *path,
                               GCancellable *cancellable)
{
  g_autofree char *name = g_filename_display_basename (path);
  g_autofree char *text = g_strdup_printf (_ ("Opening %s"), name);

  g_return_if_fail (APP_IS_TENSORS_PAGE (self));
  g_free (self->loading_path);
  self->loading_path = g_strdup (path);
  g_set_object (&self->cancellable, cancellable);
  gtk_label_set_label (self->loading_label, text);
  gtk_progress_bar_set_fraction (self->loading_bar, 0);
  gtk_stack_set_visible_child_name (self->stack, "loading");
}

void
app_tensors_page_set_loading (AppTensorsPage *self, guint64 done, guint64 total)
{
  g_return_if_fail (APP_IS_TENSORS_PAGE (self));
  if (total > 0)
    gtk_progress_bar_set_fraction (self->loading_bar, (double) done / (double) total);
  else
    gtk_progress_bar_pulse (self->loading_bar);
}

void
app_tensors_page_show_previous (AppTensorsPage *self)
{
  g_return_if_fail (APP_IS_TENSORS_PAGE (self));
  gtk_stack_set_visible_child_name (self->stack,
                                    self->model != NULL ? "browse" : "empty");
}

void
app_tensors_page_show_fault (AppTensorsPage *self, const GError *error)
{
  g_return_if_fail (APP_IS_TENSORS_PAGE (self));
  app_fault_set (self->fault, self->loading_path, error);
  gtk_stack_set_visible_child_name (self->stack, "fault");
}

void
app_tensors_page_set_model (AppTensorsPage *self, AppModel *model)
{
  g_return_if_fail (APP_IS_TENSORS_PAGE (self));
  g_set_object (&self->model, model);
  gtk_stack_set_visible_child_name (self->stack, "browse");
}

void
app_tensors_page_set_narrow (AppTensorsPage *self, gboolean narrow)
{
  g_return_if_fail (APP_IS_TENSORS_PAGE (self));
  self->narrow = narrow;
}

gboolean
app_tensors_page_next_pane (AppTensorsPage *self)
{
  return FALSE;
}

void
app_tensors_page_add_actions (AppTensorsPage *self, GActionMap *map)
{
}

static void
app_tensors_page_dispose (GObject *object)
{
  AppTensorsPage *self = APP_TENSORS_PAGE (object);

  g_clear_object (&self->model);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->loading_path, g_free);
  gtk_widget_dispose_template (GTK_WIDGET (self), APP_TYPE_TENSORS_PAGE);
  G_OBJECT_CLASS (app_tensors_page_parent_class)->dispose (object);
}

static void
app_tensors_page_class_init (AppTensorsPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = app_tensors_page_dispose;
  g_type_ensure (APP_TYPE_FAULT);
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BIN_LAYOUT);
  gtk_widget_class_set_template_from_resource (
      widget_class, "/io/github/calotype/Calotype/app-tensors-page.ui");
  gtk_widget_class_bind_template_child (widget_class, AppTensorsPage, stack);
  gtk_widget_class_bind_template_child (widget_class, AppTensorsPage, loading_label);
  gtk_widget_class_bind_template_child (widget_class, AppTensorsPage, loading_bar);
  gtk_widget_class_bind_template_child (widget_class, AppTensorsPage, fault);
  gtk_widget_class_bind_template_callback (widget_class, on_cancel);
}

static void
app_tensors_page_init (AppTensorsPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
