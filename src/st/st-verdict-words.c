/* st-verdict-words.c: what the table of recognition says, in words
 *
 * The table holds proper names and identifiers; whatever is translated is here.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "st/st-verdict-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

static const struct
{
  const char *kind;
  const char *named; /* %s: proper name */
  const char *bare;
} kinds[] = {
  { "image", "%s", N_ ("An image generator") },
  { "video", N_ ("The video generator %s"), N_ ("A video generator") },
  { "image-other", "%s", N_ ("An image generator of a kind not known here") },
  { "part", "%s", N_ ("The UNet of a diffusers folder, alone") },
  { "lora", N_ ("A LoRA (%s)"), N_ ("A LoRA") },
  { "controlnet", "%s", N_ ("A ControlNet") },
  { "t2i-adapter", "%s", N_ ("A T2I-Adapter") },
  { "ip-adapter", "%s", N_ ("An IP-Adapter") },
  { "motion", N_ ("A motion module of %s"), N_ ("A motion module") },
  { "embedding", "%s", N_ ("A textual inversion") },
  { "vae", N_ ("The VAE of %s, alone"), N_ ("A VAE alone") },
  { "taesd", N_ ("The small VAE %s"), N_ ("A small VAE") },
  { "text-encoder", N_ ("The text encoder %s, alone"), N_ ("A text encoder alone") },
  { "upscaler", N_ ("The upscaler %s"), N_ ("An upscaler") },
  { "language", N_ ("The language model %s"), N_ ("The weights of a language model") },
  { "vision-language", N_ ("%s, a language model that sees"),
    N_ ("A language model that sees") },
  { "vision-text", N_ ("%s, which compares pictures with text"),
    N_ ("A model that compares pictures with text") },
  { "vision", N_ ("%s, a model that reads pictures"),
    N_ ("A model that reads pictures") },
  { "speech", N_ ("%s, a model of speech"), N_ ("A model of speech") },
  { "text", N_ ("%s, a model that reads text"), N_ ("A model that reads text") },
  { "named", N_ ("A model of the kind “%s”"), N_ ("Tensors of a kind not known here") },
  { "unknown", "%s", N_ ("Tensors of a kind not known here") },
  { "empty", "%s", N_ ("A file without tensors") },
};

static const struct
{
  const char *variant, *format;
} variants[] = {
  { "base", N_ ("%s base") },
  { "refiner", N_ ("%s refiner") },
  { "inpainting", N_ ("%s for inpainting") },
  /* Translators: changes a picture as it is told, as InstructPix2Pix does */
  { "instruction", N_ ("%s for instructions (pix2pix)") },
  { "depth", N_ ("%s with depth") },
  { "upscaler", N_ ("%s for upscaling") },
  { "variations", N_ ("%s for variations of a picture") },
};

static const struct
{
  const char *id, *title;
} parts[] = {
  { "body", N_ ("UNet") },
  { "text", N_ ("Text encoder") },
  { "text-1", N_ ("Text encoder 1") },
  { "text-2", N_ ("Text encoder 2") },
  { "text-3", N_ ("Text encoder 3") },
  { "text-clip-l", N_ ("Text encoder CLIP-L") },
  { "text-clip-g", N_ ("Text encoder OpenCLIP-bigG") },
  { "text-t5", N_ ("Text encoder T5") },
  { "text-other", N_ ("Text encoders") },
  { "vae", N_ ("VAE") },
  { "audio-vae", N_ ("VAE of sound") },
  { "vocoder", N_ ("Vocoder") },
  { "vision", N_ ("Image encoder") },
  { "language", N_ ("Language model") },
  { "projector", N_ ("Projector") },
  { "control", N_ ("ControlNet") },
  { "ema", N_ ("Averaged UNet (EMA)") },
  { "safety", N_ ("Safety checker") },
};

static const char *
find_variant (const char *variant)
{
  for (guint i = 0; variant != NULL && i < G_N_ELEMENTS (variants); i++)
    if (strcmp (variants[i].variant, variant) == 0)
      return variants[i].format;
  return NULL;
}

gboolean
st_words_known (const char *kind, const char *variant)
{
  if (variant != NULL && find_variant (variant) == NULL)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (strcmp (kinds[i].kind, kind) == 0)
      return TRUE;
  return FALSE;
}

/* A format with one %s, from the table of this file. */
static char *
fill (const char *format, const char *text)
{
  return g_strdup_printf (strcmp (format, "%s") == 0 ? format : _ (format), text);
}

/* "A LoRA" needs no name in brackets; nor does what is called as its kind is. */
static gboolean
says_enough (const StVerdict *verdict, const char *name)
{
  static const char *const plain[]
      = { "LoRA", "ControlNet", "T2I-Adapter", "IP-Adapter", "Textual inversion" };

  for (guint i = 0; i < G_N_ELEMENTS (plain); i++)
    if (g_strcmp0 (name, plain[i]) == 0)
      return TRUE;
  return verdict->n_tensors == 0;
}

char *
st_words_title (const StVerdict *verdict, const char *name)
{
  const char *variant = find_variant (verdict->variant);
  g_autofree char *whole = NULL, *title = NULL;

  if (name != NULL && !says_enough (verdict, name))
    whole = variant != NULL ? fill (variant, name) : g_strdup (name);
  for (guint i = 0; title == NULL && i < G_N_ELEMENTS (kinds); i++)
    if (strcmp (kinds[i].kind, verdict->kind) == 0)
      title = whole != NULL ? fill (kinds[i].named, whole) : g_strdup (_ (kinds[i].bare));
  if (title == NULL)
    title = g_strdup (whole != NULL ? whole : verdict->kind);
  if (verdict->base_name == NULL)
    return g_steal_pointer (&title);
  g_autofree char *goal = g_strdup_printf (_ (" for %s"), verdict->base_name);
  return g_strconcat (title, goal, NULL);
}

const char *
st_words_part (const char *id, gboolean transformer)
{
  if (transformer && strcmp (id, "body") == 0)
    return _ ("Transformer");
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    if (strcmp (parts[i].id, id) == 0)
      return _ (parts[i].title);
  return NULL;
}

char *
st_words_leftover (const char *id, guint n, guint64 bytes)
{
  static const struct
  {
    const char *id, *text;
  } texts[] = {
    { "ema", N_ ("a second copy of the UNet, averaged while training") },
    { "schedule", N_ ("constants of the noise, which programs compute") },
    { "positions", N_ ("numbers of positions, which programs compute") },
    { "training", N_ ("what only training needs") },
    { "unknown", N_ ("of no part that is known here") },
  };
  g_autofree char *size = g_format_size (bytes);
  const char *text = id;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    if (strcmp (texts[i].id, id) == 0)
      text = _ (texts[i].text);
  /* Translators: what it is for, how many tensors, and how many bytes */
  return g_strdup_printf (ngettext ("%s (%u tensor, %s)", "%s (%u tensors, %s)", n), text,
                          n, size);
}

/* Of the tensors that lead down to the rank, the first one's. */
static guint64
find_rank (StModel *model)
{
  static const struct
  {
    const char *text;
    guint side;
  } known[] = {
    { ".lora_down.weight", 0 }, { ".lora_A.", 0 },
    { ".lora_A", 0 },           { ".lora.down.weight", 0 },
    { "_lora.down.weight", 0 }, { ".lora_linear_layer.down.", 0 },
    { ".hada_w1_b", 0 },        { ".lokr_w2_b", 0 },
    { ".a1.weight", 0 },        { ".lora_up.weight", 1 },
  };
  const guint n = MIN (st_model_n_tensors (model), 4096);

  for (guint k = 0; k < G_N_ELEMENTS (known); k++)
    for (guint i = 0; i < n; i++)
      {
        const StModelTensor *t = st_model_tensor (model, i);

        if (t->tensor->rank >= 2 && strstr (t->name, known[k].text) != NULL)
          return t->tensor->shape[known[k].side];
      }
  return 0;
}

char *
st_words_lora (const StVerdict *verdict, StModel *model)
{
  const guint64 rank = find_rank (model);
  char *text = NULL;

  if (rank > 0)
    text = g_strdup_printf (_ ("rank %u"), (guint) MIN (rank, G_MAXUINT));
  if (verdict->form != NULL)
    {
      const char *form
          = strcmp (verdict->form, "kohya") == 0  ? _ ("named as kohya’s scripts do")
            : strcmp (verdict->form, "peft") == 0 ? _ ("named as PEFT does")
            : strcmp (verdict->form, "diffusers") == 0 ? _ ("named as diffusers did")
                                                       : _ ("named as LyCORIS does");
      text = text != NULL ? st_verdict_join (text, form) : g_strdup (form);
    }
  return text;
}
