/* image-meta-names.c: one name for what other programs call by several
 *
 * ComfyUI's spelling is ours. All samplers that A1111 and ComfyUI have are listed, not
 * only those that this program has: a picture is to be described as it was made.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "image/image-private.h"

#include <string.h>

typedef struct
{
  const char *comfyui, *a1111;
  const char *other[4];  /* further spellings, folded */
  const char *automatic; /* the schedule that A1111 takes by itself; NULL: normal */
} Name;

static const Name samplers[] = {
  { "euler", "Euler", { "keuler" } },
  { "euler_ancestral", "Euler a", { "keulera", "keulerancestral" } },
  { "heun", "Heun", { "kheun" } },
  { "dpm_2", "DPM2", { "kdpm2" }, "karras" },
  { "dpm_2_ancestral", "DPM2 a", { "kdpm2a", "kdpm2ancestral" }, "karras" },
  { "lms", "LMS", { "klms" } },
  { "dpm_fast", "DPM fast" },
  { "dpm_adaptive", "DPM adaptive" },
  { "dpmpp_2s_ancestral", "DPM++ 2S a", { "kdpmpp2sa", "kdpmpp2sancestral" }, "karras" },
  { "dpmpp_sde", "DPM++ SDE", { "kdpmppsde", "dpmppsdegpu" }, "karras" },
  { "dpmpp_2m", "DPM++ 2M", { "kdpmpp2m" }, "karras" },
  { "dpmpp_2m_sde", "DPM++ 2M SDE", { "dpmpp2msdegpu" }, "exponential" },
  { "dpmpp_2m_sde_heun", "DPM++ 2M SDE Heun", { NULL }, "exponential" },
  { "dpmpp_3m_sde", "DPM++ 3M SDE", { "dpmpp3msdegpu" }, "exponential" },
  { "restart", "Restart", { NULL }, "karras" },
  { "ddim", "DDIM", { "plainddim" } },
  { "plms", "PLMS" },
  { "uni_pc", "UniPC" },
  { "lcm", "LCM" },
  { "ddpm", "DDPM" },
  { "heunpp2", "HeunPP2" },
  { "ipndm", "IPNDM" },
  { "ipndm_v", "IPNDM_V" },
  { "deis", "DEIS" },
};

static const Name schedules[] = {
  { "normal", "Normal", { "uniform", "discrete" } },
  { "karras", "Karras" },
  { "exponential", "Exponential" },
  { "polyexponential", "Polyexponential" },
  { "sgm_uniform", "SGM Uniform" },
  { "simple", "Simple" },
  { "ddim_uniform", "DDIM" },
  { "beta", "Beta" },
  { "kl_optimal", "KL Optimal" },
  { "align_your_steps", "Align Your Steps", { "ays" } },
  { "turbo", "Turbo" },
};

/* What may follow a sampler's name in older files: "DPM++ 2M Karras", "dpmpp_2m_k". */
static const char *const suffixes[][2] = {
  { "karras", "karras" },           { "polyexponential", "polyexponential" },
  { "exponential", "exponential" }, { "sgmuniform", "sgm_uniform" },
  { "simple", "simple" },           { "k", "karras" },
};

static char *
fold (const char *name)
{
  GString *key = g_string_new (NULL);

  for (; *name != '\0'; name++)
    if (strchr (" _-", *name) == NULL)
      g_string_append_c (key, *name == '+' ? 'p' : g_ascii_tolower (*name));
  return g_string_free (key, FALSE);
}

static gboolean
is_spelling (const char *known, const char *key)
{
  g_autofree char *folded = fold (known);

  return g_str_equal (folded, key);
}

static const Name *
find (const Name *names, guint n, const char *key)
{
  for (guint i = 0; i < n; i++)
    {
      if (is_spelling (names[i].comfyui, key) || is_spelling (names[i].a1111, key))
        return &names[i];
      for (guint j = 0; j < G_N_ELEMENTS (names[i].other) && names[i].other[j] != NULL;
           j++)
        if (g_str_equal (names[i].other[j], key))
          return &names[i];
    }
  return NULL;
}

static const Name *
find_sampler (const char *name)
{
  g_autofree char *key = fold (name);

  return find (samplers, G_N_ELEMENTS (samplers), key);
}

static void
replace (char **field, const char *value)
{
  char *copy = g_strdup (value);

  g_free (*field);
  *field = copy;
}

void
image_meta_set_sampler (ImageMeta *meta, const char *name)
{
  g_autofree char *key = fold (name);
  const Name *found = find (samplers, G_N_ELEMENTS (samplers), key);

  if (key[0] == '\0' || g_str_equal (key, "undefined")) /* Civitai writes "Undefined" */
    return;
  for (guint i = 0; found == NULL && i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *stem = NULL;

      if (!g_str_has_suffix (key, suffixes[i][0]))
        continue;
      stem = g_strndup (key, strlen (key) - strlen (suffixes[i][0]));
      found = find (samplers, G_N_ELEMENTS (samplers), stem);
      if (found != NULL)
        replace (&meta->schedule, suffixes[i][1]);
    }
  replace (&meta->sampler, found != NULL ? found->comfyui : name);
}

void
image_meta_set_schedule (ImageMeta *meta, const char *name)
{
  g_autofree char *key = fold (name);
  const Name *found = find (schedules, G_N_ELEMENTS (schedules), key);
  const Name *sampler;

  if (key[0] == '\0')
    return;
  if (found != NULL)
    {
      replace (&meta->schedule, found->comfyui);
      return;
    }
  if (!g_str_equal (key, "automatic"))
    {
      replace (&meta->schedule, name);
      return;
    }
  sampler = meta->sampler != NULL ? find_sampler (meta->sampler) : NULL;
  if (sampler != NULL)
    replace (&meta->schedule, sampler->automatic != NULL ? sampler->automatic : "normal");
}

void
image_meta_count_ddim_steps (ImageMeta *meta)
{
  int stride;

  if (meta->steps < 1 || meta->steps > 1000
      || g_strcmp0 (meta->schedule, "ddim_uniform") != 0)
    return;
  stride = MAX (1000 / meta->steps, 1);
  meta->steps = (999 + stride - 1) / stride;
}

void
image_meta_set_rng (ImageMeta *meta, const char *name)
{
  static const char *const known[][2] = {
    { "cpu", "cpu" },
    { "nv", "nv" },
    { "cuda", "nv" },
    { "gpu", "gpu" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (g_ascii_strcasecmp (name, known[i][0]) == 0)
      replace (&meta->rng, known[i][1]);
}

const char *
image_sampler_a1111_label (const char *name)
{
  const Name *found = find_sampler (name);

  return found != NULL ? found->a1111 : name;
}

const char *
image_schedule_a1111_label (const char *name)
{
  g_autofree char *key = fold (name);
  const Name *found = find (schedules, G_N_ELEMENTS (schedules), key);

  return found != NULL ? found->a1111 : name;
}
