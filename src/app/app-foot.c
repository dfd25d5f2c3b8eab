/* app-foot.c: see app-foot.h

The row keeps its height and its places: what is said before the first step stands where
the time line will be, and the numbers have labels of fixed width. The job whose steps are
shown and the run that goes on are two things: a finished picture may be looked at while
the next one is made.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-foot.h"

#include <glib/gi18n.h>
#include <math.h>

#include "app/app-compat.h"
#include "app/app-wrap.h"

#define SHORT_REST 2.0 /* seconds under which no countdown is shown */
#define REST_CHARS 5

struct _AppFoot
{
  GtkWidget parent_instance;

  GtkWidget *box, *line, *time, *sentence, *numbers, *count, *rest, *total, *end, *stop,
      *menu;
  GtkWidget *after, *cause, *ended, *warning, *remedy, *go_on, *details, *keep;
  GtkLabel *details_text;
  AppScrubber *scrubber;
  AppJob *job, *run;
  guint index;
};

G_DEFINE_FINAL_TYPE (AppFoot, app_foot, GTK_TYPE_WIDGET)

/* ---- words ---- */

/* (transfer full) (nullable): what is done before the first step */
static char *
sentence_text (AppJob *job)
{
  guint64 done, total;
  const char *stage = app_job_get_stage (job, &done, &total);

  if (app_job_get_state (job) == APP_JOB_WAITING)
    return g_strdup (_ ("Waiting"));
  if (app_job_get_state (job) != APP_JOB_RUNNING || app_job_get_step (job) > 0)
    return NULL;
  if (g_str_equal (stage, "weights"))
    {
      g_autofree char *of = g_format_size (total), *now = g_format_size (done);

      /* Translators: sizes: “Loading the model, 1.2 GB of 2.1 GB” */
      return g_strdup_printf (_ ("Loading the model, %s of %s"), now, of);
    }
  if (g_str_equal (stage, "kernels"))
    return g_strdup_printf (_ ("Compiling shaders, %u of %u, once for this device"),
                            (guint) done, (guint) total);
  if (g_str_equal (stage, "lora"))
    return g_strdup (_ ("Applying LoRAs"));
  if (g_str_equal (stage, "text"))
    return g_strdup (_ ("Reading the prompt"));
  return g_strdup (_ ("Starting"));
}

/* As many characters for every step, with blanks as wide as digits. */
static char *
count_text (guint step, guint n)
{
  g_autofree char *all = g_strdup_printf ("%u", n), *now = g_strdup_printf ("%u", step);
  GString *text = g_string_new ("\u2066");

  for (gsize i = strlen (now); i < strlen (all); i++)
    g_string_append (text, "\u2007");
  g_string_append_printf (text, "%s / %s\u2069", now, all);
  return g_string_free (text, FALSE);
}

static char *
rest_text (AppJob *job)
{
  double rest = app_job_get_seconds_per_step (job)
                * (app_job_get_n_steps (job) - app_job_get_step (job));

  if (app_job_get_state (job) != APP_JOB_RUNNING || rest < SHORT_REST)
    return g_strdup ("");
  if (rest >= 90)
    /* Translators: minutes that remain */
    return g_strdup_printf (_ ("%.0f min"), ceil (rest / 60));
  /* Translators: seconds that remain */
  return g_strdup_printf (_ ("%.0f s"), ceil (rest));
}

/* ---- how it ended ---- */

typedef struct
{
  const char *label, *action;
} Remedy;

/* What may help, by what went wrong; “Try Again” is offered beside it. */
static Remedy
remedy_for (const GError *error)
{
  if (g_error_matches (error, GPU_ERROR, GPU_ERROR_OUT_OF_MEMORY))
    return (Remedy){ _ ("Use a Smaller Size"), "win.smaller-size" };
  if (g_error_matches (error, SD_ERROR, SD_ERROR_STATE) || error->domain == SAMPLER_ERROR)
    return (Remedy){ _ ("Start Over"), "win.start-over" };
  if (error->domain == ST_ERROR || g_error_matches (error, SD_ERROR, SD_ERROR_NOT_A_MODEL)
      || g_error_matches (error, SD_ERROR, SD_ERROR_MISSING_PART)
      || g_error_matches (error, SD_ERROR, SD_ERROR_UNSUPPORTED))
    return (Remedy){ _ ("Choose Another Model"), "win.model-menu" };
  return (Remedy){ NULL, NULL };
}

/* Messages of the rooms below begin in the middle of a sentence. */
static char *
sentence_of (const char *message)
{
  gunichar first = g_unichar_toupper (g_utf8_get_char (message));
  char head[7] = "";

  head[g_unichar_to_utf8 (first, head)] = '\0';
  return g_strconcat (head, g_utf8_next_char (message), NULL);
}

static char *
details_text (AppJob *job)
{
  const GError *error = app_job_get_error (job);
  const SdParams *params = app_job_get_params (job);
  const char *device = app_job_get_device (job);

  return g_strdup_printf ("Calotype %s, GTK %u.%u.%u\n%s%s%s\n%u × %u × %u, %u / %u\n"
                          "%s %d: %s",
                          BASE_VERSION, gtk_get_major_version (),
                          gtk_get_minor_version (), gtk_get_micro_version (),
                          app_job_get_model_path (job), device != NULL ? "\n" : "",
                          device != NULL ? device : "", params->width, params->height,
                          params->batch, app_job_get_step (job), params->steps,
                          g_quark_to_string (error->domain), error->code, error->message);
}

static void
show_failure (AppFoot *self)
{
  const GError *error = app_job_get_error (self->job);
  g_autofree char *cause = NULL, *details = NULL;
  Remedy remedy = { NULL, NULL };

  if (error != NULL)
    {
      cause = sentence_of (error->message);
      details = details_text (self->job);
      remedy = remedy_for (error);
    }
  gtk_label_set_text (GTK_LABEL (self->cause),
                      cause != NULL ? cause : _ ("The picture could not be made."));
  gtk_label_set_text (self->details_text, details != NULL ? details : "");
  gtk_widget_set_visible (self->details, details != NULL);
  gtk_widget_set_visible (self->remedy, remedy.label != NULL);
  if (remedy.label != NULL)
    {
      gtk_button_set_label (GTK_BUTTON (self->remedy), remedy.label);
      gtk_actionable_set_action_name (GTK_ACTIONABLE (self->remedy), remedy.action);
    }
}

static void
show_after (AppFoot *self)
{
  AppJobState state = self->job != NULL ? app_job_get_state (self->job) : APP_JOB_DONE;
  gboolean failed = state == APP_JOB_FAILED, ended = failed || state == APP_JOB_STOPPED;

  gtk_widget_set_visible (self->after, ended);
  if (!ended)
    return;
  g_autofree char *text
      = g_strdup_printf (_ ("Stopped at \u2066%u of %u\u2069"),
                         app_job_get_step (self->job), app_job_get_n_steps (self->job));
  gtk_label_set_text (GTK_LABEL (self->ended), text);
  gtk_widget_set_visible (self->ended, !failed);
  /* That there is no device stands in the picture's place and over the page. */
  gtk_widget_set_visible (self->cause,
                          failed
                              && !g_error_matches (app_job_get_error (self->job),
                                                   GPU_ERROR, GPU_ERROR_NO_DEVICE));
  gtk_widget_set_visible (self->warning, failed);
  gtk_widget_set_visible (self->details, FALSE);
  gtk_widget_set_visible (self->remedy, FALSE);
  if (failed)
    show_failure (self);
  gtk_button_set_label (GTK_BUTTON (self->go_on),
                        failed ? _ ("Try Again") : _ ("Continue"));
  gtk_widget_set_visible (self->keep, app_job_get_step (self->job) > 0
                                          && app_job_get_run_state (self->job) != NULL);
}

static gboolean
is_active (AppJob *job)
{
  return job != NULL
         && (app_job_get_state (job) == APP_JOB_RUNNING
             || app_job_get_state (job) == APP_JOB_WAITING);
}

/* Of what is made now, else of what is looked at. */
static void
show_status (AppFoot *self)
{
  AppJob *job = is_active (self->run) ? self->run : self->job;
  g_autofree char *count = NULL, *rest = NULL;
  guint64 done, total;
  gboolean decoding;

  gtk_stack_set_visible_child (GTK_STACK (self->end),
                               is_active (job) ? self->stop : self->menu);
  gtk_widget_set_opacity (self->numbers, job != NULL ? 1 : 0);
  if (job == NULL)
    return;
  decoding = is_active (job) && app_job_get_step (job) > 0
             && g_str_equal (app_job_get_stage (job, &done, &total), "decode");
  count = count_text (app_job_get_step (job), app_job_get_n_steps (job));
  rest = rest_text (job);
  gtk_label_set_text (GTK_LABEL (self->count), count);
  /* Without the two characters that keep the order of the numbers. */
  gtk_label_set_width_chars (GTK_LABEL (self->count),
                             (int) g_utf8_strlen (count, -1) - 2);
  gtk_label_set_text (GTK_LABEL (self->rest), rest);
  gtk_label_set_text (GTK_LABEL (self->total), count);
  gtk_stack_set_visible_child_name (GTK_STACK (self->numbers), decoding ? "decoding"
                                                               : is_active (job)
                                                                   ? "steps"
                                                                   : "ended");
}

static void
show_time (AppFoot *self)
{
  AppJob *job = self->job != NULL ? self->job : self->run;
  g_autofree char *sentence = job != NULL ? sentence_text (job) : NULL;

  if (self->job != NULL)
    app_scrubber_set_steps (self->scrubber, app_job_get_n_steps (self->job),
                            app_job_get_step (self->job));
  gtk_widget_set_sensitive (GTK_WIDGET (self->scrubber), self->job != NULL);
  gtk_label_set_text (GTK_LABEL (self->sentence), sentence != NULL ? sentence : "");
  gtk_stack_set_visible_child (GTK_STACK (self->time), sentence != NULL
                                                           ? self->sentence
                                                           : GTK_WIDGET (self->scrubber));
}

static void
update (AppFoot *self)
{
  show_time (self);
  show_status (self);
  show_after (self);
}

/* ---- whose steps ---- */

static void
on_step (AppJob *job, guint step, AppFoot *self)
{
  if (job == self->job)
    app_scrubber_set_thumbnail (self->scrubber, step,
                                app_job_get_preview (job, self->index, step));
  update (self);
}

static void
unwatch (AppFoot *self, AppJob *job)
{
  if (job != NULL && (job == self->job) + (job == self->run) == 1)
    g_signal_handlers_disconnect_by_data (job, self);
}

static void
watch (AppFoot *self, AppJob *job)
{
  if (job == NULL || (job == self->job) + (job == self->run) == 2)
    return;
  g_signal_connect_object (job, "state-changed", G_CALLBACK (update), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (job, "progress", G_CALLBACK (update), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (job, "step", G_CALLBACK (on_step), self, 0);
  g_signal_connect_object (job, "sharpened", G_CALLBACK (on_step), self, 0);
}

void
app_foot_set_run (AppFoot *self, AppJob *run)
{
  if (self->run != run)
    {
      unwatch (self, self->run);
      g_set_object (&self->run, run);
      watch (self, run);
    }
  update (self);
}

void
app_foot_set_job (AppFoot *self, AppJob *job, guint index)
{
  if (self->job != job || self->index != index)
    {
      if (self->job != job)
        unwatch (self, self->job);
      app_scrubber_clear (self->scrubber);
      self->index = index;
      if (g_set_object (&self->job, job))
        watch (self, job);
      if (job != NULL)
        app_scrubber_set_steps (self->scrubber, app_job_get_n_steps (job),
                                app_job_get_step (job));
      for (guint i = 1; job != NULL && i <= app_job_get_step (job); i++)
        app_scrubber_set_thumbnail (self->scrubber, i,
                                    app_job_get_preview (job, index, i));
    }
  update (self);
}

void
app_foot_set_line (AppFoot *self, const char *text)
{
  gtk_label_set_text (GTK_LABEL (self->line), text != NULL ? text : "");
  gtk_widget_set_visible (self->line, text != NULL);
}

AppScrubber *
app_foot_get_scrubber (AppFoot *self)
{
  return self->scrubber;
}

/* ---- building ---- */

static GtkWidget *
make_button (const char *label, const char *action)
{
  GtkWidget *button = gtk_button_new_with_label (label);

  gtk_actionable_set_action_name (GTK_ACTIONABLE (button), action);
  return button;
}

static void
on_copy_details (GtkButton *button, AppFoot *self)
{
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)),
                          gtk_label_get_text (self->details_text));
  app_compat_announce (GTK_WIDGET (self), _ ("Copied"));
}

static GtkWidget *
make_details (AppFoot *self)
{
  GtkWidget *button = gtk_menu_button_new (), *popover = gtk_popover_new ();
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  GtkWidget *text = gtk_label_new (""),
            *copy = gtk_button_new_with_mnemonic (_ ("_Copy"));

  self->details_text = GTK_LABEL (text);
  gtk_label_set_selectable (self->details_text, TRUE);
  gtk_label_set_wrap (self->details_text, TRUE);
  gtk_label_set_wrap_mode (self->details_text, PANGO_WRAP_WORD_CHAR);
  gtk_label_set_max_width_chars (self->details_text, 36);
  gtk_label_set_xalign (self->details_text, 0);
  gtk_widget_add_css_class (text, "app-code");
  gtk_widget_add_css_class (text, "monospace");
  gtk_widget_set_direction (text, GTK_TEXT_DIR_LTR); /* paths and numbers */
  gtk_widget_set_halign (copy, GTK_ALIGN_END);
  g_signal_connect (copy, "clicked", G_CALLBACK (on_copy_details), self);
  gtk_box_append (GTK_BOX (box), text);
  gtk_box_append (GTK_BOX (box), copy);
  gtk_popover_set_child (GTK_POPOVER (popover), box);
  gtk_menu_button_set_label (GTK_MENU_BUTTON (button), _ ("Details"));
  gtk_menu_button_set_popover (GTK_MENU_BUTTON (button), popover);
  return button;
}

static GtkWidget *
make_after (AppFoot *self)
{
  GtkWidget *row = app_wrap_new (6, 6, FALSE);

  self->after = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  self->cause = gtk_label_new ("");
  gtk_label_set_wrap (GTK_LABEL (self->cause), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (self->cause), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_xalign (GTK_LABEL (self->cause), 0);
  gtk_label_set_selectable (GTK_LABEL (self->cause), TRUE);
  self->ended = gtk_label_new ("");
  gtk_widget_add_css_class (self->ended, "numeric");
  gtk_widget_set_margin_end (self->ended, 6);
  /* The icon stands with the buttons: a box of an icon and a wrapped label gets its
   * height wrong by a pixel in GTK 4.8. */
  self->warning = gtk_image_new_from_icon_name ("dialog-warning-symbolic");
  gtk_widget_add_css_class (self->warning, "app-fault-icon");
  self->remedy = gtk_button_new ();
  self->go_on = make_button (_ ("Continue"), "win.continue");
  self->keep = make_button (_ ("Keep Preview"), "win.keep-preview");
  self->details = make_details (self);
  app_wrap_append (APP_WRAP (row), self->warning);
  app_wrap_append (APP_WRAP (row), self->ended);
  app_wrap_append (APP_WRAP (row), self->remedy);
  app_wrap_append (APP_WRAP (row), self->go_on);
  app_wrap_append (APP_WRAP (row), self->keep);
  app_wrap_append (APP_WRAP (row), make_button (_ ("Discard"), "win.discard"));
  app_wrap_append (APP_WRAP (row), self->details);
  gtk_box_append (GTK_BOX (self->after), self->cause);
  gtk_box_append (GTK_BOX (self->after), row);
  return self->after;
}

static GtkWidget *
make_numbers (AppFoot *self)
{
  GtkWidget *steps = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  /* Translators: short: the finished picture is being decoded */
  GtkWidget *decoding = gtk_label_new (_ ("Developing…"));

  self->count = gtk_label_new ("");
  self->rest = gtk_label_new ("");
  gtk_label_set_xalign (GTK_LABEL (self->count), 1);
  gtk_label_set_xalign (GTK_LABEL (self->rest), 1);
  gtk_label_set_xalign (GTK_LABEL (decoding), 1);
  gtk_label_set_width_chars (GTK_LABEL (self->rest), REST_CHARS);
  gtk_widget_add_css_class (self->count, "numeric");
  gtk_widget_add_css_class (self->rest, "numeric");
  gtk_box_append (GTK_BOX (steps), self->count);
  gtk_box_append (GTK_BOX (steps), self->rest);
  self->total = gtk_label_new ("");
  gtk_label_set_xalign (GTK_LABEL (self->total), 1);
  gtk_widget_add_css_class (self->total, "numeric");
  self->numbers = gtk_stack_new ();
  gtk_stack_add_named (GTK_STACK (self->numbers), self->total, "ended");
  gtk_stack_add_named (GTK_STACK (self->numbers), steps, "steps");
  gtk_stack_add_named (GTK_STACK (self->numbers), decoding, "decoding");
  return self->numbers;
}

/* Where Stop stands during a run there is the picture's menu afterwards. */
static GtkWidget *
make_end (AppFoot *self)
{
  self->stop = make_button (_ ("Stop"), "win.stop");
  self->menu = gtk_menu_button_new ();
  gtk_menu_button_set_icon_name (GTK_MENU_BUTTON (self->menu), "view-more-symbolic");
  gtk_menu_button_set_direction (GTK_MENU_BUTTON (self->menu), GTK_ARROW_UP);
  gtk_widget_add_css_class (self->menu, "flat");
  gtk_widget_set_halign (self->menu, GTK_ALIGN_END);
  gtk_widget_set_tooltip_text (self->menu, _ ("Picture menu"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->menu),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Picture menu"), -1);
  self->end = gtk_stack_new ();
  gtk_stack_add_child (GTK_STACK (self->end), self->menu);
  gtk_stack_add_child (GTK_STACK (self->end), self->stop);
  return self->end;
}

void
app_foot_set_menu (AppFoot *self, GMenuModel *menu)
{
  gtk_menu_button_set_menu_model (GTK_MENU_BUTTON (self->menu), menu);
}

void
app_foot_show_menu (AppFoot *self, gboolean shown)
{
  /* Its place stays. */
  gtk_widget_set_opacity (self->menu, shown ? 1 : 0);
  gtk_widget_set_sensitive (self->menu, shown);
}

static GtkWidget *
make_time (AppFoot *self)
{
  self->scrubber = APP_SCRUBBER (app_scrubber_new ());
  self->sentence = gtk_label_new ("");
  gtk_label_set_xalign (GTK_LABEL (self->sentence), 0);
  gtk_label_set_ellipsize (GTK_LABEL (self->sentence), PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (self->sentence, "numeric");
  self->time = gtk_stack_new ();
  gtk_stack_add_child (GTK_STACK (self->time), GTK_WIDGET (self->scrubber));
  gtk_stack_add_child (GTK_STACK (self->time), self->sentence);
  gtk_widget_set_hexpand (self->time, TRUE);
  return self->time;
}

static void
app_foot_dispose (GObject *object)
{
  AppFoot *self = APP_FOOT (object);

  if (self->job != NULL)
    g_signal_handlers_disconnect_by_data (self->job, self);
  if (self->run != NULL)
    g_signal_handlers_disconnect_by_data (self->run, self);
  g_clear_object (&self->job);
  g_clear_object (&self->run);
  g_clear_pointer (&self->box, gtk_widget_unparent);
  G_OBJECT_CLASS (app_foot_parent_class)->dispose (object);
}

static void
app_foot_class_init (AppFootClass *class)
{
  G_OBJECT_CLASS (class)->dispose = app_foot_dispose;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (class),
                                            GTK_TYPE_BIN_LAYOUT);
}

static void
app_foot_init (AppFoot *self)
{
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);

  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  self->line = gtk_label_new ("");
  gtk_label_set_ellipsize (GTK_LABEL (self->line), PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (self->line, "caption");
  gtk_widget_add_css_class (self->line, "numeric");
  gtk_widget_set_visible (self->line, FALSE);
  gtk_box_append (GTK_BOX (row), make_time (self));
  gtk_box_append (GTK_BOX (row), make_numbers (self));
  gtk_box_append (GTK_BOX (row), make_end (self));
  gtk_box_append (GTK_BOX (self->box), self->line);
  gtk_box_append (GTK_BOX (self->box), row);
  gtk_box_append (GTK_BOX (self->box), make_after (self));
  gtk_widget_add_css_class (self->box, "app-foot");
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
  update (self);
}

GtkWidget *
app_foot_new (void)
{
  return g_object_new (APP_TYPE_FOOT, NULL);
}
