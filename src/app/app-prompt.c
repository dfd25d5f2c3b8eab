/* app-prompt.c: see app-prompt.h

The tokenizer's tables take some milliseconds to build, so a worker makes them; until they
are there the counter is empty. Counting itself is fast enough for every key.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-prompt.h"

#include <string.h>

#define LIMIT 75

struct _AppPrompt
{
  GObject parent_instance;

  GtkTextView *view;
  GtkTextBuffer *buffer;
  GtkLabel *counter;
  GtkWidget *placeholder, *beyond;
  GtkTextTag *unknown, *unread;
  AppSession *session;
  const SdInfo *info;
  SdTokenizer *tokenizer;
  int back; /* −1: the unsent one */
  char *unsent;
  gboolean filling;
};

G_DEFINE_FINAL_TYPE (AppPrompt, app_prompt, G_TYPE_OBJECT)

enum
{
  SIGNAL_CHANGED,
  SIGNAL_UNKNOWN,
  N_SIGNALS
};
static guint signals[N_SIGNALS];

char *
app_prompt_get_text (AppPrompt *self)
{
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (self->buffer, &start, &end);
  return gtk_text_buffer_get_text (self->buffer, &start, &end, FALSE);
}

static void
tag_bytes (AppPrompt *self, GtkTextTag *tag, const char *text, gsize from, gsize to)
{
  GtkTextIter start, end;

  gtk_text_buffer_get_iter_at_offset (self->buffer, &start,
                                      (int) g_utf8_pointer_to_offset (text, text + from));
  gtk_text_buffer_get_iter_at_offset (self->buffer, &end,
                                      (int) g_utf8_pointer_to_offset (text, text + to));
  gtk_text_buffer_apply_tag (self->buffer, tag, &start, &end);
}

static void
untag (AppPrompt *self, GtkTextTag *tag)
{
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (self->buffer, &start, &end);
  gtk_text_buffer_remove_tag (self->buffer, tag, &start, &end);
}

static void
count (AppPrompt *self, const char *text)
{
  g_autofree char *label = NULL;
  g_autoptr (GArray) offsets = NULL;

  if (self->tokenizer == NULL)
    return;
  g_autoptr (GArray) tokens = sd_tokenizer_encode (self->tokenizer, text, &offsets);
  gboolean over = tokens->len > LIMIT;
  label = g_strdup_printf ("\u2066%u/%u\u2069", tokens->len, LIMIT);
  gtk_label_set_text (self->counter, label);
  untag (self, self->unread);
  if (over)
    {
      gtk_widget_add_css_class (GTK_WIDGET (self->counter), "app-over");
      tag_bytes (self, self->unread, text, g_array_index (offsets, gsize, LIMIT),
                 strlen (text));
    }
  else
    gtk_widget_remove_css_class (GTK_WIDGET (self->counter), "app-over");
  gtk_widget_set_visible (self->beyond, over);
}

static void
mark_unknown (AppPrompt *self, const char *text)
{
  g_autoptr (GArray) spans = NULL;
  g_auto (GStrv) words = NULL;

  untag (self, self->unknown);
  if (self->info != NULL)
    words = sd_unknown_words (self->info, text, &spans);
  for (guint i = 0; words != NULL && i < spans->len; i++)
    {
      const SdSpan *span = &g_array_index (spans, SdSpan, i);

      tag_bytes (self, self->unknown, text, span->begin, span->end);
    }
  g_signal_emit (self, signals[SIGNAL_UNKNOWN], 0, words != NULL ? words[0] : NULL);
}

static void
on_changed (AppPrompt *self)
{
  g_autofree char *text = app_prompt_get_text (self);

  gtk_widget_set_visible (self->placeholder, text[0] == '\0');
  count (self, text);
  mark_unknown (self, text);
  if (!self->filling)
    {
      self->back = -1;
      g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
    }
}

/* Tells nobody: a buffer that is set is emptied first, and that is nobody's edit. */
static void
replace (AppPrompt *self, const char *text)
{
  g_autofree char *now = app_prompt_get_text (self);

  if (g_strcmp0 (now, text) == 0)
    return;
  self->filling = TRUE;
  gtk_text_buffer_set_text (self->buffer, text, -1);
  self->filling = FALSE;
}

void
app_prompt_set_text (AppPrompt *self, const char *text)
{
  g_return_if_fail (text != NULL);

  replace (self, text);
}

/* Alt+↑ ↓ walk through what was sent; what was being typed is kept at the end. */
static void
walk (AppPrompt *self, int by)
{
  const char *text;
  int back = self->back + by;

  if (self->session == NULL || back < -1)
    return;
  if (self->back == -1)
    {
      g_free (self->unsent);
      self->unsent = app_prompt_get_text (self);
      /* The newest that was sent often is what stands there. */
      if (by > 0
          && g_strcmp0 (app_session_prompt (self->session, (guint) back), self->unsent)
                 == 0)
        back++;
    }
  text = back == -1 ? self->unsent : app_session_prompt (self->session, (guint) back);
  if (text == NULL)
    return;
  replace (self, text);
  self->back = back;
  g_signal_emit (self, signals[SIGNAL_CHANGED], 0);
}

static gboolean
on_key (GtkEventControllerKey *controller,
        guint key,
        guint code,
        GdkModifierType state,
        AppPrompt *self)
{
  if ((state & gtk_accelerator_get_default_mod_mask ()) != GDK_ALT_MASK)
    return GDK_EVENT_PROPAGATE;
  if (key == GDK_KEY_Up)
    walk (self, 1);
  else if (key == GDK_KEY_Down)
    walk (self, -1);
  else
    return GDK_EVENT_PROPAGATE;
  return GDK_EVENT_STOP;
}

/* What was pasted may be the settings of a picture: the window looks, and offers them. */
static void
on_paste (AppPrompt *self)
{
  gtk_widget_activate_action (GTK_WIDGET (self->view), "win.offer-pasted", NULL);
}

void
app_prompt_set_session (AppPrompt *self, AppSession *session)
{
  g_set_object (&self->session, session);
  self->back = -1;
}

void
app_prompt_set_info (AppPrompt *self, const SdInfo *info)
{
  self->info = info;
  self->filling = TRUE;
  on_changed (self);
  self->filling = FALSE;
}

static void
make_tokenizer (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  SdTokenizer *tokenizer = sd_tokenizer_new (&error);

  if (tokenizer != NULL)
    g_task_return_pointer (task, tokenizer, (GDestroyNotify) sd_tokenizer_free);
  else
    g_task_return_error (task, error);
}

static void
on_tokenizer (GObject *source, GAsyncResult *result, gpointer data)
{
  AppPrompt *self = APP_PROMPT (source);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  self->tokenizer = g_task_propagate_pointer (G_TASK (result), &error);
  if (self->tokenizer == NULL)
    {
      g_warning ("tokens cannot be counted: %s", error->message);
      return;
    }
  if (self->buffer == NULL)
    return;
  text = app_prompt_get_text (self);
  count (self, text);
}

static void
app_prompt_dispose (GObject *object)
{
  AppPrompt *self = APP_PROMPT (object);

  if (self->buffer != NULL)
    g_signal_handlers_disconnect_by_data (self->buffer, self);
  g_clear_object (&self->buffer);
  g_clear_object (&self->session);
  self->info = NULL;
  G_OBJECT_CLASS (app_prompt_parent_class)->dispose (object);
}

static void
app_prompt_finalize (GObject *object)
{
  AppPrompt *self = APP_PROMPT (object);

  sd_tokenizer_free (self->tokenizer);
  g_free (self->unsent);
  G_OBJECT_CLASS (app_prompt_parent_class)->finalize (object);
}

static void
app_prompt_class_init (AppPromptClass *class)
{
  G_OBJECT_CLASS (class)->dispose = app_prompt_dispose;
  G_OBJECT_CLASS (class)->finalize = app_prompt_finalize;
  signals[SIGNAL_CHANGED] = g_signal_new ("changed", APP_TYPE_PROMPT, G_SIGNAL_RUN_LAST,
                                          0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_UNKNOWN]
      = g_signal_new ("unknown", APP_TYPE_PROMPT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
app_prompt_init (AppPrompt *self)
{
  self->back = -1;
}

AppPrompt *
app_prompt_new (GtkTextView *view,
                GtkLabel *counter,
                GtkWidget *placeholder,
                GtkWidget *beyond)
{
  AppPrompt *self = g_object_new (APP_TYPE_PROMPT, NULL);
  GtkEventController *keys = gtk_event_controller_key_new ();
  g_autoptr (GTask) task = NULL;

  self->view = view;
  self->buffer = g_object_ref (gtk_text_view_get_buffer (view));
  self->counter = counter;
  self->placeholder = placeholder;
  self->beyond = beyond;
  /* Not the red of faults: the word may stand there. */
  self->unknown = gtk_text_buffer_create_tag (self->buffer, NULL, "underline",
                                              PANGO_UNDERLINE_ERROR, "underline-rgba",
                                              &(GdkRGBA){ 0.65f, 0.48f, 0.34f, 1 }, NULL);
  self->unread
      = gtk_text_buffer_create_tag (self->buffer, NULL, "strikethrough", TRUE, NULL);
  g_signal_connect_swapped (self->buffer, "changed", G_CALLBACK (on_changed), self);
  g_signal_connect_object (view, "paste-clipboard", G_CALLBACK (on_paste), self,
                           G_CONNECT_SWAPPED);
  gtk_event_controller_set_propagation_phase (keys, GTK_PHASE_CAPTURE);
  g_signal_connect_object (keys, "key-pressed", G_CALLBACK (on_key), self, 0);
  gtk_widget_add_controller (GTK_WIDGET (view), keys);
  task = g_task_new (self, NULL, on_tokenizer, NULL);
  g_task_run_in_thread (task, make_tokenizer);
  return self;
}
