/* sd-lora-names.c: which weight a key of a LoRA means, however it was spelled
 *
 * A key is a module's name and, behind it, what the tensor is to it. Modules are written
 * with dots or with underscores instead, in a single file's spelling or in diffusers',
 * with one of many starts. So every name that the model's weights have is made in both
 * spellings and without its dots, and a module's is looked up without its start and its
 * dots: nothing is guessed from underscores.
 *
 *     lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight      kohya
 *     lora_unet_input_blocks_1_1_proj_in.lora_down.weight                kohya, of XL
 *     unet.down_blocks.0.attentions.0.proj_in.lora_A.weight              diffusers
 *     base_model.model.down_blocks.0.attentions.0.proj_in.lora_A.weight  PEFT
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "sd/sd-lora-private.h"
#include "sd/sd-names-private.h"

#include <string.h>

#define MOST_NAME 1024 /* bytes of a key; longer ones are nothing known */

/* Longer ones first where one ends as another does. */
static const struct
{
  const char *end;
  SdLoraRole role;
} ends[] = {
  { ".lora_down.weight", SD_LORA_DOWN },
  { ".lora_up.weight", SD_LORA_UP },
  { ".lora_mid.weight", SD_LORA_MID },
  { ".lora_linear_layer.down.weight", SD_LORA_DOWN },
  { ".lora_linear_layer.up.weight", SD_LORA_UP },
  { ".lora.down.weight", SD_LORA_DOWN },
  { ".lora.up.weight", SD_LORA_UP },
  { "_lora.down.weight", SD_LORA_DOWN },
  { "_lora.up.weight", SD_LORA_UP },
  { ".lora_A.default.weight", SD_LORA_DOWN },
  { ".lora_B.default.weight", SD_LORA_UP },
  { ".lora_A.weight", SD_LORA_DOWN },
  { ".lora_B.weight", SD_LORA_UP },
  { ".lora_magnitude_vector.default.weight", SD_LORA_MAGNITUDE },
  { ".lora_magnitude_vector.weight", SD_LORA_MAGNITUDE },
  { ".lora_magnitude_vector.default", SD_LORA_MAGNITUDE },
  { ".lora_magnitude_vector", SD_LORA_MAGNITUDE },
  { ".lora_down", SD_LORA_DOWN },
  { ".lora_up", SD_LORA_UP },
  { ".lora_mid", SD_LORA_MID },
  { ".lora_A", SD_LORA_DOWN },
  { ".lora_B", SD_LORA_UP },
  { "_lora.alpha", SD_LORA_ALPHA },
  { ".lora.alpha", SD_LORA_ALPHA },
  { ".alpha", SD_LORA_ALPHA },
  { ".dora_scale", SD_LORA_DORA },
  { ".hada_w1_a", SD_LORA_HADA_W1_A },
  { ".hada_w1_b", SD_LORA_HADA_W1_B },
  { ".hada_w2_a", SD_LORA_HADA_W2_A },
  { ".hada_w2_b", SD_LORA_HADA_W2_B },
  { ".hada_t1", SD_LORA_HADA_T1 },
  { ".hada_t2", SD_LORA_HADA_T2 },
  { ".lokr_w1_a", SD_LORA_KRON_W1_A },
  { ".lokr_w1_b", SD_LORA_KRON_W1_B },
  { ".lokr_w1", SD_LORA_KRON_W1 },
  { ".lokr_w2_a", SD_LORA_KRON_W2_A },
  { ".lokr_w2_b", SD_LORA_KRON_W2_B },
  { ".lokr_w2", SD_LORA_KRON_W2 },
  { ".lokr_t2", SD_LORA_KRON_T2 },
  { ".diff_b", SD_LORA_DIFF_B },
  { ".b_norm", SD_LORA_DIFF_B },
  { ".diff", SD_LORA_DIFF },
  { ".w_norm", SD_LORA_DIFF },
  { ".on_input", SD_LORA_ON_INPUT },
  { ".weight", SD_LORA_VECTOR },
};

/* Kinds that are known and not applied: what their keys hold. */
static const struct
{
  const char *text, *kind;
  gboolean at_end;
} others[] = {
  { ".oft_blocks", "OFT", TRUE },
  { ".oft_diag", "OFT", TRUE },
  { ".oft_R.weight", "OFT", TRUE },
  { ".a1.weight", "GLoRA", TRUE },
  { ".a2.weight", "GLoRA", TRUE },
  { ".b1.weight", "GLoRA", TRUE },
  { ".b2.weight", "GLoRA", TRUE },
  { ".set_weight", "set_weight", TRUE },
  { ".ia3_l", "IA3 (PEFT)", TRUE },
  { ".ia3_l.weight", "IA3 (PEFT)", TRUE },
  { ".lora_embedding_A", "LoRA of embeddings", TRUE },
  { ".lora_embedding_B", "LoRA of embeddings", TRUE },
  { ".lora_B.bias", "LoRA with a bias", TRUE },
  { ".lora_up.bias", "LoRA with a bias", TRUE },
  { ".hypernetwork.", "hypernetwork", FALSE },
  { "bundle_emb.", "bundled embedding", FALSE },
};

gboolean
sd_lora_name_parse (const char *name,
                    SdLoraRole *role,
                    gsize *length,
                    const char **unsupported)
{
  *unsupported = NULL;
  if (strlen (name) > MOST_NAME)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    if (others[i].at_end ? g_str_has_suffix (name, others[i].text)
                         : strstr (name, others[i].text) != NULL)
      {
        *unsupported = others[i].kind;
        return FALSE;
      }
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    if (g_str_has_suffix (name, ends[i].end))
      {
        *role = ends[i].role;
        *length = strlen (name) - strlen (ends[i].end);
        return *length > 0;
      }
  return FALSE;
}

/* ---- the model's names ---- */

typedef enum
{
  PART_UNET,
  PART_TEXT,
  PART_TEXT_2,
  N_PARTS
} Part;

static const char *const roots[N_PARTS] = {
  [PART_UNET] = SD_NAMES_UNET,
  [PART_TEXT] = SD_NAMES_TEXT,
  [PART_TEXT_2] = SD_NAMES_TEXT_2,
};

struct _SdLoraTargets
{
  GPtrArray *list;            /* SdLoraTarget, owned */
  GHashTable *table[N_PARTS]; /* name without dots → SdLoraTarget */
  SdNames *names;
  SdNamesDiffusersOf *diffusers;
};

static void
target_free (gpointer data)
{
  SdLoraTarget *target = data;
  g_free (target->weight);
  g_free (target->bias);
  g_free (target);
}

static char *
without_dots (const char *name, gsize length)
{
  return g_strdelimit (g_strndup (name, length), ".", '_');
}

static void
add_alias (SdLoraTargets *targets, Part part, const char *name, SdLoraTarget *target)
{
  char *flat = without_dots (name, strlen (name));

  if (g_hash_table_contains (targets->table[part], flat))
    g_free (flat);
  else
    g_hash_table_insert (targets->table[part], flat, target);
}

static SdLoraTarget *
add_target (SdLoraTargets *targets, const char *weight, const StTensor *tensor, Part part)
{
  SdLoraTarget *target = g_new0 (SdLoraTarget, 1);

  target->weight = g_strdup (weight);
  target->text = part != PART_UNET;
  target->vector = tensor->rank == 1;
  target->conv = tensor->rank == 4;
  target->out = tensor->shape[0];
  target->in = tensor->rank > 1 ? tensor->shape[1] : 1;
  target->taps = target->conv ? tensor->shape[2] * tensor->shape[3] : 1;
  target->bias = g_strdup_printf ("%.*s.bias",
                                  (int) (strlen (weight) - strlen (".weight")), weight);
  if (!sd_names_has (targets->names, target->bias))
    g_clear_pointer (&target->bias, g_free);
  g_ptr_array_add (targets->list, target);
  return target;
}

/* OpenCLIP's one matrix for query, key and value: files name the three. */
static void
add_stacked (SdLoraTargets *targets,
             const char *weight,
             const StTensor *tensor,
             Part part,
             const char *module,
             gsize length)
{
  static const char *const three[] = { "q_proj", "k_proj", "v_proj" };
  gsize begin = length - strlen ("in_proj");

  for (guint i = 0; i < 3; i++)
    {
      SdLoraTarget *target = add_target (targets, weight, tensor, part);
      g_autofree char *name = g_strdup_printf ("%.*s%s", (int) begin, module, three[i]);

      target->out /= 3;
      target->first = i * target->out;
      add_alias (targets, part, name, target);
    }
}

static void
add_name (const char *name, const StModelTensor *found, gpointer user_data)
{
  SdLoraTargets *targets = user_data;
  const StTensor *tensor = found->tensor;
  Part part = 0;

  while (part < N_PARTS && !g_str_has_prefix (name, roots[part]))
    part++;
  if (part == N_PARTS || !g_str_has_suffix (name, ".weight")
      || (tensor->rank != 1 && tensor->rank != 2 && tensor->rank != 4)
      || tensor->count == 0)
    return;
  g_autofree char *module
      = g_strndup (name + strlen (roots[part]),
                   strlen (name) - strlen (roots[part]) - strlen (".weight"));
  if (g_str_has_prefix (module, "embeddings."))
    return;
  if (part != PART_UNET && g_str_has_suffix (module, ".in_proj") && tensor->rank == 2
      && tensor->shape[0] % 3 == 0)
    {
      add_stacked (targets, name, tensor, part, module, strlen (module));
      return;
    }
  SdLoraTarget *target = add_target (targets, name, tensor, part);
  add_alias (targets, part, module, target);
  if (part != PART_UNET)
    return;
  g_autofree char *other = sd_names_diffusers_of (targets->diffusers, module);
  if (other != NULL)
    add_alias (targets, part, other, target);
}

SdLoraTargets *
sd_lora_targets_new (SdNames *names)
{
  SdLoraTargets *targets = g_new0 (SdLoraTargets, 1);

  targets->list = g_ptr_array_new_with_free_func (target_free);
  targets->names = names;
  targets->diffusers = sd_names_diffusers_of_new (names);
  for (guint i = 0; i < N_PARTS; i++)
    targets->table[i] = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  sd_names_foreach (names, add_name, targets);
  g_clear_pointer (&targets->diffusers, sd_names_diffusers_of_free);
  targets->names = NULL;
  return targets;
}

void
sd_lora_targets_free (SdLoraTargets *targets)
{
  if (targets == NULL)
    return;
  for (guint i = 0; i < N_PARTS; i++)
    g_hash_table_unref (targets->table[i]);
  g_ptr_array_unref (targets->list);
  g_free (targets);
}

/* ---- looking up ---- */

/* What stands in front of a module, and where it sends us; taken off one after the other.
 */
static const struct
{
  const char *start;
  int part; /* −1: as it was */
} starts[] = {
  { "base_model.model.", -1 },
  { "lora_unet_", PART_UNET },
  { "lora_te1_", PART_TEXT },
  { "lora_te2_", PART_TEXT_2 },
  { "lora_te_", PART_TEXT },
  { "lycoris_unet_", PART_UNET },
  { "lycoris_te1_", PART_TEXT },
  { "lycoris_te2_", PART_TEXT_2 },
  { "lycoris_te_", PART_TEXT },
  { "lycoris_", -1 },
  { "text_encoder_2.", PART_TEXT_2 },
  { "text_encoder.", PART_TEXT },
  { "unet.", PART_UNET },
  { "model.diffusion_model.", PART_UNET },
  { "diffusion_model.", PART_UNET },
};

/* Old spellings of attention: "processor.to_q", "to_out" without its number, and in text
 * encoders the UNet's words. */
static const struct
{
  const char *from, *to;
} older[] = {
  { "_processor_", "_" }, { "_to_out", "_to_out_0" }, { "_to_q", "_q_proj" },
  { "_to_k", "_k_proj" }, { "_to_v", "_v_proj" },     { "_to_out_0", "_out_proj" },
};

static const SdLoraTarget *
find_flat (const SdLoraTargets *targets, int part, const char *flat)
{
  const char *inner
      = g_str_has_prefix (flat, "text_model_") ? flat + strlen ("text_model_") : flat;
  const SdLoraTarget *found = NULL;

  if (part <= PART_UNET)
    found = g_hash_table_lookup (targets->table[PART_UNET], flat);
  if (found == NULL && part != PART_UNET)
    found = g_hash_table_lookup (
        targets->table[part == PART_TEXT_2 ? PART_TEXT_2 : PART_TEXT], inner);
  return found;
}

/* (transfer full): @flat with its first @from exchanged */
static char *
exchange (const char *flat, const char *from, const char *to)
{
  const char *at = strstr (flat, from);

  return g_strdup_printf ("%.*s%s%s", (int) (at - flat), flat, to, at + strlen (from));
}

/* @name without its starts; @part: where they send us, or −1 */
static const char *
skip_starts (const char *name, int *part)
{
  guint i = 0;

  *part = -1;
  while (i < G_N_ELEMENTS (starts))
    if (g_str_has_prefix (name, starts[i].start))
      {
        name += strlen (starts[i].start);
        *part = starts[i].part >= 0 ? starts[i].part : *part;
        i = 0;
      }
    else
      i++;
  return name;
}

const SdLoraTarget *
sd_lora_targets_find (SdLoraTargets *targets, const char *module, gsize length)
{
  g_autofree char *name = g_strndup (module, length);
  int part;
  const char *rest = skip_starts (name, &part);
  g_autofree char *flat = without_dots (rest, strlen (rest));
  const SdLoraTarget *found = find_flat (targets, part, flat);

  for (guint i = 0; found == NULL && i < G_N_ELEMENTS (older); i++)
    if (strstr (flat, older[i].from) != NULL)
      {
        char *next = exchange (flat, older[i].from, older[i].to);
        g_free (flat);
        flat = next;
        found = find_flat (targets, part, flat);
      }
  return found;
}
