/* app-pictures-actions.c: the actions of the Pictures page and the keys of its picture
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-pictures-private.h"

#include <glib/gi18n.h>

#include "app/app-compat.h"

AppWindow *
app_pictures_window (AppPicturesPage *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));

  return APP_IS_WINDOW (root) ? APP_WINDOW (root) : NULL;
}

/* ---- generating ---- */

static void
generate (AppPicturesPage *self, gboolean next_seed)
{
  AppJob *job;

  if (app_session_get_params (self->session) == NULL
      || app_session_get_model_path (self->session) == NULL)
    return;
  app_mode_leave (self, FALSE);
  job = app_session_generate (self->session, next_seed);
  app_pictures_watch (self, job);
  app_pictures_update_actions (self);
}

static void
on_generate (GSimpleAction *action, GVariant *parameter, gpointer self)
{
  generate (self, FALSE);
}

static void
on_generate_next (GSimpleAction *action, GVariant *parameter, gpointer self)
{
  generate (self, TRUE);
}

static void
on_stop (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppPicturesPage *self = data;

  if (self->live != NULL)
    app_worker_stop (app_worker_get (), self->live);
}

/* The run that is looked at, if it ended before it was done. */
static AppJob *
ended_job (AppPicturesPage *self)
{
  AppJob *job = app_pictures_viewed_job (self);

  return job != NULL
                 && (app_job_get_state (job) == APP_JOB_STOPPED
                     || app_job_get_state (job) == APP_JOB_FAILED)
             ? job
             : NULL;
}

static void
go_on (AppPicturesPage *self, AppJob *job)
{
  app_worker_submit (app_worker_get (), job);
  app_pictures_make_live (self, job);
}

static void
on_continue (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppJob *job = ended_job (data);

  if (job != NULL)
    go_on (data, job);
}

static void
on_start_over (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppJob *job = ended_job (data);

  if (job == NULL)
    return;
  app_job_start_over (job);
  go_on (data, job);
}

/* After the device ran out of memory: three quarters of each side, at once. */
static void
on_smaller_size (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppPicturesPage *self = data;
  g_autoptr (SdParams) params = NULL;

  if (app_session_get_params (self->session) == NULL)
    return;
  params = sd_params_copy (app_session_get_params (self->session));
  params->width = MAX (64, params->width * 3 / 4 / 8 * 8);
  params->height = MAX (64, params->height * 3 / 4 / 8 * 8);
  app_session_edit (self->session, "size", params);
  g_action_group_activate_action (G_ACTION_GROUP (self->map), "generate", NULL);
}

static void
on_keep_preview (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppJob *job = ended_job (data);

  if (job != NULL)
    app_worker_keep_preview (app_worker_get (), job);
}

void
app_pictures_choose_at (AppPicturesPage *self, guint position)
{
  GListModel *history = app_session_get_history (self->session);
  guint n = g_list_model_get_n_items (history);
  g_autoptr (AppPicture) next
      = n > 0 ? g_list_model_get_item (history, MIN (position, n - 1)) : NULL;

  app_pictures_choose (self, next);
}

static guint
position_of (AppPicturesPage *self, AppPicture *picture)
{
  GListModel *history = app_session_get_history (self->session);
  guint n = g_list_model_get_n_items (history);

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (AppPicture) item = g_list_model_get_item (history, i);

      if (item == picture)
        return i;
    }
  return 0;
}

static void
on_discard (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppJob *job = ended_job (data);

  if (job != NULL)
    app_job_discard (job);
}

static void
on_continue_all (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppPicturesPage *self = data;
  GPtrArray *jobs = app_session_get_jobs (self->session);

  for (guint i = 0; i < jobs->len; i++)
    if (app_job_get_state (jobs->pdata[i]) == APP_JOB_STOPPED)
      go_on (self, jobs->pdata[i]);
}

static void
on_lock_seed (GSimpleAction *action, GVariant *value, gpointer data)
{
  AppPicturesPage *self = data;

  g_simple_action_set_state (action, value);
  app_session_set_seed_locked (self->session, g_variant_get_boolean (value));
}

/* ---- settings ---- */

/* The keys reach the window before the focused entry: what is typed elsewhere than on
 * this page has an undo of its own. */
static gboolean
undo_elsewhere (AppPicturesPage *self, const char *action)
{
  GtkWidget *focus = gtk_root_get_focus (gtk_widget_get_root (GTK_WIDGET (self)));

  if (self->shown)
    return FALSE;
  if (focus != NULL)
    gtk_widget_activate_action (focus, action, NULL);
  return TRUE;
}

static void
on_undo (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppPicturesPage *self = data;

  if (!undo_elsewhere (self, "text.undo") && !app_mode_undo (self, TRUE))
    app_session_undo (self->session);
}

static void
on_redo (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppPicturesPage *self = data;

  if (!undo_elsewhere (self, "text.redo") && !app_mode_undo (self, FALSE))
    app_session_redo (self->session);
}

static void
on_fill (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppPicturesPage *self = data;

  if (self->offered != NULL)
    app_pictures_fill (self, self->offered);
}

static void
on_use_settings (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppPicturesPage *self = data;
  AppPicture *shown = app_session_get_shown (self->session);
  g_autoptr (ImageMeta) meta = shown != NULL ? app_pictures_meta_of (shown) : NULL;

  if (meta != NULL)
    app_pictures_fill (self, meta);
}

static void
on_paste_settings (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  app_pictures_paste (data, TRUE);
}

static void
on_offer_pasted (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  app_pictures_paste (data, FALSE);
}

/* ---- the picture ---- */

static void
on_zoom_fit (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  app_canvas_zoom_fit (app_stage_get_canvas (((AppPicturesPage *) data)->stage));
}

static void
on_zoom_original (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  app_canvas_zoom_exact (app_stage_get_canvas (((AppPicturesPage *) data)->stage));
}

static void
on_pin_picture (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppPicturesPage *self = data;
  AppPicture *shown = app_session_get_shown (self->session);
  GdkTexture *texture = app_canvas_get_texture (app_stage_get_canvas (self->stage));

  if (shown == NULL || texture == NULL)
    return;
  if (shown == self->reference)
    {
      app_pictures_set_reference (self, NULL, NULL);
      app_pictures_update_actions (self);
      return;
    }
  app_pictures_set_reference (self, shown, texture);
  app_pictures_update_actions (self);
}

static void
on_split (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppCanvas *canvas = app_stage_get_canvas (((AppPicturesPage *) data)->stage);

  app_canvas_set_split (canvas, !app_canvas_get_split (canvas));
}

static void
on_copy_picture (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppPicturesPage *self = data;
  g_autoptr (GdkContentProvider) content = app_pictures_content (self);

  if (content == NULL)
    return;
  gdk_clipboard_set_content (gtk_widget_get_clipboard (GTK_WIDGET (self)), content);
  app_window_toast (app_pictures_window (self), _ ("Picture copied"), NULL, NULL);
}

static void
on_copied (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (AppPicturesPage) self = data;
  g_autoptr (GError) error = NULL;

  if (!g_file_copy_finish (G_FILE (source), result, &error)
      && app_pictures_window (self) != NULL)
    app_window_toast (app_pictures_window (self), error->message, NULL, NULL);
}

static void
on_copy_place (GFile *file, gpointer data)
{
  g_autoptr (AppPicturesPage) self = data;
  AppPicture *shown = app_session_get_shown (self->session);

  if (file == NULL || shown == NULL || app_picture_get_path (shown) == NULL)
    return;
  g_autoptr (GFile) from = g_file_new_for_path (app_picture_get_path (shown));
  g_file_copy_async (from, file, G_FILE_COPY_OVERWRITE, G_PRIORITY_DEFAULT, NULL, NULL,
                     NULL, on_copied, g_object_ref (self));
}

static void
on_save_copy (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppPicturesPage *self = data;
  AppPicture *shown = app_session_get_shown (self->session);

  if (shown == NULL || app_picture_get_path (shown) == NULL)
    return;
  g_autofree char *name = g_path_get_basename (app_picture_get_path (shown));
  app_compat_choose_file (GTK_WINDOW (app_pictures_window (self)), APP_COMPAT_SAVE_FILE,
                          _ ("Save a Copy"), _ ("_Save"), NULL, NULL, name, on_copy_place,
                          g_object_ref (self));
}

static void
on_trash_picture (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppPicturesPage *self = data;
  AppPicture *shown = app_session_get_shown (self->session);

  if (shown == NULL || app_picture_get_path (shown) == NULL)
    return;
  guint position = position_of (self, shown);
  if (shown == self->reference)
    app_pictures_set_reference (self, NULL, NULL);
  app_session_trash (self->session, shown);
  if (app_picture_get_job (shown) != NULL && app_picture_get_job (shown) == self->live)
    g_clear_object (&self->live);
  app_pictures_choose_at (self, position);
  app_window_toast (app_pictures_window (self), _ ("Moved to the trash"), _ ("Undo"),
                    "win.untrash-picture");
}

static void
on_untrash_picture (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppPicturesPage *self = data;
  AppPicture *picture = app_session_untrash (self->session);

  if (picture != NULL)
    app_pictures_choose (self, picture);
}

void
app_pictures_set_alone (AppPicturesPage *self, gboolean alone)
{
  AppWindow *window = app_pictures_window (self);

  if (self->alone == alone)
    return;
  self->alone = alone;
  app_window_set_bars_visible (window, !alone);
  app_stage_set_alone (self->stage, alone);
  app_pictures_page_set_narrow (self, self->narrow);
  if (alone)
    {
      g_action_group_activate_action (G_ACTION_GROUP (self->map), "pictures-part",
                                      g_variant_new_uint32 (0));
      app_stage_focus_picture (self->stage);
      gtk_window_fullscreen (GTK_WINDOW (window));
    }
  else
    gtk_window_unfullscreen (GTK_WINDOW (window));
}

static void
on_picture_alone (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppPicturesPage *self = data;

  if (!self->shown)
    g_action_group_activate_action (G_ACTION_GROUP (self->map), "show-page",
                                    g_variant_new_string ("pictures"));
  app_pictures_set_alone (self, !self->alone);
}

static void
on_toggle_history (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppPicturesPage *self = data;
  gboolean seen
      = gtk_stack_get_visible_child (GTK_STACK (self->stack)) == self->narrow_history;

  if (self->narrow)
    {
      g_action_group_activate_action (G_ACTION_GROUP (self->map), "pictures-part",
                                      g_variant_new_uint32 (seen ? 0 : 2));
      return;
    }
  self->history_wanted = !self->history_wanted;
  app_pictures_page_set_narrow (self, self->narrow);
}

static void
on_narrow_page (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  AppPicturesPage *self = data;
  GtkWidget *pages[] = { self->narrow_stage, self->narrow_form, self->narrow_history };

  if (self->narrow)
    gtk_stack_set_visible_child (GTK_STACK (self->stack),
                                 pages[MIN (g_variant_get_uint32 (parameter), 2)]);
}

static void
on_free_memory (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  app_worker_free_memory (app_worker_get ());
}

/* The menu of models says where to put one and lists what was found. */
static void
on_bigger_model (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  gtk_widget_activate_action (data, "win.model-menu", NULL);
}

static const GActionEntry entries[] = {
  { "generate", on_generate },
  { "generate-next", on_generate_next },
  { "stop", on_stop },
  { "continue", on_continue },
  { "continue-all", on_continue_all },
  { "keep-preview", on_keep_preview },
  { "discard", on_discard },
  { "start-over", on_start_over },
  { "smaller-size", on_smaller_size },
  { "lock-seed", NULL, NULL, "false", on_lock_seed },
  { "undo-settings", on_undo },
  { "redo-settings", on_redo },
  { "fill-settings", on_fill },
  { "use-settings", on_use_settings },
  { "paste-settings", on_paste_settings },
  { "offer-pasted", on_offer_pasted },
  { "zoom-fit", on_zoom_fit },
  { "zoom-original", on_zoom_original },
  { "pin-picture", on_pin_picture },
  { "split-picture", on_split },
  { "copy-picture", on_copy_picture },
  { "save-copy", on_save_copy },
  { "trash-picture", on_trash_picture },
  { "untrash-picture", on_untrash_picture },
  { "picture-alone", on_picture_alone },
  { "toggle-history", on_toggle_history },
  { "pictures-part", on_narrow_page, "u" },
  { "free-memory", on_free_memory },
  { "bigger-model", on_bigger_model },
};

static void
enable (AppPicturesPage *self, const char *name, gboolean enabled)
{
  GAction *action = g_action_map_lookup_action (self->map, name);

  g_simple_action_set_enabled (G_SIMPLE_ACTION (action), enabled);
}

void
app_pictures_update_actions (AppPicturesPage *self)
{
  AppJobState state = self->live != NULL ? app_job_get_state (self->live) : APP_JOB_DONE;
  gboolean ended = ended_job (self) != NULL;
  AppCanvas *canvas = app_stage_get_canvas (self->stage);
  AppPicture *shown = app_session_get_shown (self->session);
  gboolean saved = shown != NULL && app_picture_get_path (shown) != NULL;
  g_autofree char *fault = app_mode_fault (self);
  gboolean can = self->model != NULL && app_session_get_params (self->session) != NULL
                 && fault == NULL;
  GAction *lock;

  if (self->map == NULL)
    return;
  enable (self, "generate", can);
  enable (self, "generate-next", can);
  enable (self, "stop", state == APP_JOB_RUNNING || state == APP_JOB_WAITING);
  enable (self, "continue", ended);
  enable (self, "keep-preview", ended);
  enable (self, "discard", ended);
  enable (self, "use-settings", shown != NULL);
  enable (self, "pin-picture", shown != NULL && app_canvas_get_texture (canvas) != NULL);
  enable (self, "split-picture", app_canvas_has_reference (canvas));
  enable (self, "copy-picture", shown != NULL);
  enable (self, "save-copy", saved);
  enable (self, "trash-picture", saved);
  app_mode_update_actions (self);
  lock = g_action_map_lookup_action (self->map, "lock-seed");
  g_simple_action_set_state (
      G_SIMPLE_ACTION (lock),
      g_variant_new_boolean (app_session_get_seed_locked (self->session)));
}

void
app_pictures_page_add_actions (AppPicturesPage *self, GActionMap *map)
{
  self->map = map;
  g_action_map_add_action_entries (map, entries, G_N_ELEMENTS (entries), self);
  app_mode_add_actions (self, map);
  app_pictures_update_actions (self);
}
