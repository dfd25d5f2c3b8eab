/* app-reading.c: see app-reading.h
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "app/app-reading.h"

#include <glib/gi18n.h>

#define MAX_SKIP 12

static const struct
{
  SdGrammar grammar;
  SdEmphasis emphasis;
  const char *name;
} readings[] = {
  { SD_GRAMMAR_A1111, SD_EMPHASIS_ORIGINAL, N_ ("As in A1111") },
  { SD_GRAMMAR_A1111, SD_EMPHASIS_NO_NORM, N_ ("A1111, no norm") },
  { SD_GRAMMAR_COMFYUI, SD_EMPHASIS_ORIGINAL, N_ ("As in ComfyUI") },
  { SD_GRAMMAR_A1111, SD_EMPHASIS_IGNORE, N_ ("Ignored") },
  { SD_GRAMMAR_PLAIN, SD_EMPHASIS_ORIGINAL, N_ ("As text") },
};

static guint
reading_of (const SdParams *params)
{
  if (params->grammar == SD_GRAMMAR_COMFYUI)
    return 2;
  if (params->grammar == SD_GRAMMAR_PLAIN)
    return 4;
  for (guint i = 0; i < G_N_ELEMENTS (readings); i++)
    if (readings[i].grammar == params->grammar
        && readings[i].emphasis == params->emphasis)
      return i;
  return 4; /* A1111's “None” */
}

void
app_reading_fill (GtkDropDown *weights, GtkDropDown *clip_skip)
{
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);
  g_autoptr (GtkStringList) layers = gtk_string_list_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (readings); i++)
    gtk_string_list_append (names, _ (readings[i].name));
  gtk_string_list_append (layers, _ ("As the model says"));
  for (guint i = 1; i <= MAX_SKIP; i++)
    {
      g_autofree char *number = g_strdup_printf ("%u", i);
      gtk_string_list_append (layers, number);
    }
  gtk_drop_down_set_model (weights, G_LIST_MODEL (names));
  gtk_drop_down_set_model (clip_skip, G_LIST_MODEL (layers));
}

void
app_reading_show (const SdParams *params, GtkDropDown *weights, GtkDropDown *clip_skip)
{
  gtk_drop_down_set_selected (weights, reading_of (params));
  gtk_drop_down_set_selected (clip_skip, MIN (params->clip_skip, MAX_SKIP));
}

void
app_reading_take (SdParams *params, GtkDropDown *weights, GtkDropDown *clip_skip)
{
  guint chosen = gtk_drop_down_get_selected (weights);

  if (chosen < G_N_ELEMENTS (readings) && chosen != reading_of (params))
    {
      params->grammar = readings[chosen].grammar;
      params->emphasis = readings[chosen].emphasis;
    }
  if (gtk_drop_down_get_selected (clip_skip) <= MAX_SKIP)
    params->clip_skip = gtk_drop_down_get_selected (clip_skip);
}

void
app_reading_take_meta (SdParams *params, const ImageMeta *meta)
{
  params->grammar = SD_GRAMMAR_A1111;
  params->emphasis = SD_EMPHASIS_ORIGINAL;
  if (meta->grammar != NULL)
    sd_grammar_parse (meta->grammar, &params->grammar);
  if (meta->emphasis != NULL)
    sd_emphasis_parse (meta->emphasis, &params->emphasis);
  /* Who says nothing means 1, which is what models wish that heed it in A1111. */
  params->clip_skip = meta->clip_skip > 1 ? (guint) MIN (meta->clip_skip, MAX_SKIP) : 0;
}

void
app_reading_tell_meta (const SdParams *params, ImageMeta *meta)
{
  meta->grammar = g_strdup (sd_grammar_name (params->grammar));
  if (params->grammar == SD_GRAMMAR_A1111)
    meta->emphasis = g_strdup (sd_emphasis_name (params->emphasis));
  if (params->clip_skip > 1)
    meta->clip_skip = (int) params->clip_skip;
}
