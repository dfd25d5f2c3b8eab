/* app-overview.c: what a model is: the answer at the root of the tree
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-overview.h"

#include <glib/gi18n.h>

#include "app/app-format.h"
#include "app/app-shares.h"

struct _AppOverview
{
  GtkWidget parent_instance;
  GtkWidget *box;
  GtkLabel *sentence, *key, *why_not, *warnings;
  GtkWidget *generate, *progress_box;
  AppShares *parts, *types;
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

static void
set_sentence (AppOverview *self, AppModel *model)
{
  const SdInfo *info = app_model_get_info (model);
  const char *const *warnings = st_model_warnings (app_model_get_model (model));
  g_autofree char *joined
      = warnings != NULL ? g_strjoinv ("\n", (char **) warnings) : NULL;
  g_autofree char *key = NULL;

  set_text (self->sentence, info->sentence);
  if (info->deciding_key != NULL)
    {
      g_autofree char *name = app_format_isolate (info->deciding_key);
      /* Translators: %s is the name of a tensor */
      key = g_strdup_printf (_ ("Decided by %s"), name);
    }
  set_text (self->key, key);
  set_text (self->why_not, info->can_generate ? NULL : info->why_not);
  set_text (self->warnings, joined);
  gtk_widget_set_visible (self->generate, info->can_generate);
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
