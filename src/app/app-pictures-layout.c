/* app-pictures-layout.c: the parts of the page side by side, or as pages of a narrow
 * window
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-pictures-private.h"

#include <glib/gi18n.h>

#define FORM_WIDTH 300
#define HISTORY_WIDTH 124

static void
move_to (GtkWidget *widget, GtkWidget *box, gboolean first)
{
  g_object_ref (widget);
  if (gtk_widget_get_parent (widget) != NULL)
    gtk_box_remove (GTK_BOX (gtk_widget_get_parent (widget)), widget);
  if (first)
    gtk_box_prepend (GTK_BOX (box), widget);
  else
    gtk_box_append (GTK_BOX (box), widget);
  g_object_unref (widget);
}

void
app_pictures_page_set_narrow (AppPicturesPage *self, gboolean narrow)
{
  gboolean changed = self->narrow != narrow;

  self->narrow = narrow;
  if (changed && narrow)
    {
      move_to (GTK_WIDGET (self->stage), self->narrow_stage, TRUE);
      move_to (GTK_WIDGET (self->form), self->narrow_form, FALSE);
      move_to (GTK_WIDGET (self->history), self->narrow_history, FALSE);
      gtk_stack_set_visible_child (GTK_STACK (self->stack), self->narrow_stage);
    }
  else if (changed)
    {
      move_to (GTK_WIDGET (self->form), self->wide, FALSE);
      move_to (GTK_WIDGET (self->stage), self->wide, FALSE);
      move_to (GTK_WIDGET (self->history), self->wide, FALSE);
      gtk_stack_set_visible_child (GTK_STACK (self->stack), self->wide);
    }
  gtk_widget_set_size_request (GTK_WIDGET (self->form), narrow ? -1 : FORM_WIDTH, -1);
  gtk_widget_set_hexpand (GTK_WIDGET (self->form), narrow);
  gtk_widget_set_size_request (GTK_WIDGET (self->history), narrow ? -1 : HISTORY_WIDTH,
                               -1);
  gtk_widget_set_hexpand (GTK_WIDGET (self->history), narrow);
  gtk_widget_set_visible (GTK_WIDGET (self->form), narrow || !self->alone);
  gtk_widget_set_visible (GTK_WIDGET (self->history),
                          narrow || (self->history_wanted && !self->alone));
  gtk_widget_set_visible (self->quick, narrow && !self->alone);
}

static GtkWidget *
make_back_page (AppPicturesPage *self, const char *title)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0),
            *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *back = gtk_button_new_from_icon_name ("go-previous-symbolic"),
            *label = gtk_label_new (title);

  gtk_actionable_set_action_name (GTK_ACTIONABLE (back), "win.pictures-part");
  gtk_actionable_set_action_target (GTK_ACTIONABLE (back), "u", 0);
  gtk_accessible_update_property (GTK_ACCESSIBLE (back), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Back"), -1);
  gtk_widget_add_css_class (back, "flat");
  gtk_widget_add_css_class (label, "heading");
  gtk_box_append (GTK_BOX (row), back);
  gtk_box_append (GTK_BOX (row), label);
  gtk_widget_add_css_class (row, "app-back");
  gtk_box_append (GTK_BOX (box), row);
  return box;
}

static void
on_quick (AppPicturesPage *self)
{
  const SdParams *params = app_session_get_params (self->session);
  const char *text = gtk_editable_get_text (self->quick_entry);

  /* Setting an entry's text empties it first: that is nobody's edit. */
  if (self->filling || params == NULL || g_str_equal (params->prompt, text))
    return;
  g_autoptr (SdParams) edited = sd_params_copy (params);
  g_free (edited->prompt);
  edited->prompt = g_strdup (text);
  app_session_edit (self->session, "prompt", edited);
}

static GtkWidget *
make_part_button (const char *icon, const char *name, guint part)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon);

  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), "win.pictures-part");
  gtk_actionable_set_action_target (GTK_ACTIONABLE (button), "u", part);
  gtk_widget_set_tooltip_text (button, name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  name, -1);
  return button;
}

static GtkWidget *
make_quick (AppPicturesPage *self)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6), *entry = gtk_entry_new ();
  /* Translators: the short Generate button of a narrow window */
  GtkWidget *go = gtk_button_new_with_label (_ ("Go"));

  self->quick_entry = GTK_EDITABLE (entry);
  gtk_widget_set_hexpand (entry, TRUE);
  gtk_editable_set_width_chars (GTK_EDITABLE (entry), 6);
  gtk_entry_set_placeholder_text (GTK_ENTRY (entry), _ ("What should the picture show?"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (entry), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Prompt"), -1);
  g_signal_connect_swapped (entry, "changed", G_CALLBACK (on_quick), self);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (go), "win.generate");
  gtk_accessible_update_property (GTK_ACCESSIBLE (go), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Generate"), -1);
  gtk_widget_add_css_class (go, "suggested-action");
  gtk_box_append (GTK_BOX (row),
                  make_part_button ("emblem-system-symbolic", _ ("Settings"), 1));
  gtk_box_append (GTK_BOX (row),
                  make_part_button ("view-grid-symbolic", _ ("History"), 2));
  gtk_box_append (GTK_BOX (row), entry);
  gtk_box_append (GTK_BOX (row), go);
  gtk_widget_add_css_class (row, "app-quick");
  return row;
}

void
app_pictures_show_quick (AppPicturesPage *self)
{
  const SdParams *params = app_session_get_params (self->session);

  if (params == NULL
      || g_strcmp0 (gtk_editable_get_text (self->quick_entry), params->prompt) == 0)
    return;
  self->filling = TRUE;
  gtk_editable_set_text (self->quick_entry, params->prompt);
  self->filling = FALSE;
}

void
app_pictures_make_widgets (AppPicturesPage *self)
{
  self->stack = gtk_stack_new ();
  self->wide = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 0);
  self->narrow_stage = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  self->narrow_form = make_back_page (self, _ ("Settings"));
  self->narrow_history = make_back_page (self, _ ("History"));
  self->form = g_object_new (APP_TYPE_FORM, NULL);
  self->stage = APP_STAGE (app_stage_new ());
  self->history = APP_HISTORY (app_history_new ());
  self->quick = make_quick (self);
  gtk_widget_set_hexpand (GTK_WIDGET (self->stage), TRUE);
  gtk_widget_set_vexpand (GTK_WIDGET (self->stage), TRUE);
  gtk_widget_set_vexpand (GTK_WIDGET (self->form), TRUE);
  gtk_widget_set_vexpand (GTK_WIDGET (self->history), TRUE);
  gtk_widget_add_css_class (GTK_WIDGET (self->form), "app-side");
  gtk_widget_add_css_class (GTK_WIDGET (self->history), "app-side");
  gtk_box_append (GTK_BOX (self->wide), GTK_WIDGET (self->form));
  gtk_box_append (GTK_BOX (self->wide), GTK_WIDGET (self->stage));
  gtk_box_append (GTK_BOX (self->wide), GTK_WIDGET (self->history));
  gtk_box_append (GTK_BOX (self->narrow_stage), self->quick);
  gtk_stack_add_child (GTK_STACK (self->stack), self->wide);
  gtk_stack_add_child (GTK_STACK (self->stack), self->narrow_stage);
  gtk_stack_add_child (GTK_STACK (self->stack), self->narrow_form);
  gtk_stack_add_child (GTK_STACK (self->stack), self->narrow_history);
  gtk_stack_set_hhomogeneous (GTK_STACK (self->stack), FALSE);
  gtk_stack_set_vhomogeneous (GTK_STACK (self->stack), FALSE);
  gtk_widget_set_parent (self->stack, GTK_WIDGET (self));
}
