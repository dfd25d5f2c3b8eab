/* app-pictures-page.c: the page on which pictures are made

The page decides what the picture's place shows and what a model means to it. The rest
lies beside: app-mode.c (pictures from pictures), -layout (wide, narrow), -run (what a run
does to the view), -actions and -keys, -fill (settings from outside), -guest (memory,
suspend, notification), -compare.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-pictures-private.h"

#include <glib/gi18n.h>

#include "app/app-device-choice.h"
#include "app/app-queue.h"
#include "app/app-settings.h"

#define CLOSE_PATIENCE 5000 /* ms */

G_DEFINE_FINAL_TYPE (AppPicturesPage, app_pictures_page, GTK_TYPE_WIDGET)

gboolean
app_pictures_page_show_path (AppPicturesPage *self, const char *path)
{
  GListModel *history = app_session_get_history (self->session);

  for (guint i = 0; i < g_list_model_get_n_items (history); i++)
    {
      g_autoptr (AppPicture) picture = g_list_model_get_item (history, i);

      if (g_strcmp0 (app_picture_get_path (picture), path) != 0)
        continue;
      app_pictures_choose (self, picture);
      return TRUE;
    }
  return FALSE;
}

/* ---- queue and note ---- */

static void
update_queue (AppPicturesPage *self)
{
  g_autoptr (GPtrArray) waiting = app_worker_get_waiting (app_worker_get ());

  app_form_set_waiting (self->form, waiting->len);
}

void
app_pictures_update_note (AppPicturesPage *self)
{
  AppWorker *worker = app_worker_get ();
  const SdInfo *info = self->model != NULL ? app_model_get_info (self->model) : NULL;
  g_autofree char *line = NULL, *fault = NULL;

  if (app_worker_get_device_name (worker) != NULL)
    {
      double mib = (double) app_worker_get_memory (worker) / (1 << 20);
      g_autofree char *memory = mib < 1024 ? g_strdup_printf ("%.0f MiB", mib)
                                           : g_strdup_printf ("%.1f GiB", mib / 1024);

      /* "llvmpipe (LLVM 15.0.6, 512 bits)": one line has no room for what is in brackets.
       */
      const char *device = app_worker_get_device_name (worker);
      const char *bracket = strstr (device, " (");
      g_autofree char *name
          = bracket != NULL ? g_strndup (device, bracket - device) : g_strdup (device);

      /* Translators: name of the graphics card, memory it holds for us */
      line = g_strdup_printf (_ ("%s · \u2066%s\u2069"), name, memory);
      if (app_plan_get_text (self->plan) != NULL)
        {
          char *longer = g_strconcat (line, " · ", app_plan_get_text (self->plan), NULL);

          g_free (line);
          line = longer;
        }
    }
  if (info == NULL)
    app_form_set_note (self->form, _ ("Open a model to make pictures with."), NULL);
  else
    {
      fault = info->can_generate ? app_mode_fault (self) : g_strdup (info->why_not);
      app_form_set_note (self->form, fault, line);
    }
}

static void
ask_plan (AppPicturesPage *self)
{
  app_plan_ask (self->plan, self->model, app_session_get_params (self->session));
}

static void
on_device_choice (AppPicturesPage *self)
{
  ask_plan (self);
  if (self->shown && self->model != NULL)
    app_worker_prepare (app_worker_get (), app_model_get_path (self->model));
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

/* One stopped picture speaks for itself; a queue that was cut off is offered whole. */
static void
offer_unfinished (AppPicturesPage *self)
{
  AppWindow *window = app_pictures_window (self);
  g_autofree char *text = NULL;

  if (window == NULL || self->unfinished < 2)
    return;
  text = g_strdup_printf (ngettext ("%u picture was not finished",
                                    "%u pictures were not finished", self->unfinished),
                          self->unfinished);
  self->unfinished = 0;
  app_window_toast (window, text, _ ("Continue All"), "win.continue-all");
}

static void
prepare (AppPicturesPage *self)
{
  if (!self->shown || self->model == NULL)
    return;
  app_worker_prepare (app_worker_get (), app_model_get_path (self->model));
  offer_unfinished (self);
  if (self->first_pending)
    g_idle_add_full (G_PRIORITY_DEFAULT, start_first, g_object_ref (self),
                     g_object_unref);
}

void
app_pictures_page_set_model (AppPicturesPage *self, AppModel *model)
{
  g_return_if_fail (APP_IS_PICTURES_PAGE (self));

  /* The form first: it looks into the old model's list of words until it has another. */
  app_form_set_info (self->form, app_model_get_info (model), app_model_get_path (model));
  g_set_object (&self->model, model);
  app_session_set_model (self->session, app_model_get_path (model),
                         app_model_get_info (model));
  if (app_session_is_first (self->session) && app_model_is_bundled (model)
      && g_list_model_get_n_items (app_session_get_history (self->session)) == 0)
    self->first_pending = TRUE;
  app_pictures_update_note (self);
  ask_plan (self);
  app_pictures_update_actions (self);
  prepare (self);
}

void
app_pictures_page_set_shown (AppPicturesPage *self, gboolean shown)
{
  self->shown = shown;
  prepare (self);
}

static void
app_pictures_page_root (GtkWidget *widget)
{
  AppPicturesPage *self = APP_PICTURES_PAGE (widget);
  AppWindow *window;

  GTK_WIDGET_CLASS (app_pictures_page_parent_class)->root (widget);
  window = app_pictures_window (self);
  if (window != NULL)
    g_signal_connect_object (window, "notify::is-active",
                             G_CALLBACK (app_pictures_on_active), self,
                             G_CONNECT_SWAPPED);
  if (window != NULL)
    app_pictures_watch_window (self, window);
}

/* ---- life ---- */

static void
on_trash_failed (AppSession *session, const char *message, AppPicturesPage *self)
{
  if (app_pictures_window (self) != NULL)
    app_window_toast (app_pictures_window (self), message, NULL, NULL);
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
    {
      app_mode_commit (self);
      app_session_flush (self->session);
    }
}

static void
app_pictures_page_dispose (GObject *object)
{
  AppPicturesPage *self = APP_PICTURES_PAGE (object);

  g_clear_handle_id (&self->idle_source, g_source_remove);
  app_mode_clear (self);
  app_pictures_unwatch (self);
  g_clear_pointer (&self->stack, gtk_widget_unparent);
  g_clear_object (&self->plan);
  g_clear_object (&self->session);
  g_clear_object (&self->model);
  g_clear_object (&self->reference);
  g_clear_pointer (&self->offered, image_meta_free);
  g_clear_pointer (&self->offered_path, g_free);
  g_clear_object (&self->offered_texture);
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

static void
app_pictures_page_init (AppPicturesPage *self)
{
  static const char *const choices[]
      = { "changed::" APP_DEVICE_CHOICE_DEVICE, "changed::" APP_DEVICE_CHOICE_PRECISION,
          "changed::" APP_DEVICE_CHOICE_MEMORY };
  g_autofree char *path = app_session_next_path ();

  self->history_wanted = TRUE;
  self->following = TRUE;
  self->session = app_session_new (path);
  self->plan = app_plan_new ();
  app_pictures_make_widgets (self);
  app_mode_make_widgets (self);
  app_form_set_session (self->form, self->session);
  app_form_set_queue (self->form, app_queue_new ());
  app_history_set_session (self->history, self->session);
  app_pictures_add_controllers (self);
  g_signal_connect_object (self->session, "trash-failed", G_CALLBACK (on_trash_failed),
                           self, 0);
  g_signal_connect_object (self->session, "params-changed",
                           G_CALLBACK (app_pictures_update_actions), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->session, "params-changed",
                           G_CALLBACK (app_pictures_show_quick), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (app_worker_get (), "queue-changed", G_CALLBACK (update_queue),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->session, "params-changed", G_CALLBACK (ask_plan), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->session, "params-changed",
                           G_CALLBACK (app_pictures_update_note), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->plan, "changed", G_CALLBACK (app_pictures_update_note),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (app_worker_get (), "engine-changed",
                           G_CALLBACK (app_pictures_update_note), self,
                           G_CONNECT_SWAPPED);
  for (guint i = 0; i < G_N_ELEMENTS (choices); i++)
    g_signal_connect_object (app_settings_get (), choices[i],
                             G_CALLBACK (on_device_choice), self, G_CONNECT_SWAPPED);
  app_pictures_page_set_narrow (self, FALSE);
  app_pictures_start_view (self);
  update_queue (self);
  app_pictures_update_note (self);
}

const char *
app_pictures_page_remembered_model (AppPicturesPage *self)
{
  return app_session_get_model_path (self->session);
}
