/* app-pictures-page.c: the page on which pictures are made

Wide: settings, picture and history side by side. Narrow: the same three widgets as pages
of a stack, with a prompt and a Go button under the picture. The page decides what the
picture's place shows; app-pictures-run.c follows the runs, app-pictures-actions.c holds
what can be done.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-pictures-private.h"

#include <glib/gi18n.h>
#include <math.h>

#include "app/app-queue.h"
#include "app/app-settings.h"

#define FORM_WIDTH 300
#define HISTORY_WIDTH 124
#define IDLE_SECONDS (10 * 60)
#define CLOSE_PATIENCE 5000 /* ms */

G_DEFINE_FINAL_TYPE (AppPicturesPage, app_pictures_page, GTK_TYPE_WIDGET)

/* ---- what is shown ---- */

static void
update_line (AppPicturesPage *self)
{
  AppPicture *shown = app_session_get_shown (self->session);
  g_autoptr (ImageMeta) from = NULL, to = NULL;
  g_autofree char *line = NULL;

  if (self->reference != NULL && shown != NULL && shown != self->reference)
    {
      from = app_pictures_meta_of (self->reference);
      to = app_pictures_meta_of (shown);
    }
  if (from != NULL && to != NULL)
    line = app_pictures_differences (from, to);
  app_stage_set_line (self->stage, line);
}

static void
show_texture (AppPicturesPage *self, AppPicture *picture)
{
  GdkTexture *texture = app_picture_get_texture (picture);

  if (texture != NULL)
    app_stage_show_picture (self->stage, texture, (guint) gdk_texture_get_width (texture),
                            (guint) gdk_texture_get_height (texture), APP_CANVAS_CUT);
  else if (app_picture_get_fault (picture) != NULL)
    {
      app_stage_set_empty (self->stage, _ ("This Picture Cannot Be Read"),
                           app_picture_get_fault (picture));
      app_stage_show_picture (self->stage, NULL, 0, 0, APP_CANVAS_CUT);
    }
}

static void
on_shown_changed (AppPicture *picture, AppPicturesPage *self)
{
  if (picture == app_session_get_shown (self->session) && !self->following)
    {
      show_texture (self, picture);
      update_line (self);
    }
}

void
app_pictures_show (AppPicturesPage *self, AppPicture *picture)
{
  AppPicture *before = app_session_get_shown (self->session);

  if (before != NULL)
    g_signal_handlers_disconnect_by_func (before, on_shown_changed, self);
  app_session_set_shown (self->session, picture);
  app_history_select (self->history, picture);
  if (picture != NULL)
    {
      g_signal_connect_object (picture, "changed", G_CALLBACK (on_shown_changed), self,
                               0);
      show_texture (self, picture);
    }
  update_line (self);
  app_pictures_update_actions (self);
}

static void
on_selected (AppHistory *history, AppPicture *picture, AppPicturesPage *self)
{
  AppJob *job = app_picture_get_job (picture);
  AppJobState state = job != NULL ? app_job_get_state (job) : APP_JOB_DONE;

  /* The tile of a run is the live view; so is that of a stopped one, with its steps. */
  if (job != NULL && (state != APP_JOB_DONE || app_job_get_params (job)->batch == 1))
    {
      g_set_object (&self->live, job);
      app_session_set_shown (self->session,
                             app_picture_get_path (picture) != NULL ? picture : NULL);
      app_pictures_show_live (self);
      update_line (self);
      app_pictures_update_actions (self);
      return;
    }
  self->following = FALSE;
  app_stage_set_job (self->stage, NULL);
  app_pictures_show (self, picture);
}

static void
on_sheet_chosen (AppStage *stage, guint index, AppPicturesPage *self)
{
  GListModel *history = app_session_get_history (self->session);

  for (guint i = 0; i < g_list_model_get_n_items (history); i++)
    {
      g_autoptr (AppPicture) picture = g_list_model_get_item (history, i);

      if (app_picture_get_job (picture) == self->live
          && app_picture_get_index (picture) == index
          && app_picture_get_path (picture) != NULL)
        {
          self->following = FALSE;
          app_pictures_show (self, picture);
          return;
        }
    }
}

/* ---- queue and note ---- */

static void
update_queue (AppPicturesPage *self)
{
  g_autoptr (GPtrArray) waiting = app_worker_get_waiting (app_worker_get ());

  app_form_set_waiting (self->form, waiting->len);
}

static void
update_note (AppPicturesPage *self)
{
  AppWorker *worker = app_worker_get ();
  const SdInfo *info = self->model != NULL ? app_model_get_info (self->model) : NULL;
  g_autofree char *line = NULL;

  if (app_worker_get_device_name (worker) != NULL)
    {
      double mib = (double) app_worker_get_memory (worker) / (1 << 20);
      g_autofree char *memory = mib < 1024 ? g_strdup_printf ("%.0f MiB", mib)
                                           : g_strdup_printf ("%.1f GiB", mib / 1024);

      /* Translators: name of the graphics card, memory it holds for us */
      line = g_strdup_printf (_ ("%s · \u2066%s\u2069"),
                              app_worker_get_device_name (worker), memory);
    }
  if (info == NULL)
    app_form_set_note (self->form, _ ("Open a model to make pictures with."), NULL);
  else
    app_form_set_note (self->form, info->can_generate ? NULL : info->why_not, line);
}

/* ---- the model ---- */

static gboolean
start_first (gpointer data)
{
  AppPicturesPage *self = data;

  if (self->map != NULL && self->first_pending && self->shown)
    {
      self->first_pending = FALSE;
      g_action_group_activate_action (G_ACTION_GROUP (self->map), "generate", NULL);
    }
  return G_SOURCE_REMOVE;
}

static void
prepare (AppPicturesPage *self)
{
  if (!self->shown || self->model == NULL)
    return;
  app_worker_prepare (app_worker_get (), app_model_get_path (self->model));
  if (self->first_pending)
    g_idle_add_full (G_PRIORITY_DEFAULT_IDLE, start_first, g_object_ref (self),
                     g_object_unref);
}

void
app_pictures_page_set_model (AppPicturesPage *self, AppModel *model)
{
  g_return_if_fail (APP_IS_PICTURES_PAGE (self));

  g_set_object (&self->model, model);
  app_session_set_model (self->session, app_model_get_path (model),
                         app_model_get_info (model));
  app_form_set_info (self->form, app_model_get_info (model));
  if (app_session_is_first (self->session) && app_model_is_bundled (model)
      && g_list_model_get_n_items (app_session_get_history (self->session)) == 0)
    self->first_pending = TRUE;
  update_note (self);
  app_pictures_update_actions (self);
  prepare (self);
}

void
app_pictures_page_set_shown (AppPicturesPage *self, gboolean shown)
{
  self->shown = shown;
  prepare (self);
}

/* Device memory is given back when nobody has looked for ten minutes. */
static gboolean
on_idle (gpointer data)
{
  AppPicturesPage *self = data;

  self->idle_source = 0;
  if (app_worker_get_running (app_worker_get ()) == NULL)
    app_worker_free_memory (app_worker_get ());
  return G_SOURCE_REMOVE;
}

static void
on_active (AppPicturesPage *self)
{
  AppWindow *window = app_pictures_window (self);

  g_clear_handle_id (&self->idle_source, g_source_remove);
  if (window == NULL)
    return;
  if (gtk_window_is_active (GTK_WINDOW (window)))
    {
      if (g_application_get_default () != NULL)
        g_application_withdraw_notification (g_application_get_default (), "picture");
    }
  else
    self->idle_source = g_timeout_add_seconds (IDLE_SECONDS, on_idle, self);
}

static void
app_pictures_page_root (GtkWidget *widget)
{
  AppPicturesPage *self = APP_PICTURES_PAGE (widget);
  AppWindow *window;

  GTK_WIDGET_CLASS (app_pictures_page_parent_class)->root (widget);
  window = app_pictures_window (self);
  if (window != NULL)
    g_signal_connect_object (window, "notify::is-active", G_CALLBACK (on_active), self,
                             G_CONNECT_SWAPPED);
}

/* ---- wide and narrow ---- */

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

static void
show_quick (AppPicturesPage *self)
{
  const SdParams *params = app_session_get_params (self->session);

  if (params == NULL
      || g_strcmp0 (gtk_editable_get_text (self->quick_entry), params->prompt) == 0)
    return;
  self->filling = TRUE;
  gtk_editable_set_text (self->quick_entry, params->prompt);
  self->filling = FALSE;
}

/* ---- focus and keys ---- */

gboolean
app_pictures_page_next_pane (AppPicturesPage *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));
  GtkWidget *focus = root != NULL ? gtk_root_get_focus (root) : NULL;
  GtkWidget *canvas = GTK_WIDGET (app_stage_get_canvas (self->stage));

  if (focus != NULL && gtk_widget_is_ancestor (focus, GTK_WIDGET (self->history)))
    return FALSE;
  if (focus != NULL
      && (focus == canvas || gtk_widget_is_ancestor (focus, GTK_WIDGET (self->stage))))
    return gtk_widget_child_focus (GTK_WIDGET (self->history), GTK_DIR_TAB_FORWARD);
  if (app_form_has_prompt_focus (self->form))
    app_form_focus_settings (self->form);
  else if (focus != NULL && gtk_widget_is_ancestor (focus, GTK_WIDGET (self->form)))
    gtk_widget_grab_focus (canvas);
  else
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

/* ---- pictures dropped on the page ---- */

static void
read_thread (GTask *task, gpointer source, gpointer path, GCancellable *cancellable)
{
  GError *error = NULL;
  g_autoptr (GPtrArray) texts = image_png_read_texts (path, &error);

  if (texts == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, image_meta_from_texts (texts),
                           (GDestroyNotify) image_meta_free);
}

static void
on_texts (GObject *source, GAsyncResult *result, gpointer data)
{
  AppPicturesPage *self = APP_PICTURES_PAGE (source);
  g_autoptr (GError) error = NULL;
  ImageMeta *meta = g_task_propagate_pointer (G_TASK (result), &error);

  if (app_pictures_window (self) == NULL)
    image_meta_free (meta);
  else if (meta != NULL)
    app_pictures_offer (self, meta);
  else
    app_window_toast (app_pictures_window (self),
                      error != NULL ? error->message
                                    : _ ("This picture does not tell how it was made."),
                      NULL, NULL);
}

static gboolean
on_drop (
    GtkDropTarget *target, const GValue *value, double x, double y, AppPicturesPage *self)
{
  GSList *files = g_value_get_boxed (value);
  g_autofree char *path = files != NULL ? g_file_get_path (files->data) : NULL;

  if (path == NULL || !g_str_has_suffix (path, ".png"))
    return FALSE; /* a model: the window takes it */
  g_autoptr (GTask) task = g_task_new (self, NULL, on_texts, NULL);
  g_task_set_task_data (task, g_steal_pointer (&path), g_free);
  g_task_run_in_thread (task, read_thread);
  return TRUE;
}

/* ---- life ---- */

static void
on_trash_failed (AppSession *session, const char *message, AppPicturesPage *self)
{
  if (app_pictures_window (self) != NULL)
    app_window_toast (app_pictures_window (self), message, NULL, NULL);
}

/* A session that was cut off: what was running or waiting stands as stopped. */
static void
take_up_session (AppPicturesPage *self)
{
  GPtrArray *jobs = app_session_get_jobs (self->session);

  for (guint i = 0; i < jobs->len; i++)
    app_pictures_watch (self, jobs->pdata[i]);
  self->following = jobs->len > 0;
  if (app_session_get_shown (self->session) != NULL)
    app_pictures_show (self, app_session_get_shown (self->session));
}

static gboolean
on_patience_over (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

/* Closing keeps what was computed: the run is stopped, and its state comes from the
 * worker's thread as soon as that lets go, which takes an operator. */
void
app_pictures_page_close (AppPicturesPage *self)
{
  /* The loop below may hear of a second press of the close button. */
  g_autoptr (AppPicturesPage) kept = g_object_ref (self);
  g_autoptr (GPtrArray) jobs = g_ptr_array_new_with_free_func (g_object_unref);
  GPtrArray *all = app_session_get_jobs (self->session);
  gboolean over = FALSE;
  guint patience = g_timeout_add (CLOSE_PATIENCE, on_patience_over, &over);

  for (guint i = 0; i < all->len; i++)
    g_ptr_array_add (jobs, g_object_ref (all->pdata[i]));
  for (guint i = jobs->len; i-- > 0;) /* the waiting ones first, lest one begins */
    {
      AppJobState state = app_job_get_state (jobs->pdata[i]);

      if (state == APP_JOB_RUNNING || state == APP_JOB_WAITING)
        app_worker_stop (app_worker_get (), jobs->pdata[i]);
    }
  for (guint i = 0; i < jobs->len; i++)
    while (app_job_get_state (jobs->pdata[i]) == APP_JOB_RUNNING && !over)
      g_main_context_iteration (NULL, TRUE);
  if (!over)
    g_source_remove (patience);
  if (self->session != NULL)
    app_session_flush (self->session);
}

static void
app_pictures_page_dispose (GObject *object)
{
  AppPicturesPage *self = APP_PICTURES_PAGE (object);

  g_clear_handle_id (&self->idle_source, g_source_remove);
  app_pictures_unwatch (self);
  g_clear_pointer (&self->stack, gtk_widget_unparent);
  g_clear_object (&self->session);
  g_clear_object (&self->model);
  g_clear_object (&self->reference);
  g_clear_pointer (&self->offered, image_meta_free);
  G_OBJECT_CLASS (app_pictures_page_parent_class)->dispose (object);
}

static void
app_pictures_page_class_init (AppPicturesPageClass *class)
{
  G_OBJECT_CLASS (class)->dispose = app_pictures_page_dispose;
  GTK_WIDGET_CLASS (class)->root = app_pictures_page_root;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (class),
                                            GTK_TYPE_BIN_LAYOUT);
}

static GdkContentProvider *
on_drag_out (GtkDragSource *source, double x, double y, AppPicturesPage *self)
{
  AppPicture *shown = app_session_get_shown (self->session);

  return shown != NULL ? app_history_content (shown) : NULL;
}

static void
add_controllers (AppPicturesPage *self)
{
  GtkDragSource *out = gtk_drag_source_new ();

  GtkEventController *page_keys = gtk_event_controller_key_new (),
                     *keys = gtk_event_controller_key_new ();
  GtkDropTarget *drop = gtk_drop_target_new (GDK_TYPE_FILE_LIST, GDK_ACTION_COPY);

  g_signal_connect (page_keys, "key-pressed", G_CALLBACK (on_page_key), self);
  gtk_widget_add_controller (GTK_WIDGET (self), page_keys);
  g_signal_connect (keys, "key-pressed", G_CALLBACK (on_picture_key), self);
  g_signal_connect (keys, "key-released", G_CALLBACK (on_picture_key_up), self);
  gtk_widget_add_controller (GTK_WIDGET (app_stage_get_canvas (self->stage)), keys);
  g_signal_connect (out, "prepare", G_CALLBACK (on_drag_out), self);
  gtk_widget_add_controller (GTK_WIDGET (app_stage_get_canvas (self->stage)),
                             GTK_EVENT_CONTROLLER (out));
  g_signal_connect (drop, "drop", G_CALLBACK (on_drop), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (drop));
}

static void
make_widgets (AppPicturesPage *self)
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

static void
app_pictures_page_init (AppPicturesPage *self)
{
  g_autofree char *path = app_session_next_path ();

  self->history_wanted = TRUE;
  self->following = TRUE;
  self->session = app_session_new (path);
  make_widgets (self);
  app_form_set_session (self->form, self->session);
  app_form_set_queue (self->form, app_queue_new ());
  app_history_set_session (self->history, self->session);
  app_stage_set_empty (self->stage, _ ("No Picture Yet"),
                       _ ("Write what it should show, and press Generate."));
  add_controllers (self);
  g_signal_connect (self->history, "selected", G_CALLBACK (on_selected), self);
  g_signal_connect (self->stage, "sheet-chosen", G_CALLBACK (on_sheet_chosen), self);
  g_signal_connect_object (self->session, "trash-failed", G_CALLBACK (on_trash_failed),
                           self, 0);
  g_signal_connect_object (self->session, "params-changed",
                           G_CALLBACK (app_pictures_update_actions), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->session, "params-changed", G_CALLBACK (show_quick), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (app_worker_get (), "queue-changed", G_CALLBACK (update_queue),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (app_worker_get (), "engine-changed", G_CALLBACK (update_note),
                           self, G_CONNECT_SWAPPED);
  app_pictures_page_set_narrow (self, FALSE);
  take_up_session (self);
  update_queue (self);
  update_note (self);
}

const char *
app_pictures_page_remembered_model (AppPicturesPage *self)
{
  return app_session_get_model_path (self->session);
}
