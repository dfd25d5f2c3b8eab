/* app-pictures-keys.c: the keys of the page and of its picture, F6, dragging the picture
 * out
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-pictures-private.h"

gboolean
app_pictures_page_next_pane (AppPicturesPage *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;
  GtkWidget *canvas = GTK_WIDGET (app_stage_get_canvas (self->stage));
  GtkWidget *history = GTK_WIDGET (self->history), *stage = GTK_WIDGET (self->stage);
  gboolean in_form
      = focus != NULL && gtk_widget_is_ancestor (focus, GTK_WIDGET (self->form));

  if (focus != NULL && gtk_widget_is_ancestor (focus, history))
    return FALSE;
  if (app_form_has_prompt_focus (self->form))
    {
      app_form_focus_settings (self->form);
      return TRUE;
    }
  /* What is not there, or is empty, is passed over. */
  if (in_form && gtk_widget_get_mapped (canvas))
    {
      gtk_widget_grab_focus (canvas);
      return TRUE;
    }
  if (in_form || (focus != NULL && gtk_widget_is_ancestor (focus, stage)))
    return gtk_widget_get_mapped (history)
           && g_list_model_get_n_items (app_session_get_history (self->session)) > 0
           && gtk_widget_child_focus (history, GTK_DIR_TAB_FORWARD);
  app_form_focus_prompt (self->form);
  return TRUE;
}

static void
activate (AppPicturesPage *self, const char *name)
{
  g_action_group_activate_action (G_ACTION_GROUP (self->map), name, NULL);
}

static gboolean
picture_key (AppPicturesPage *self, guint key)
{
  AppCanvas *canvas = app_stage_get_canvas (self->stage);
  AppScrubber *scrubber = app_stage_get_scrubber (self->stage);
  guint at = app_scrubber_get_position (scrubber);

  switch (key)
    {
    case GDK_KEY_Left:
      app_scrubber_set_position (scrubber, MAX (at, 2) - 1);
      return TRUE;
    case GDK_KEY_Right:
      app_scrubber_set_position (scrubber, at + 1);
      return TRUE;
    case GDK_KEY_Home:
      app_scrubber_set_position (scrubber, 1);
      return TRUE;
    case GDK_KEY_End:
      app_scrubber_set_position (scrubber, G_MAXUINT);
      app_pictures_show_live (self);
      return TRUE;
    case GDK_KEY_Page_Up:
    case GDK_KEY_Page_Down:
      app_history_move (self->history, key == GDK_KEY_Page_Up ? -1 : 1);
      return TRUE;
    case GDK_KEY_plus:
    case GDK_KEY_equal:
    case GDK_KEY_KP_Add:
    case GDK_KEY_minus:
    case GDK_KEY_KP_Subtract:
      app_canvas_zoom_step (canvas, key != GDK_KEY_minus && key != GDK_KEY_KP_Subtract);
      return TRUE;
    default:
      break;
    }
  const char *action = key == GDK_KEY_c        ? "pin-picture"
                       : key == GDK_KEY_b      ? "split-picture"
                       : key == GDK_KEY_Delete ? "trash-picture"
                                               : NULL;
  if (action != NULL)
    activate (self, action);
  return action != NULL;
}

static gboolean
on_picture_key (GtkEventControllerKey *controller,
                guint key,
                guint code,
                GdkModifierType state,
                AppPicturesPage *self)
{
  if ((state & (GDK_CONTROL_MASK | GDK_ALT_MASK | GDK_SUPER_MASK)) != 0)
    return GDK_EVENT_PROPAGATE;
  if (key == GDK_KEY_space)
    {
      app_canvas_set_flipped (app_stage_get_canvas (self->stage), TRUE);
      return GDK_EVENT_STOP;
    }
  return picture_key (self, key);
}

static void
on_picture_key_up (GtkEventControllerKey *controller,
                   guint key,
                   guint code,
                   GdkModifierType state,
                   AppPicturesPage *self)
{
  if (key == GDK_KEY_space)
    app_canvas_set_flipped (app_stage_get_canvas (self->stage), FALSE);
}

static gboolean
on_page_key (GtkEventControllerKey *controller,
             guint key,
             guint code,
             GdkModifierType state,
             AppPicturesPage *self)
{
  gboolean plain = (state & gtk_accelerator_get_default_mod_mask ()) == 0;

  if (key == GDK_KEY_Escape && plain)
    {
      if (self->alone)
        activate (self, "picture-alone");
      else
        activate (self, "stop");
      return GDK_EVENT_STOP;
    }
  return GDK_EVENT_PROPAGATE;
}

static GdkContentProvider *
on_drag_out (GtkDragSource *source, double x, double y, AppPicturesPage *self)
{
  AppPicture *shown = app_session_get_shown (self->session);

  return shown != NULL ? app_history_content (shown) : NULL;
}

void
app_pictures_add_controllers (AppPicturesPage *self)
{
  GtkDragSource *out = gtk_drag_source_new ();

  GtkEventController *page_keys = gtk_event_controller_key_new (),
                     *keys = gtk_event_controller_key_new ();

  g_signal_connect (page_keys, "key-pressed", G_CALLBACK (on_page_key), self);
  gtk_widget_add_controller (GTK_WIDGET (self), page_keys);
  g_signal_connect (keys, "key-pressed", G_CALLBACK (on_picture_key), self);
  g_signal_connect (keys, "key-released", G_CALLBACK (on_picture_key_up), self);
  gtk_widget_add_controller (GTK_WIDGET (app_stage_get_canvas (self->stage)), keys);
  g_signal_connect (out, "prepare", G_CALLBACK (on_drag_out), self);
  gtk_widget_add_controller (GTK_WIDGET (app_stage_get_canvas (self->stage)),
                             GTK_EVENT_CONTROLLER (out));
}
