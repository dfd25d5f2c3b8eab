/* app-overview.c: what a model is: the answer at the root of the tree
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-overview.h"

#include <glib/gi18n.h>
#include <string.h>

#include "app/app-format.h"
#include "app/app-hashes.h"
#include "app/app-shares.h"

#define MAX_PATTERNS 12 /* of names, shown */

struct _AppOverview
{
  GtkWidget parent_instance;
  GtkWidget *box;
  GtkLabel *sentence, *key, *missing, *patterns, *why_not, *warnings;
  GtkWidget *generate, *progress_box;
  AppShares *parts, *types;
  AppHashes *hashes;
  GtkLabel *progress_label;
  GtkProgressBar *progress;
  AppStats *stats;
};

G_DEFINE_FINAL_TYPE (AppOverview, app_overview, GTK_TYPE_WIDGET)

static void
set_parts (AppOverview *self, AppOutline *outline)
{
  g_autoptr (GArray) shares = g_array_new (FALSE, FALSE, sizeof (AppShare));
  guint32 id = 0;
  const AppOutlineNode *root;

  /* A file with everything below one name is shown by what is below that. */
  do
    root = app_outline_get (outline, id);
  while (root->n_children == 1 && (id = root->first_child) != APP_OUTLINE_NONE
         && app_outline_get (outline, id)->n_children > 0);
  for (guint i = 0; i < root->n_children; i++)
    {
      AppOutlineTotals totals;
      AppShare share = { app_outline_get (outline, root->first_child + i)->label, 0 };
      app_outline_totals (outline, root->first_child + i, &totals);
      share.bytes = totals.bytes;
      g_array_append_val (shares, share);
    }
  gtk_widget_set_visible (GTK_WIDGET (self->parts), shares->len > 0);
  app_shares_set (self->parts, (const AppShare *) shares->data, shares->len);
}

static void
set_types (AppOverview *self, AppModel *model)
{
  const guint64 *bytes = app_model_get_dtype_bytes (model);
  AppShare shares[ST_N_DTYPES];
  guint n = 0;

  for (guint i = 0; i < ST_N_DTYPES; i++)
    {
      if (bytes[i] > 0)
        shares[n++] = (AppShare){ st_dtype_name (i), bytes[i] };
    }
  gtk_widget_set_visible (GTK_WIDGET (self->types), n > 0);
  app_shares_set (self->types, shares, n);
}

static void
set_text (GtkLabel *label, const char *text)
{
  gtk_widget_set_visible (GTK_WIDGET (label), text != NULL && text[0] != '\0');
  gtk_label_set_label (label, text != NULL ? text : "");
}

/* "…, 6.5 GB, 2,515 tensors" */
static char *
make_line (const SdInfo *info)
{
  char *line = sd_info_line (info);
  g_autofree char *size = g_format_size (info->verdict->bytes);
  g_autofree char *count = app_format_tensors (info->verdict->n_tensors);

  return st_verdict_join (st_verdict_join (line, size), count);
}

/* A line for each name, isolated: names are not of the text's direction. */
static void
append_names (GString *text, char **names)
{
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *escaped = st_name_escape (names[i], strlen (names[i]));
      g_autofree char *name = app_format_isolate (escaped);
      g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", name);
    }
}

/* Where it is from, in a line of its own. */
static void
append_origin (GString *text, const StVerdict *verdict)
{
  g_autofree char *repository = NULL, *revision = NULL;

  if (verdict->hub_repository == NULL)
    return;
  repository = app_format_isolate (verdict->hub_repository);
  revision = app_format_isolate (verdict->hub_revision);
  if (text->len > 0)
    g_string_append_c (text, '\n');
  /* Translators: a repository ("owner/name"), and which state of it */
  g_string_append_printf (text, _ ("From Hugging Face’s cache: %s, revision %s"),
                          repository, revision);
}

static char *
make_reason (const SdInfo *info)
{
  const StVerdict *verdict = info->verdict;
  g_autoptr (GString) names = g_string_new (NULL);
  GString *text = g_string_new (NULL);

  if (verdict->by_config)
    {
      g_autofree char *type = app_format_isolate (verdict->config);
      /* Translators: %s is a kind of model, as a file beside the model names it */
      g_string_append_printf (text, _ ("Decided by config.json beside the file: “%s”"),
                              type);
    }
  else if (verdict->keys[0] != NULL)
    append_names (names, verdict->keys);
  else if (info->deciding_key != NULL)
    append_names (names, (char *[]){ info->deciding_key, NULL });
  if (names->len > 0)
    /* Translators: %s is the name of a tensor, or several */
    g_string_append_printf (text, _ ("Decided by %s"), names->str);
  append_origin (text, verdict);
  return g_string_free (text, FALSE);
}

/* "3,466,791,239 parameters", where the shapes do not tell: of a quantised model. */
static void
append_parameters (GString *text, const StVerdict *verdict)
{
  g_autofree char *count = app_format_count (verdict->parameters);
  g_autofree char *served = app_format_count (verdict->n_companions);

  if (verdict->n_companions == 0)
    return;
  g_string_append_printf (
      text,
      ngettext ("%s parameters; %s tensor only serves a weight, as its scale or the like",
                "%s parameters; %s tensors only serve weights, as scales or the like",
                verdict->n_companions),
      count, served);
}

/* Returns: (transfer full): what is missing and what is not needed, a line each */
static char *
make_missing (const StVerdict *verdict)
{
  g_autofree char *missing = g_strjoinv ("; ", verdict->missing);
  g_autofree char *superfluous = g_strjoinv ("; ", verdict->superfluous);
  GString *text = g_string_new (NULL);

  append_parameters (text, verdict);
  if (text->len > 0 && missing[0] != '\0')
    g_string_append_c (text, '\n');
  if (missing[0] != '\0')
    g_string_append_printf (text, _ ("Missing: %s"), missing);
  if (text->len > 0 && superfluous[0] != '\0')
    g_string_append_c (text, '\n');
  if (superfluous[0] != '\0')
    g_string_append_printf (text, _ ("Not needed: %s"), superfluous);
  return g_string_free (text, FALSE);
}

/* Of a file that nothing is known of: how its names are made, "layers.#.attn.q × 32". */
static char *
make_patterns (const StVerdict *verdict)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; verdict->id == NULL && i < MIN (verdict->patterns->len, MAX_PATTERNS);
       i++)
    {
      const StVerdictPattern *p = &g_array_index (verdict->patterns, StVerdictPattern, i);
      g_autofree char *name = app_format_isolate (p->text);
      g_autofree char *count = app_format_count (p->n_tensors);
      g_string_append_printf (text, "%s%s × %s", i > 0 ? "\n" : "", name, count);
    }
  if (verdict->id == NULL && verdict->n_patterns > MAX_PATTERNS)
    {
      g_autofree char *count = app_format_count (verdict->n_patterns - MAX_PATTERNS);
      g_autofree char *more = g_strdup_printf (_ ("and %s more"), count);
      g_string_append_printf (text, "\n%s", more);
    }
  return g_string_free (text, FALSE);
}

static void
set_sentence (AppOverview *self, AppModel *model)
{
  const SdInfo *info = app_model_get_info (model);
  const char *const *warnings = st_model_warnings (app_model_get_model (model));
  g_autofree char *joined
      = warnings != NULL ? g_strjoinv ("\n", (char **) warnings) : NULL;
  g_autofree char *line = make_line (info), *key = make_reason (info);
  g_autofree char *missing = make_missing (info->verdict);
  g_autofree char *patterns = make_patterns (info->verdict);

  set_text (self->sentence, line);
  set_text (self->key, key);
  set_text (self->missing, missing);
  set_text (self->patterns, patterns);
  set_text (self->why_not, info->can_generate ? NULL : info->why_not);
  set_text (self->warnings, joined);
  gtk_widget_set_visible (self->generate, info->can_generate);
}

/* A folder has none, nor has what cannot be read whole. */
static void
set_hashes (AppOverview *self, StModel *model)
{
  const gboolean one = st_model_n_files (model) == 1 && !st_model_is_folder (model)
                       && st_model_fault (model) == NULL;

  app_hashes_set (self->hashes, one ? st_model_file (model, 0) : NULL);
}

void
app_overview_set (AppOverview *self, AppStats *stats)
{
  AppModel *model = app_stats_get_model (stats);

  g_return_if_fail (APP_IS_OVERVIEW (self));
  g_set_object (&self->stats, stats);
  set_sentence (self, model);
  set_parts (self, app_stats_get_outline (stats));
  set_types (self, model);
  set_hashes (self, app_model_get_model (model));
  app_overview_refresh (self);
}

void
app_overview_refresh (AppOverview *self)
{
  guint64 done, total;
  g_autofree char *text = NULL, *part = NULL, *whole = NULL;

  g_return_if_fail (APP_IS_OVERVIEW (self));
  app_stats_get_progress (self->stats, &done, &total);
  gtk_widget_set_visible (self->progress_box, done < total);
  if (done >= total)
    return;
  part = g_format_size (done);
  whole = g_format_size (total);
  /* Translators: two amounts of bytes */
  text = g_strdup_printf (_ ("Statistics: %s of %s read"), part, whole);
  gtk_label_set_label (self->progress_label, text);
  gtk_progress_bar_set_fraction (self->progress, (double) done / (double) total);
}

static GtkLabel *
append_label (AppOverview *self, const char *class_name)
{
  GtkWidget *label = gtk_label_new (NULL);
  g_autoptr (PangoAttrList) plain = pango_attr_list_new ();

  pango_attr_list_insert (plain, pango_attr_insert_hyphens_new (FALSE));
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_selectable (GTK_LABEL (label), TRUE);
  gtk_widget_set_focusable (label, FALSE);
  gtk_label_set_attributes (GTK_LABEL (label), plain);
  gtk_widget_add_css_class (label, class_name);
  gtk_box_append (GTK_BOX (self->box), label);
  return GTK_LABEL (label);
}

static void
app_overview_dispose (GObject *object)
{
  AppOverview *self = APP_OVERVIEW (object);

  g_clear_pointer (&self->box, gtk_widget_unparent);
  g_clear_object (&self->stats);
  G_OBJECT_CLASS (app_overview_parent_class)->dispose (object);
}

static void
app_overview_class_init (AppOverviewClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = app_overview_dispose;
  gtk_widget_class_set_layout_manager_type (GTK_WIDGET_CLASS (klass),
                                            GTK_TYPE_BIN_LAYOUT);
}

static void
app_overview_init (AppOverview *self)
{
  self->box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12);
  gtk_widget_set_parent (self->box, GTK_WIDGET (self));
  self->sentence = append_label (self, "title-4");
  self->key = append_label (self, "dim-label");
  self->missing = append_label (self, "body");
  self->patterns = append_label (self, "monospace");
  self->why_not = append_label (self, "body");
  self->warnings = append_label (self, "app-warning");

  self->generate = gtk_button_new_with_label (_ ("Make Pictures with It"));
  gtk_widget_set_halign (self->generate, GTK_ALIGN_START);
  gtk_widget_add_css_class (self->generate, "suggested-action");
  gtk_actionable_set_detailed_action_name (GTK_ACTIONABLE (self->generate),
                                           "win.show-page::pictures");
  gtk_box_append (GTK_BOX (self->box), self->generate);

  self->parts = APP_SHARES (app_shares_new (_ ("Parts")));
  self->types = APP_SHARES (app_shares_new (_ ("Types")));
  gtk_box_append (GTK_BOX (self->box), GTK_WIDGET (self->parts));
  gtk_box_append (GTK_BOX (self->box), GTK_WIDGET (self->types));

  self->hashes = APP_HASHES (app_hashes_new ());
  gtk_box_append (GTK_BOX (self->box), GTK_WIDGET (self->hashes));

  self->progress_box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 6);
  self->progress_label = GTK_LABEL (gtk_label_new (NULL));
  self->progress = GTK_PROGRESS_BAR (gtk_progress_bar_new ());
  gtk_label_set_xalign (self->progress_label, 0);
  gtk_widget_add_css_class (GTK_WIDGET (self->progress_label), "dim-label");
  gtk_widget_add_css_class (GTK_WIDGET (self->progress_label), "numeric");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->progress),
                                  GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Progress of the statistics"), -1);
  gtk_box_append (GTK_BOX (self->progress_box), GTK_WIDGET (self->progress_label));
  gtk_box_append (GTK_BOX (self->progress_box), GTK_WIDGET (self->progress));
  gtk_box_append (GTK_BOX (self->box), self->progress_box);
}

GtkWidget *
app_overview_new (void)
{
  return g_object_new (APP_TYPE_OVERVIEW, NULL);
}
