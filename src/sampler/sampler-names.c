/* sampler-names.c: samplers and schedules by the names that other programs give them
 *
 * Names are compared without case, spaces, hyphens and underscores, with "+" read as "p",
 * so that "DPM++ 2M", "dpmpp_2m" (ComfyUI) and "dpm++2m" (sd.cpp) are one. Older A1111
 * and InvokeAI put the schedule at the end: "DPM++ 2M Karras", "dpmpp_2m_k".
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sampler/sampler.h"

#include <glib/gi18n-lib.h>
#include <string.h>

typedef struct
{
  const char *comfyui, *a1111;
  const char *keys[5]; /* folded spellings, NULL-terminated */
} Name;

static const Name kinds[SAMPLER_N_KINDS] = {
  [SAMPLER_EULER] = { "euler", "Euler", { "euler", "keuler" } },
  [SAMPLER_EULER_ANCESTRAL]
  = { "euler_ancestral",
      "Euler a",
      { "eulera", "eulerancestral", "keulera", "keulerancestral" } },
  [SAMPLER_HEUN] = { "heun", "Heun", { "heun", "kheun" } },
  [SAMPLER_DPMPP_2M] = { "dpmpp_2m", "DPM++ 2M", { "dpmpp2m", "kdpmpp2m" } },
  [SAMPLER_DDIM] = { "ddim", "DDIM", { "ddim" } },
  [SAMPLER_LCM] = { "lcm", "LCM", { "lcm", "klcm" } },
  [SAMPLER_DPMPP_2M_SDE]
  = { "dpmpp_2m_sde", "DPM++ 2M SDE", { "dpmpp2msde", "kdpmpp2msde", "dpmpp2msdegpu" } },
};

static const Name schedules[SAMPLER_N_SCHEDULES] = {
  [SAMPLER_NORMAL] = { "normal", "Normal", { "normal", "uniform", "discrete" } },
  [SAMPLER_KARRAS] = { "karras", "Karras", { "karras" } },
  [SAMPLER_EXPONENTIAL] = { "exponential", "Exponential", { "exponential" } },
  [SAMPLER_SGM_UNIFORM] = { "sgm_uniform", "SGM Uniform", { "sgmuniform" } },
  [SAMPLER_SIMPLE] = { "simple", "Simple", { "simple" } },
  [SAMPLER_DDIM_UNIFORM] = { "ddim_uniform", "DDIM", { "ddimuniform", "ddim" } },
  [SAMPLER_TURBO] = { "turbo", "Turbo", { "turbo", "trailing" } },
};

/* What may follow a sampler's name. */
static const struct
{
  const char *key;
  SamplerSchedule schedule;
} suffixes[] = {
  { "karras", SAMPLER_KARRAS },           { "k", SAMPLER_KARRAS },
  { "exponential", SAMPLER_EXPONENTIAL }, { "sgmuniform", SAMPLER_SGM_UNIFORM },
  { "simple", SAMPLER_SIMPLE },
};

G_DEFINE_QUARK (sampler_error_quark, sampler_error)

const char *
sampler_kind_name (SamplerKind kind)
{
  g_return_val_if_fail (kind < SAMPLER_N_KINDS, NULL);
  return kinds[kind].comfyui;
}

const char *
sampler_kind_a1111_name (SamplerKind kind)
{
  g_return_val_if_fail (kind < SAMPLER_N_KINDS, NULL);
  return kinds[kind].a1111;
}

const char *
sampler_schedule_name (SamplerSchedule schedule)
{
  g_return_val_if_fail (schedule < SAMPLER_N_SCHEDULES, NULL);
  return schedules[schedule].comfyui;
}

const char *
sampler_schedule_a1111_name (SamplerSchedule schedule)
{
  g_return_val_if_fail (schedule < SAMPLER_N_SCHEDULES, NULL);
  return schedules[schedule].a1111;
}

static char *
fold (const char *name)
{
  GString *key = g_string_new (NULL);

  for (const char *p = name; *p != '\0'; p++)
    if (strchr (" _-", *p) == NULL)
      g_string_append_c (key, *p == '+' ? 'p' : g_ascii_tolower (*p));
  return g_string_free (key, FALSE);
}

/* Index of the name of which the first @length bytes of @key are a spelling, or -1. */
static int
find (const Name *names, guint n, const char *key, gsize length)
{
  for (guint i = 0; i < n; i++)
    for (guint j = 0; names[i].keys[j] != NULL; j++)
      if (strlen (names[i].keys[j]) == length
          && memcmp (names[i].keys[j], key, length) == 0)
        return (int) i;
  return -1;
}

static void
set_unknown (
    GError **error, const char *format, const char *name, const Name *names, guint n)
{
  g_autoptr (GString) list = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append_printf (list, "%s%s", i > 0 ? ", " : "", names[i].comfyui);
  g_set_error (error, SAMPLER_ERROR, SAMPLER_ERROR_NAME, format, name, list->str);
}

gboolean
sampler_parse (const char *name,
               SamplerKind *kind,
               SamplerSchedule *schedule,
               GError **error)
{
  g_autofree char *key = fold (name);
  int found = find (kinds, SAMPLER_N_KINDS, key, strlen (key));

  for (guint i = 0; found < 0 && i < G_N_ELEMENTS (suffixes); i++)
    {
      if (!g_str_has_suffix (key, suffixes[i].key))
        continue;
      found = find (kinds, SAMPLER_N_KINDS, key, strlen (key) - strlen (suffixes[i].key));
      if (found >= 0 && schedule != NULL)
        *schedule = suffixes[i].schedule;
    }
  if (found < 0)
    {
      set_unknown (error, _ ("“%s” is not a known sampler; there are %s"), name, kinds,
                   SAMPLER_N_KINDS);
      return FALSE;
    }
  if (kind != NULL)
    *kind = (SamplerKind) found;
  return TRUE;
}

gboolean
sampler_schedule_parse (const char *name, SamplerSchedule *schedule, GError **error)
{
  g_autofree char *key = fold (name);
  int found = find (schedules, SAMPLER_N_SCHEDULES, key, strlen (key));

  if (found < 0)
    {
      set_unknown (error, _ ("“%s” is not a known schedule; there are %s"), name,
                   schedules, SAMPLER_N_SCHEDULES);
      return FALSE;
    }
  if (schedule != NULL)
    *schedule = (SamplerSchedule) found;
  return TRUE;
}
