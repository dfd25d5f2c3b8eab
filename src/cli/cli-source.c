/* cli-source.c: options of a picture that is made from another one
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "cli/cli-source.h"
#include "image/image-mask.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Of the size that a model was made for: what is larger is not made at once unless a size
 * is given. */
#define MOST_AREA 2.25
#define EXTEND_PADDING 128 /* what a new part must see of the picture */

CliSource cli_source;

static const GOptionEntry own_entries[] = {
  { "init-image", 'i', 0, G_OPTION_ARG_FILENAME, &cli_source.image,
    "Begin from this picture; where it is transparent it is made anew", "FILE.png" },
  { "strength", 0, 0, G_OPTION_ARG_FILENAME, &cli_source.strength,
    "How much it may change: 0 to 1, 0.75 if not given", "X" },
  { "exact-steps", 0, 0, G_OPTION_ARG_NONE, &cli_source.exact_steps,
    "Make --steps steps whatever the strength", NULL },
  { "denoise", 0, 0, G_OPTION_ARG_FILENAME, &cli_source.denoise,
    "Strength by ComfyUI's rule, which makes all steps", "X" },
  { "resize", 0, 0, G_OPTION_ARG_FILENAME, &cli_source.resize,
    "How it becomes --width by --height: cut, with its edges continued, or distorted",
    "crop|fill|stretch" },
  { "mask", 0, 0, G_OPTION_ARG_FILENAME, &cli_source.mask,
    "Only what is white here is made anew; of the picture's size", "FILE.png" },
  { "mask-blur", 0, 0, G_OPTION_ARG_FILENAME, &cli_source.mask_blur,
    "Blur the mask's edge by so many pixels; 0 if not given", "N" },
  { "masked-content", 0, 0, G_OPTION_ARG_FILENAME, &cli_source.masked,
    "What the masked part begins from", "original|fill|noise|nothing" },
  { "only-masked", 0, 0, G_OPTION_ARG_NONE, &cli_source.only_masked,
    "Make the masked part alone, at full size, and put it back", NULL },
  { "padding", 0, 0, G_OPTION_ARG_FILENAME, &cli_source.padding,
    "Pixels around it that are seen then; 32 if not given", "N" },
  { "soft-mask", 0, 0, G_OPTION_ARG_NONE, &cli_source.soft,
    "Greys of the mask mix old and new in each step", NULL },
  { "extend", 0, 0, G_OPTION_ARG_FILENAME, &cli_source.extend,
    "Pixels to add on each side, multiples of 8", "LEFT,TOP,RIGHT,BOTTOM" },
  { "overlap", 0, 0, G_OPTION_ARG_FILENAME, &cli_source.overlap,
    "Pixels of the picture that are mixed with the new part; 32 if not given", "N" },
  { "seam-pass", 0, 0, G_OPTION_ARG_NONE, &cli_source.seam_pass,
    "Go over the seam of the new part once more", NULL },
  { "instruct", 0, 0, G_OPTION_ARG_FILENAME, &cli_source.instruct,
    "What to change in it, in words; for instruction models", "TEXT" },
  { "image-cfg", 0, 0, G_OPTION_ARG_FILENAME, &cli_source.image_cfg,
    "Guidance by the picture then; 1.5 if not given", "X" },
  { NULL },
};

GOptionEntry *
cli_source_join (const GOptionEntry *entries)
{
  guint n = 0;

  while (entries[n].long_name != NULL)
    n++;
  GOptionEntry *all = g_new (GOptionEntry, n + G_N_ELEMENTS (own_entries));
  memcpy (all, entries, n * sizeof *all);
  memcpy (all + n, own_entries, sizeof own_entries);
  return all;
}

static gboolean
bad (GError **error, const char *option, const char *value, const char *wanted)
{
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               "%s is “%s”, but must be %s", option, value, wanted);
  return FALSE;
}

static gboolean
read_number (const char *option, const char *text, double *to, GError **error)
{
  char *end;
  double value;

  if (text == NULL)
    return TRUE;
  value = g_ascii_strtod (text, &end);
  if (end == text || *end != '\0' || !isfinite (value))
    return bad (error, option, text, "a number");
  *to = value;
  return TRUE;
}

static gboolean
read_uint (const char *option, const char *text, guint *to, GError **error)
{
  guint64 value;

  if (text == NULL)
    return TRUE;
  if (!g_ascii_string_to_unsigned (text, 10, 0, IMAGE_MAX_SIDE, &value, NULL))
    return bad (error, option, text, "a whole number of pixels");
  *to = (guint) value;
  return TRUE;
}

static gboolean
read_word (const char *option,
           const char *text,
           const char *const *words,
           const char *wanted,
           guint *to,
           GError **error)
{
  if (text == NULL)
    return TRUE;
  for (guint i = 0; words[i] != NULL; i++)
    if (g_ascii_strcasecmp (text, words[i]) == 0)
      {
        *to = i;
        return TRUE;
      }
  return bad (error, option, text, wanted);
}

static gboolean
read_extend (SdSource *source, GError **error)
{
  if (cli_source.extend == NULL)
    return TRUE;
  g_auto (GStrv) sides = g_strsplit (cli_source.extend, ",", -1);
  gboolean good = g_strv_length (sides) == 4;

  for (guint i = 0; i < 4 && good; i++)
    good = read_uint ("--extend", g_strstrip (sides[i]), &source->extend[i], NULL);
  return good
         || bad (error, "--extend", cli_source.extend,
                 "four whole numbers, as in 0,0,64,0: left, top, right, bottom");
}

/* Only what was said; the rest stays as sd_source_new() has it. */
static gboolean
read_options (SdSource *source, GError **error)
{
  static const char *const resizes[] = { "crop", "fill", "stretch", NULL };
  static const char *const contents[] = { "original", "fill", "noise", "nothing", NULL };
  guint resize = source->resize, masked = source->masked;

  if (!read_number ("--strength", cli_source.strength, &source->strength, error)
      || !read_number ("--denoise", cli_source.denoise, &source->strength, error)
      || !read_number ("--image-cfg", cli_source.image_cfg, &source->image_cfg, error)
      || !read_uint ("--padding", cli_source.padding, &source->padding, error)
      || !read_uint ("--mask-blur", cli_source.mask_blur, &source->mask_blur, error)
      || !read_uint ("--overlap", cli_source.overlap, &source->overlap, error)
      || !read_word ("--resize", cli_source.resize, resizes, "crop, fill or stretch",
                     &resize, error)
      || !read_word ("--masked-content", cli_source.masked, contents,
                     "original, fill, noise or nothing", &masked, error)
      || !read_extend (source, error))
    return FALSE;
  source->resize = (SdResize) resize;
  source->masked = (SdMasked) masked;
  source->denoise = cli_source.denoise != NULL;
  source->exact_steps = cli_source.exact_steps;
  source->only_masked = cli_source.only_masked;
  source->soft = cli_source.soft;
  source->instruct = cli_source.instruct != NULL;
  return TRUE;
}

/* ---- what options ask of each other ---- */

static gboolean
check_options (GError **error)
{
  const struct
  {
    const char *option;
    gboolean given;
  } with_picture[] = {
    { "--strength", cli_source.strength != NULL },
    { "--denoise", cli_source.denoise != NULL },
    { "--exact-steps", cli_source.exact_steps },
    { "--resize", cli_source.resize != NULL },
    { "--mask", cli_source.mask != NULL },
    { "--masked-content", cli_source.masked != NULL },
    { "--only-masked", cli_source.only_masked },
    { "--extend", cli_source.extend != NULL },
    { "--instruct", cli_source.instruct != NULL },
    { "--image-cfg", cli_source.image_cfg != NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (with_picture) && cli_source.image == NULL; i++)
    if (with_picture[i].given)
      {
        g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                     "%s says how a picture is changed: name the picture with "
                     "--init-image",
                     with_picture[i].option);
        return FALSE;
      }
  if (cli_source.strength != NULL && cli_source.denoise != NULL)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "--strength and --denoise are two rules for the same: give one");
      return FALSE;
    }
  if (cli_source.seam_pass && cli_source.extend == NULL)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "--seam-pass goes over the seam of a part that --extend adds");
      return FALSE;
    }
  return TRUE;
}

static void tell (gboolean quiet, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
tell (gboolean quiet, const char *format, ...)
{
  va_list args;
  if (quiet)
    return;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  fprintf (stderr, "calotype-cli: %s\n", text);
}

/* ---- the mask ---- */

static gboolean
read_mask (SdSource *source, gboolean quiet, GError **error)
{
  if (cli_source.mask != NULL)
    {
      source->mask = image_mask_load (cli_source.mask, source->image->width,
                                      source->image->height, error);
      if (source->mask == NULL)
        return FALSE;
    }
  else if (source->image->channels == 4 && !source->instruct)
    {
      source->mask = image_mask_from_alpha (source->image);
      if (source->mask != NULL)
        tell (quiet, "the picture's transparent part is taken as the mask");
      /* Nobody has seen what lies there. */
      if (source->mask != NULL && cli_source.masked == NULL)
        source->masked = SD_MASKED_FILL;
    }
  if (source->mask != NULL && source->mask_blur > 0
      && !image_mask_blur (source->mask, source->mask_blur))
    {
      g_set_error (error, NN_ERROR, NN_ERROR_MEMORY, "no memory to blur the mask");
      return FALSE;
    }
  return TRUE;
}

/* ---- the size ---- */

static guint
to_eight (double side)
{
  return MAX ((guint) (side / 8 + 0.5), 1) * 8;
}

/* Of the proportions w : h, of @area pixels at most. */
static void
fit_area (SdParams *params, double w, double h, double area)
{
  double scale = sqrt (MIN (1.0, area / (w * h)));

  params->width = to_eight (w * scale);
  params->height = to_eight (h * scale);
}

/* Where no size was given: the picture's own; of a large one with a mask that part alone,
 * so that the rest stays as it is; a large one without is made smaller. */
static void
choose_size (SdParams *params, const SdInfo *info, gboolean quiet)
{
  SdSource *source = params->source;
  guint w = source->image->width + source->extend[0] + source->extend[2];
  guint h = source->image->height + source->extend[1] + source->extend[3];
  gboolean grows = cli_source.extend != NULL, keeps = source->mask != NULL || grows;
  double own = (double) info->width * info->height, area = (double) w * h;

  if (keeps && (source->only_masked || area > MOST_AREA * own))
    {
      if (!source->only_masked)
        tell (
            quiet,
            "the picture of %u×%u is large for the model: only the masked part is made, "
            "at %u×%u",
            w, h, info->width, info->height);
      source->only_masked = TRUE;
      if (grows && cli_source.padding == NULL)
        source->padding = MAX (source->padding, EXTEND_PADDING);
      return;
    }
  if (keeps)
    {
      params->width = (w + 7) / 8 * 8;
      params->height = (h + 7) / 8 * 8;
      return;
    }
  fit_area (params, w, h, MOST_AREA * own);
  if (area > MOST_AREA * own)
    tell (quiet, "the picture of %u×%u is large for the model: it is made at %u×%u", w, h,
          params->width, params->height);
}

gboolean
cli_source_fill (SdParams *params,
                 const SdInfo *info,
                 int width,
                 int height,
                 gboolean quiet,
                 GError **error)
{
  ImageBuffer *image;

  if (!check_options (error))
    return FALSE;
  if (cli_source.image == NULL)
    return TRUE;
  if (cli_source.instruct != NULL && !g_utf8_validate (cli_source.instruct, -1, NULL))
    return bad (error, "--instruct", "not UTF-8", "text in UTF-8");
  image = image_png_load (cli_source.image, NULL, error);
  if (image == NULL)
    {
      g_prefix_error (error, "%s: ", cli_source.image);
      return FALSE;
    }
  params->source = sd_source_new (image);
  params->source->path = g_strdup (cli_source.image);
  if (!read_options (params->source, error) || !read_mask (params->source, quiet, error))
    return FALSE;
  if (cli_source.instruct != NULL)
    {
      g_free (params->prompt);
      params->prompt = g_strdup (cli_source.instruct);
    }
  if (width == G_MININT && height == G_MININT)
    choose_size (params, info, quiet);
  return TRUE;
}
