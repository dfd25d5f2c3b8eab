/* app-model.c: an opened model with its tree and what it is, loaded off the main thread
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-model.h"
#include "app/app-prediction.h"

#include <glib/gi18n.h>

#include "app/app-settings.h"
#include "app/app-vae.h"

struct _AppModel
{
  GObject parent_instance;
  StModel *model;
  StTree *tree;
  SdInfo *info;
  AppOutline *outline;
  char *title;
  gboolean bundled;
  guint64 dtype_bytes[ST_N_DTYPES];
};

G_DEFINE_FINAL_TYPE (AppModel, app_model, G_TYPE_OBJECT)

/* What the worker needs, and the progress on its way to the main thread: at most one
 * report is under way, a newer one overwrites it. */
typedef struct
{
  char *path;
  AppModelProgress progress;
  gpointer user_data;
  GMutex lock;
  const char *stage;
  guint64 done, total;
  gboolean under_way, raw, damaged;
  GTask *task; /* not owned: the loading's own */
} Load;

static void
load_free (gpointer data)
{
  Load *load = data;

  g_free (load->path);
  g_mutex_clear (&load->lock);
  g_free (load);
}

static gboolean
deliver_progress (gpointer user_data)
{
  GTask *task = user_data;
  Load *load = g_task_get_task_data (task);
  const char *stage;
  guint64 done, total;

  g_mutex_lock (&load->lock);
  load->under_way = FALSE;
  stage = load->stage;
  done = load->done;
  total = load->total;
  g_mutex_unlock (&load->lock);
  if (!g_task_get_completed (task)
      && !g_cancellable_is_cancelled (g_task_get_cancellable (task)))
    load->progress (stage, done, total, load->user_data);
  return G_SOURCE_REMOVE;
}

static void
on_progress (const char *stage, guint64 done, guint64 total, gpointer user_data)
{
  Load *load = user_data;
  gboolean send;

  g_mutex_lock (&load->lock);
  send = !load->under_way;
  load->under_way = TRUE;
  load->stage = stage;
  load->done = done;
  load->total = total;
  g_mutex_unlock (&load->lock);
  if (send)
    g_main_context_invoke_full (NULL, G_PRIORITY_DEFAULT, deliver_progress,
                                g_object_ref (load->task), g_object_unref);
}

static char *
make_title (StModel *model, gboolean bundled)
{
  char *title = bundled ? g_strdup (_ ("Sample Model")) : st_model_title (model);

  if (st_model_fault (model) != NULL)
    {
      g_autofree char *whole = title;
      /* Translators: title of a file that is shown though it is damaged */
      title = g_strdup_printf (_ ("%s (damaged)"), whole);
    }
  return title;
}

static SdInfo *
make_info (StModel *model)
{
  const GError *fault = st_model_fault (model);
  SdInfo *info = sd_info_new (model);

  if (fault != NULL)
    {
      g_free (info->why_not);
      info->can_generate = FALSE;
      info->why_not = g_strdup_printf (_ ("This file is damaged: %s"), fault->message);
    }
  return info;
}

static void
load_thread (GTask *gtask, gpointer source, gpointer data, GCancellable *cancellable)
{
  Load *load = data;
  g_autoptr (AppModel) self = g_object_new (APP_TYPE_MODEL, NULL);
  g_autofree char *bundled = sd_bundled_model_path ();
  BaseTask task = { cancellable, load->progress != NULL ? on_progress : NULL, load };
  GError *error = NULL;

  self->model = load->damaged ? st_model_open_damaged (load->path, &task, &error)
                              : st_model_open (load->path, &task, &error);
  if (self->model != NULL)
    app_prediction_attach (self->model, load->path);
  if (self->model != NULL)
    self->tree = st_tree_new (self->model, &task, &error);
  if (self->tree == NULL)
    {
      g_task_return_error (gtask, error);
      return;
    }
  for (guint i = 0; i < st_model_n_tensors (self->model); i++)
    {
      const StTensor *tensor = st_model_tensor (self->model, i)->tensor;
      self->dtype_bytes[tensor->dtype] += tensor->end - tensor->begin;
    }
  self->info = make_info (self->model);
  self->bundled = g_strcmp0 (bundled, load->path) == 0;
  self->title = make_title (self->model, self->bundled);
  self->outline = app_outline_new (st_tree_root (self->tree), self->title,
                                   st_model_n_tensors (self->model), !load->raw);
  g_task_return_pointer (gtask, g_steal_pointer (&self), g_object_unref);
}

static void
load_async (const char *path,
            gboolean damaged,
            GCancellable *cancellable,
            AppModelProgress progress,
            GAsyncReadyCallback callback,
            gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Load *load = g_new0 (Load, 1);

  app_prediction_load ();
  app_vae_load ();
  load->path = g_strdup (path);
  load->damaged = damaged;
  load->raw = g_settings_get_boolean (app_settings_get (), "raw-names");
  load->progress = progress;
  load->user_data = user_data;
  load->task = task;
  g_mutex_init (&load->lock);
  g_task_set_source_tag (task,
                         damaged ? app_model_load_damaged_async : app_model_load_async);
  g_task_set_task_data (task, load, load_free);
  g_task_run_in_thread (task, load_thread);
}

void
app_model_load_async (const char *path,
                      GCancellable *cancellable,
                      AppModelProgress progress,
                      GAsyncReadyCallback callback,
                      gpointer user_data)
{
  load_async (path, FALSE, cancellable, progress, callback, user_data);
}

void
app_model_load_damaged_async (const char *path,
                              GCancellable *cancellable,
                              AppModelProgress progress,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  load_async (path, TRUE, cancellable, progress, callback, user_data);
}

AppModel *
app_model_load_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
app_model_finalize (GObject *object)
{
  AppModel *self = APP_MODEL (object);

  g_clear_pointer (&self->outline, app_outline_unref);
  g_clear_pointer (&self->tree, st_tree_free);
  g_clear_pointer (&self->info, sd_info_free);
  g_clear_pointer (&self->model, st_model_unref);
  g_free (self->title);
  G_OBJECT_CLASS (app_model_parent_class)->finalize (object);
}

static void
app_model_class_init (AppModelClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = app_model_finalize;
}

static void
app_model_init (AppModel *self)
{
}

StModel *
app_model_get_model (AppModel *self)
{
  return self->model;
}

StTree *
app_model_get_tree (AppModel *self)
{
  return self->tree;
}

AppOutline *
app_model_get_outline (AppModel *self)
{
  return self->outline;
}

const guint64 *
app_model_get_dtype_bytes (AppModel *self)
{
  return self->dtype_bytes;
}

const SdInfo *
app_model_get_info (AppModel *self)
{
  return self->info;
}

const char *
app_model_get_path (AppModel *self)
{
  return st_model_path (self->model);
}

const char *
app_model_get_title (AppModel *self)
{
  return self->title;
}

gboolean
app_model_is_bundled (AppModel *self)
{
  return self->bundled;
}
