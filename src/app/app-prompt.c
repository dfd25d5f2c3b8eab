/* app-prompt.c: see app-prompt.h
 *
 * The tokenizer's tables take some milliseconds to build, so a worker makes them; until
 * they are there the counter is empty. Counting itself is fast enough for every key.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-prompt.h"

#include "app/app-library.h"
#include "sd/sd-prompt.h"

#include <string.h>

struct _AppPrompt
{
  GObject parent_instance;

  GtkTextView *view;
  GtkTextBuffer *buffer;
  GtkLabel *counter;
  GtkWidget *placeholder;
  AppComplete *complete;
  SdGrammar grammar;
  AppLibrary *library;
  GtkTextTag *unknown;
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

/* Of how many there is room for in the chunks that are read. */
static void
count (AppPrompt *self, const char *text)
{
  g_autofree char *label = NULL;

  if (self->tokenizer == NULL)
    return;
  guint tokens = sd_prompt_count (self->tokenizer, text, self->grammar);
  guint chunks = MAX (1, (tokens + SD_CHUNK_TOKENS - 1) / SD_CHUNK_TOKENS);
  label = g_strdup_printf ("\u2066%u/%u\u2069", tokens, chunks * SD_CHUNK_TOKENS);
  gtk_label_set_text (self->counter, label);
}

/* #AppNamesFunc: what the library has. */
static char **
get_names (gboolean networks, gpointer data)
{
  AppPrompt *self = data;
  SdListing *listing = app_library_get_listing (self->library);
  SdFileKind kind = networks ? SD_FILE_LORA : SD_FILE_EMBEDDING;
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint i = 0; listing != NULL && i < listing->items->len; i++)
    {
      const SdItem *item = listing->items->pdata[i];
      if (item->kind == kind && item->why_not == NULL)
        g_ptr_array_add (names, g_strdup (item->name));
    }
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

/* LoRA that are nowhere; while they are still being looked for, none. */
static void
mark_networks (AppPrompt *self, const char *text)
{
  g_autoptr (GArray) spans = sd_prompt_networks (text);
  SdListing *listing = spans->len > 0 ? app_library_get_listing (self->library) : NULL;

  if (listing == NULL || app_library_is_looking (self->library))
    return;
  for (guint i = 0; i < spans->len; i++)
    {
      const SdSpan *span = &g_array_index (spans, SdSpan, i);
      g_autofree char *name
          = g_strstrip (g_strndup (text + span->begin, span->end - span->begin));
      if (sd_listing_find (listing, SD_FILE_LORA, name) == NULL)
        tag_bytes (self, self->unknown, text, span->begin, span->end);
    }
}

static void
mark_unknown (AppPrompt *self, const char *text)
{
  g_autoptr (GArray) spans = NULL;
  g_auto (GStrv) words = NULL;

  untag (self, self->unknown);
  if (self->info != NULL && self->info->words != NULL)
    {
      g_autofree char *said = sd_prompt_blank (text, NULL);
      words = sd_unknown_words (self->info, said, &spans);
    }
  for (guint i = 0; words != NULL && i < spans->len; i++)
    {
      const SdSpan *span = &g_array_index (spans, SdSpan, i);

      tag_bytes (self, self->unknown, text, span->begin, span->end);
    }
  mark_networks (self, text);
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
      app_complete_update (self->complete);
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

/* ---- weights ---- */

static gsize
bytes_before (AppPrompt *self, const GtkTextIter *iter)
{
  GtkTextIter start;

  gtk_text_buffer_get_start_iter (self->buffer, &start);
  g_autofree char *before = gtk_text_buffer_get_text (self->buffer, &start, iter, FALSE);
  return strlen (before);
}

/* Only what differs is written anew: the view stays where it is. */
static void
exchange (AppPrompt *self, const char *text, const char *with)
{
  gsize same = 0, length = strlen (text), tail = 0, with_length = strlen (with);
  GtkTextIter from, to;

  while (text[same] != '\0' && text[same] == with[same])
    same++;
  while (tail < MIN (length, with_length) - same
         && text[length - 1 - tail] == with[with_length - 1 - tail])
    tail++;
  while (same > 0 && ((guchar) text[same] & 0xc0) == 0x80)
    same--; /* not within a character */
  while (tail > 0 && ((guchar) text[length - tail] & 0xc0) == 0x80)
    tail--;
  g_autofree char *middle = g_strndup (with + same, with_length - tail - same);
  gtk_text_buffer_begin_user_action (self->buffer);
  gtk_text_buffer_get_iter_at_offset (self->buffer, &from,
                                      (int) g_utf8_pointer_to_offset (text, text + same));
  gtk_text_buffer_get_iter_at_offset (
      self->buffer, &to, (int) g_utf8_pointer_to_offset (text, text + length - tail));
  gtk_text_buffer_delete (self->buffer, &from, &to);
  gtk_text_buffer_insert (self->buffer, &from, middle, -1);
  gtk_text_buffer_end_user_action (self->buffer);
}

/* Ctrl+↑ ↓: of what is selected, or of the word at the cursor. */
static void
weigh (AppPrompt *self, int by)
{
  GtkTextIter from, to;
  g_autofree char *text = app_prompt_get_text (self);

  gtk_text_buffer_get_selection_bounds (self->buffer, &from, &to);
  gsize begin = bytes_before (self, &from), end = bytes_before (self, &to);
  g_autofree char *with = sd_prompt_weigh (text, &begin, &end, by);
  if (with == NULL)
    return;
  exchange (self, text, with);
  gtk_text_buffer_get_iter_at_offset (
      self->buffer, &from, (int) g_utf8_pointer_to_offset (with, with + begin));
  gtk_text_buffer_get_iter_at_offset (self->buffer, &to,
                                      (int) g_utf8_pointer_to_offset (with, with + end));
  gtk_text_buffer_select_range (self->buffer, &to, &from);
  app_complete_hide (self->complete);
}

static gboolean
on_key (GtkEventControllerKey *controller,
        guint key,
        guint code,
        GdkModifierType state,
        AppPrompt *self)
{
  GdkModifierType held = state & gtk_accelerator_get_default_mod_mask ();
  int by = key == GDK_KEY_Up ? 1 : key == GDK_KEY_Down ? -1 : 0;

  if (held == 0 && app_complete_key (self->complete, key))
    return GDK_EVENT_STOP;
  if (by == 0 || (held != GDK_ALT_MASK && held != GDK_CONTROL_MASK))
    return GDK_EVENT_PROPAGATE;
  if (held == GDK_ALT_MASK)
    walk (self, by);
  else
    weigh (self, by);
  return GDK_EVENT_STOP;
}

static void
on_leave (AppPrompt *self)
{
  app_complete_hide (self->complete);
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

static void
on_library (AppPrompt *self)
{
  g_autofree char *text = app_prompt_get_text (self);

  mark_unknown (self, text);
  app_complete_names_changed (self->complete);
}

void
app_prompt_set_grammar (AppPrompt *self, SdGrammar grammar)
{
  if (self->grammar == grammar)
    return;
  self->grammar = grammar;
  g_autofree char *text = app_prompt_get_text (self);
  count (self, text);
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
  g_clear_pointer (&self->complete, app_complete_free);
  g_clear_object (&self->library);
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
app_prompt_new (GtkTextView *view, GtkLabel *counter, GtkWidget *placeholder)
{
  AppPrompt *self = g_object_new (APP_TYPE_PROMPT, NULL);
  GtkEventController *keys = gtk_event_controller_key_new ();
  GtkEventController *focus = gtk_event_controller_focus_new ();
  g_autoptr (GTask) task = NULL;

  self->view = view;
  self->buffer = g_object_ref (gtk_text_view_get_buffer (view));
  self->counter = counter;
  self->placeholder = placeholder;
  self->library = g_object_ref (app_library_get ());
  self->complete = app_complete_new (view);
  app_complete_set_names (self->complete, get_names, self);
  g_signal_connect_object (self->library, "changed", G_CALLBACK (on_library), self,
                           G_CONNECT_SWAPPED);
  /* Not the red of faults: the word may stand there. */
  self->unknown = gtk_text_buffer_create_tag (self->buffer, NULL, "underline",
                                              PANGO_UNDERLINE_ERROR, "underline-rgba",
                                              &(GdkRGBA){ 0.65f, 0.48f, 0.34f, 1 }, NULL);
  g_signal_connect_swapped (self->buffer, "changed", G_CALLBACK (on_changed), self);
  g_signal_connect_object (view, "paste-clipboard", G_CALLBACK (on_paste), self,
                           G_CONNECT_SWAPPED);
  gtk_event_controller_set_propagation_phase (keys, GTK_PHASE_CAPTURE);
  g_signal_connect_object (keys, "key-pressed", G_CALLBACK (on_key), self, 0);
  gtk_widget_add_controller (GTK_WIDGET (view), keys);
  g_signal_connect_object (focus, "leave", G_CALLBACK (on_leave), self,
                           G_CONNECT_SWAPPED);
  gtk_widget_add_controller (GTK_WIDGET (view), focus);
  task = g_task_new (self, NULL, on_tokenizer, NULL);
  g_task_run_in_thread (task, make_tokenizer);
  return self;
}
