/* app-plan.c: see app-plan.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-plan.h"

#include <glib/gi18n.h>

#include "app/app-device-choice.h"
#include "sd/sd-prompt.h"

#define DELAY_MS 400 /* after the last change: sizes come in steps */

struct _AppPlan
{
  GObject parent_instance;
  AppModel *model;
  SdParams *params;
  AppDeviceChoice choice; /* when it was asked */
  SdTokenizer *tokenizer;
  guint chunks[2];   /* of the prompt and of what is avoided, when it was asked */
  gboolean not_text; /* something else than the prompts has changed since */
  char *text;
  guint source;
  GCancellable *cancellable;
};

G_DEFINE_FINAL_TYPE (AppPlan, app_plan, G_TYPE_OBJECT)

static guint changed_signal;

typedef struct
{
  AppModel *model;
  SdParams *params;
  AppDeviceChoice choice;
} Question;

static void
question_free (gpointer data)
{
  Question *question = data;

  g_object_unref (question->model);
  sd_params_free (question->params);
  g_free (question);
}

static void
plan_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const Question *question = data;
  GError *error = NULL;
  const AppDeviceChoice *choice = &question->choice;
  SdPlan *plan = sd_plan_new (app_model_get_model (question->model), question->params,
                              app_device_choice_index (choice), choice->precision,
                              choice->memory, &error);

  if (plan != NULL)
    g_task_return_pointer (task, plan, (GDestroyNotify) sd_plan_free);
  else
    g_task_return_error (task, error);
}

static char *
time_text (double seconds)
{
  if (seconds < 100)
    /* Translators: how long a picture will take */
    return g_strdup_printf (_ ("about \u2066%.0f s\u2069"), MAX (seconds, 1));
  /* Translators: how long a picture will take */
  return g_strdup_printf (_ ("about \u2066%.0f min\u2069"), seconds / 60);
}

static char *
plan_text (const SdPlan *plan)
{
  g_autofree char *how = sd_rung_text (plan->rungs);
  g_autofree char *time = plan->seconds > 0 ? time_text (plan->seconds) : NULL;
  const char *fits = *how != '\0' ? how : _ ("fits");

  if (!plan->fits)
    return g_strdup (plan->why_not);
  return time != NULL ? g_strdup_printf ("%s · %s", fits, time) : g_strdup (fits);
}

static void
on_planned (GObject *source, GAsyncResult *result, gpointer user_data)
{
  AppPlan *self = APP_PLAN (source);
  g_autoptr (GError) error = NULL;
  g_autoptr (SdPlan) plan = g_task_propagate_pointer (G_TASK (result), &error);
  g_autofree char *text = plan != NULL ? plan_text (plan) : NULL;

  /* Of what was asked for, and not of the model: that says so elsewhere. */
  if (g_error_matches (error, SD_ERROR, SD_ERROR_PARAMETER))
    text = g_strdup (error->message);
  if (g_task_get_cancellable (G_TASK (result)) != self->cancellable
      || g_strcmp0 (text, self->text) == 0)
    return;
  g_free (self->text);
  self->text = g_steal_pointer (&text);
  g_signal_emit (self, changed_signal, 0);
}

/* Prompts matter by how many chunks their tokens fill. TRUE where that has changed. */
static gboolean
count (AppPlan *self)
{
  const char *const texts[] = { self->params->prompt, self->params->negative };
  gboolean changed = FALSE;

  if (self->tokenizer == NULL)
    self->tokenizer = sd_tokenizer_new (NULL);
  for (guint i = 0; self->tokenizer != NULL && i < G_N_ELEMENTS (texts); i++)
    {
      guint n = sd_prompt_count (self->tokenizer, texts[i], self->params->grammar);
      guint chunks = MAX (1, (n + SD_CHUNK_TOKENS - 1) / SD_CHUNK_TOKENS);
      changed |= chunks != self->chunks[i];
      self->chunks[i] = chunks;
    }
  return changed;
}

static gboolean
start (gpointer data)
{
  AppPlan *self = data;
  g_autoptr (GTask) task = NULL;
  Question *question;

  self->source = 0;
  if (!count (self) && !self->not_text)
    return G_SOURCE_REMOVE;
  self->not_text = FALSE;
  question = g_new0 (Question, 1);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  question->model = g_object_ref (self->model);
  question->params = sd_params_copy (self->params);
  question->choice = self->choice;
  task = g_task_new (self, self->cancellable, on_planned, NULL);
  g_task_set_task_data (task, question, question_free);
  g_task_run_in_thread (task, plan_thread);
  return G_SOURCE_REMOVE;
}

static gboolean
same_text (const SdParams *old, const SdParams *params)
{
  return g_strcmp0 (old->prompt, params->prompt) == 0
         && g_strcmp0 (old->negative, params->negative) == 0
         && old->grammar == params->grammar;
}

/* Does what is asked need another plan than what was asked before? */
static gboolean
same (AppPlan *self, AppModel *model, const SdParams *params)
{
  const SdParams *old = self->params;
  AppDeviceChoice choice;

  app_device_choice_get (&choice);
  return app_device_choice_equal (&self->choice, &choice) && self->model == model
         && old != NULL && old->width == params->width && old->height == params->height
         && old->steps == params->steps && old->batch == params->batch
         && old->source == params->source && (old->cfg == 1.0) == (params->cfg == 1.0);
}

void
app_plan_ask (AppPlan *self, AppModel *model, const SdParams *params)
{
  gboolean alike = model != NULL && params != NULL && same (self, model, params);

  if (alike && same_text (self->params, params))
    return;
  self->not_text |= !alike;
  g_clear_handle_id (&self->source, g_source_remove);
  g_set_object (&self->model, model);
  g_clear_pointer (&self->params, sd_params_free);
  if (model == NULL || params == NULL || !app_model_get_info (model)->can_generate)
    return;
  self->params = sd_params_copy (params);
  app_device_choice_get (&self->choice);
  self->source = g_timeout_add (DELAY_MS, start, self);
}

const char *
app_plan_get_text (AppPlan *self)
{
  return self->text;
}

static void
app_plan_finalize (GObject *object)
{
  AppPlan *self = APP_PLAN (object);

  g_clear_handle_id (&self->source, g_source_remove);
  g_clear_object (&self->model);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->params, sd_params_free);
  g_clear_pointer (&self->tokenizer, sd_tokenizer_free);
  g_free (self->text);
  G_OBJECT_CLASS (app_plan_parent_class)->finalize (object);
}

static void
app_plan_class_init (AppPlanClass *class)
{
  G_OBJECT_CLASS (class)->finalize = app_plan_finalize;
  changed_signal = g_signal_new ("changed", APP_TYPE_PLAN, G_SIGNAL_RUN_LAST, 0, NULL,
                                 NULL, NULL, G_TYPE_NONE, 0);
}

static void
app_plan_init (AppPlan *self)
{
}

AppPlan *
app_plan_new (void)
{
  return g_object_new (APP_TYPE_PLAN, NULL);
}
