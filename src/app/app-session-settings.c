/* app-session-settings.c: what is set in a session: its model, its numbers, what can be
 * undone
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-session-private.h"

#include <math.h>

#define KEEP_UNDO 200
#define SAME_EDIT (2 * G_USEC_PER_SEC)

const SdParams *
app_session_get_params (AppSession *self)
{
  return self->params;
}

static AppSessionStep *
step_new (AppSession *self)
{
  AppSessionStep *step = g_new0 (AppSessionStep, 1);

  step->params = sd_params_copy (self->params);
  step->seed_locked = self->seed_locked;
  return step;
}

void
app_session_step_free (gpointer data)
{
  AppSessionStep *step = data;

  sd_params_free (step->params);
  g_free (step);
}

static void
set_params (AppSession *self, SdParams *params)
{
  sd_params_free (self->params);
  self->params = params;
  g_signal_emit (self, app_session_signals[APP_SESSION_PARAMS_CHANGED], 0);
  app_session_touch (self);
}

/* What the user left at the old model's default follows to the new one's. */
static void
follow_defaults (SdParams *params, const SdParams *old, const SdParams *defaults)
{
  if (old == NULL || (params->width == old->width && params->height == old->height))
    {
      params->width = defaults->width;
      params->height = defaults->height;
    }
  if (old == NULL || params->steps == old->steps)
    params->steps = defaults->steps;
  if (old == NULL || fabs (params->cfg - old->cfg) < 1e-9)
    params->cfg = defaults->cfg;
  if (old == NULL
      || (params->sampler == old->sampler && params->schedule == old->schedule))
    {
      params->sampler = defaults->sampler;
      params->schedule = defaults->schedule;
    }
}

void
app_session_set_model (AppSession *self, const char *path, const SdInfo *info)
{
  g_autoptr (SdParams) defaults = sd_params_new_for (info);
  gboolean same = g_strcmp0 (path, self->model_path) == 0;
  SdParams *params;

  if (!same)
    {
      g_free (self->model_path);
      self->model_path = g_strdup (path);
    }
  if (self->params == NULL)
    {
      params = sd_params_copy (defaults);
      if (sd_info_example (info) != NULL)
        {
          g_free (params->prompt);
          params->prompt = g_strdup (sd_info_example (info));
        }
    }
  else
    {
      params = sd_params_copy (self->params);
      if (!same)
        follow_defaults (params, self->defaults, defaults);
    }
  sd_params_free (self->defaults);
  self->defaults = g_steal_pointer (&defaults);
  set_params (self, params);
  g_signal_emit (self, app_session_signals[APP_SESSION_MODEL_CHANGED], 0);
}

const SdParams *
app_session_get_defaults (AppSession *self)
{
  return self->defaults;
}

void
app_session_edit (AppSession *self, const char *field, const SdParams *params)
{
  gint64 now = g_get_monotonic_time ();
  const char *name = g_intern_string (field);

  if (self->params != NULL
      && (name != self->last_field || now - self->last_edit > SAME_EDIT))
    {
      g_ptr_array_add (self->undo, step_new (self));
      if (self->undo->len > KEEP_UNDO)
        g_ptr_array_remove_index (self->undo, 0);
    }
  g_ptr_array_set_size (self->redo, 0);
  self->last_field = name;
  self->last_edit = now;
  set_params (self, sd_params_copy (params));
}

void
app_session_set_source (AppSession *self, SdSource *source)
{
  SdParams *params;

  if (self->params == NULL)
    return;
  params = sd_params_copy (self->params);
  sd_source_unref (params->source);
  params->source = source != NULL ? sd_source_ref (source) : NULL;
  set_params (self, params);
}

static gboolean
step_back (AppSession *self, GPtrArray *from, GPtrArray *to)
{
  AppSessionStep *step;

  if (from->len == 0)
    return FALSE;
  g_ptr_array_add (to, step_new (self));
  self->last_field = NULL;
  step = g_ptr_array_steal_index (from, from->len - 1);
  self->seed_locked = step->seed_locked;
  set_params (self, g_steal_pointer (&step->params));
  app_session_step_free (step);
  return TRUE;
}

gboolean
app_session_undo (AppSession *self)
{
  return step_back (self, self->undo, self->redo);
}

gboolean
app_session_redo (AppSession *self)
{
  return step_back (self, self->redo, self->undo);
}

gboolean
app_session_get_seed_locked (AppSession *self)
{
  return self->seed_locked;
}

void
app_session_set_seed_locked (AppSession *self, gboolean locked)
{
  if (self->seed_locked == locked)
    return;
  self->seed_locked = locked;
  g_signal_emit (self, app_session_signals[APP_SESSION_PARAMS_CHANGED], 0);
  app_session_touch (self);
}

const char *
app_session_prompt (AppSession *self, guint back)
{
  return back < self->prompts->len ? self->prompts->pdata[back] : NULL;
}
