/* app-pictures-keys.c: the keys of the page and of its picture, F6, the picture's menu,
 * dragging the picture out
 *
 * The picture's keys are heard by the whole stage, so that they work with the time line
 * focused too, after whoever has the focus has had its turn. Of the history's only those
 * that a grid has no use for are taken, and before the grid, which selects with Space.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-pictures-private.h"

/* ---- F6 ---- */

typedef enum
{
  PANE_PROMPT,
  PANE_SETTINGS,
  PANE_PICTURE,
  PANE_HISTORY,
  N_PANES
} Pane;

static gboolean
holds_focus (GtkWidget *widget)
{
  GtkRoot *root = gtk_widget_get_root (widget);
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;

  return focus != NULL && (focus == widget || gtk_widget_is_ancestor (focus, widget));
}

/* The pane that has the focus; N_PANES: none of them. */
static Pane
current_pane (AppPicturesPage *self)
{
  if (holds_focus (self->quick) || app_form_has_prompt_focus (self->form))
    return PANE_PROMPT;
  if (holds_focus (GTK_WIDGET (self->form)))
    return PANE_SETTINGS;
  if (holds_focus (GTK_WIDGET (self->stage)))
    return PANE_PICTURE;
  return holds_focus (GTK_WIDGET (self->history)) ? PANE_HISTORY : N_PANES;
}

static void
show_part (AppPicturesPage *self, guint part)
{
  g_action_group_activate_action (G_ACTION_GROUP (self->map), "pictures-part",
                                  g_variant_new_uint32 (part));
}

static gboolean
focus_pane (AppPicturesPage *self, Pane pane)
{
  /* In a narrow window each is a page of its own, and the prompt stands under the
   * picture. */
  static const guint parts[] = { 0, 1, 0, 2 };

  if (self->narrow)
    show_part (self, parts[pane]);
  switch (pane)
    {
    case PANE_PROMPT:
      if (self->narrow)
        return gtk_widget_grab_focus (GTK_WIDGET (self->quick_entry));
      app_form_focus_prompt (self->form);
      break;
    case PANE_SETTINGS:
      app_form_focus_settings (self->form);
      break;
    case PANE_PICTURE:
      return app_stage_focus_picture (self->stage);
    case PANE_HISTORY:
      return gtk_widget_get_mapped (GTK_WIDGET (self->history))
             && app_history_focus (self->history);
    case N_PANES:
    default:
      break;
    }
  return current_pane (self) == pane;
}

gboolean
app_pictures_page_next_pane (AppPicturesPage *self)
{
  Pane now = current_pane (self);

  if (self->alone)
    return TRUE;
  for (Pane pane = now == N_PANES ? PANE_PROMPT : now + 1; pane < N_PANES; pane++)
    if (focus_pane (self, pane))
      return TRUE;
  if (self->narrow)
    show_part (self, 0);
  return FALSE;
}

/* ---- keys ---- */

static void
activate (AppPicturesPage *self, const char *name)
{
  g_action_group_activate_action (G_ACTION_GROUP (self->map), name, NULL);
}

static void
flip (AppPicturesPage *self, gboolean flipped)
{
  app_canvas_set_flipped (app_stage_get_canvas (self->stage), flipped);
}

/* Letters are found whatever the keyboard's language: C is the key that writes c where
 * Latin is written. */
static gboolean
is_letter (GtkEventControllerKey *controller, guint key, guint letter)
{
  GdkEvent *event
      = gtk_event_controller_get_current_event (GTK_EVENT_CONTROLLER (controller));

  return gdk_keyval_to_lower (key) == letter
         || (event != NULL
             && gdk_key_event_matches (event, letter, 0) != GDK_KEY_MATCH_NONE);
}

static gboolean
plain (GdkModifierType state)
{
  return (state & (GDK_CONTROL_MASK | GDK_ALT_MASK | GDK_SUPER_MASK)) == 0;
}

/* Keys that mean the same on the picture and in the history. */
static gboolean
shared_key (GtkEventControllerKey *controller,
            guint key,
            guint code,
            GdkModifierType state,
            AppPicturesPage *self)
{
  const char *action = NULL;

  if ((state & gtk_accelerator_get_default_mod_mask ()) == GDK_CONTROL_MASK
      && is_letter (controller, key, GDK_KEY_c))
    action = "copy-picture";
  else if ((state & gtk_accelerator_get_default_mod_mask ()) == GDK_CONTROL_MASK
           && is_letter (controller, key, GDK_KEY_v))
    action = "paste-settings";
  else if (!plain (state))
    return GDK_EVENT_PROPAGATE;
  else if (key == GDK_KEY_Delete || key == GDK_KEY_KP_Delete)
    action = "trash-picture";
  else if (is_letter (controller, key, GDK_KEY_c))
    action = "pin-picture";
  else if (is_letter (controller, key, GDK_KEY_b))
    action = "split-picture";
  else if (key == GDK_KEY_space)
    flip (self, TRUE);
  else
    return GDK_EVENT_PROPAGATE;
  if (action != NULL)
    activate (self, action);
  return GDK_EVENT_STOP;
}

static gboolean
on_picture_key (GtkEventControllerKey *controller,
                guint key,
                guint code,
                GdkModifierType state,
                AppPicturesPage *self)
{
  AppCanvas *canvas = app_stage_get_canvas (self->stage);
  AppScrubber *scrubber = app_foot_get_scrubber (app_stage_get_foot (self->stage));
  guint at = app_scrubber_get_position (scrubber);

  if (shared_key (controller, key, code, state, self))
    return GDK_EVENT_STOP;
  if (!plain (state))
    return GDK_EVENT_PROPAGATE;
  switch (key)
    {
    case GDK_KEY_Left:
    case GDK_KEY_KP_Left:
      app_scrubber_set_position (scrubber, MAX (at, 2) - 1);
      return GDK_EVENT_STOP;
    case GDK_KEY_Right:
    case GDK_KEY_KP_Right:
      app_scrubber_set_position (scrubber, at + 1);
      return GDK_EVENT_STOP;
    case GDK_KEY_Home:
    case GDK_KEY_KP_Home:
      app_scrubber_set_position (scrubber, 1);
      return GDK_EVENT_STOP;
    case GDK_KEY_End:
    case GDK_KEY_KP_End:
      app_pictures_follow (self);
      app_scrubber_set_position (scrubber, G_MAXUINT);
      return GDK_EVENT_STOP;
    case GDK_KEY_Page_Up:
    case GDK_KEY_KP_Page_Up:
      app_history_move (self->history, -1);
      return GDK_EVENT_STOP;
    case GDK_KEY_Page_Down:
    case GDK_KEY_KP_Page_Down:
      app_history_move (self->history, 1);
      return GDK_EVENT_STOP;
    case GDK_KEY_plus:
    case GDK_KEY_equal:
    case GDK_KEY_KP_Add:
      app_canvas_zoom_step (canvas, TRUE);
      return GDK_EVENT_STOP;
    case GDK_KEY_minus:
    case GDK_KEY_KP_Subtract:
      app_canvas_zoom_step (canvas, FALSE);
      return GDK_EVENT_STOP;
    default:
      return GDK_EVENT_PROPAGATE;
    }
}

static void
on_key_up (GtkEventControllerKey *controller,
           guint key,
           guint code,
           GdkModifierType state,
           AppPicturesPage *self)
{
  if (key == GDK_KEY_space)
    flip (self, FALSE);
}

/* A key let go elsewhere is not heard here. */
static void
on_leave (GtkEventControllerFocus *controller, AppPicturesPage *self)
{
  flip (self, FALSE);
}

static gboolean
on_window_key (GtkEventControllerKey *controller,
               guint key,
               guint code,
               GdkModifierType state,
               AppPicturesPage *self)
{
  if (key != GDK_KEY_Escape || (state & gtk_accelerator_get_default_mod_mask ()) != 0)
    return GDK_EVENT_PROPAGATE;
  if (self->alone)
    app_pictures_set_alone (self, FALSE);
  else
    activate (self, "stop");
  return GDK_EVENT_STOP;
}

static void
on_fullscreened (AppPicturesPage *self)
{
  if (!gtk_window_is_fullscreen (GTK_WINDOW (app_pictures_window (self))))
    app_pictures_set_alone (self, FALSE);
}

void
app_pictures_watch_window (AppPicturesPage *self, AppWindow *window)
{
  GtkEventController *keys = gtk_event_controller_key_new ();

  g_signal_connect_object (keys, "key-pressed", G_CALLBACK (on_window_key), self, 0);
  gtk_widget_add_controller (GTK_WIDGET (window), keys);
  g_signal_connect_object (window, "notify::fullscreened", G_CALLBACK (on_fullscreened),
                           self, G_CONNECT_SWAPPED);
}

/* ---- the pointer ---- */

GdkContentProvider *
app_pictures_content (AppPicturesPage *self)
{
  AppPicture *shown = app_session_get_shown (self->session);
  AppScrubber *scrubber = app_foot_get_scrubber (app_stage_get_foot (self->stage));
  GdkTexture *texture = app_canvas_get_texture (app_stage_get_canvas (self->stage));

  if (shown == NULL || texture == NULL)
    return NULL;
  /* A step is not in any file: what is seen goes out as pixels. */
  if (app_picture_get_path (shown) == NULL || !app_scrubber_is_live (scrubber))
    return gdk_content_provider_new_typed (GDK_TYPE_TEXTURE, texture);
  return app_history_content (shown);
}

static GdkContentProvider *
on_drag_out (GtkDragSource *source, double x, double y, AppPicturesPage *self)
{
  return app_pictures_content (self);
}

static void
on_drag_begin (GtkDragSource *source, GdkDrag *drag, AppPicturesPage *self)
{
  AppPicture *shown = app_session_get_shown (self->session);

  if (shown != NULL)
    app_history_set_drag_icon (source, shown);
}

static void
add_keys (GtkWidget *widget,
          GtkPropagationPhase phase,
          GCallback pressed,
          AppPicturesPage *self)
{
  GtkEventController *keys = gtk_event_controller_key_new (),
                     *focus = gtk_event_controller_focus_new ();

  gtk_event_controller_set_propagation_phase (keys, phase);
  g_signal_connect (keys, "key-pressed", pressed, self);
  g_signal_connect (keys, "key-released", G_CALLBACK (on_key_up), self);
  g_signal_connect (focus, "leave", G_CALLBACK (on_leave), self);
  gtk_widget_add_controller (widget, keys);
  gtk_widget_add_controller (widget, focus);
}

void
app_pictures_add_controllers (AppPicturesPage *self)
{
  GtkWidget *canvas = GTK_WIDGET (app_stage_get_canvas (self->stage));
  GtkDragSource *out = gtk_drag_source_new ();
  g_autoptr (GMenuModel) menu = app_history_menu ();

  add_keys (GTK_WIDGET (self->stage), GTK_PHASE_BUBBLE, G_CALLBACK (on_picture_key),
            self);
  add_keys (GTK_WIDGET (self->history), GTK_PHASE_CAPTURE, G_CALLBACK (shared_key), self);
  g_signal_connect (out, "prepare", G_CALLBACK (on_drag_out), self);
  g_signal_connect (out, "drag-begin", G_CALLBACK (on_drag_begin), self);
  gtk_widget_add_controller (canvas, GTK_EVENT_CONTROLLER (out));
  app_stage_set_menu (self->stage, menu);
}
