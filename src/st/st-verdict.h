/* st-verdict.h: what a model is, told by names and shapes; no value is read
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "st/st.h"

/* A group of tensors with a name for people. */
typedef struct
{
  const char *id;     /* "body", "text", "vae" … */
  const char *title;  /* translated */
  const char *prefix; /* what stands in front of its tensors' names */
  guint n_tensors;
  guint64 bytes;
} StVerdictPart;

/* Names that differ in numbers only. */
typedef struct
{
  char *text; /* "layers.#.attn.q.weight" */
  guint n_tensors;
  guint64 bytes;
} StVerdictPattern;

/* Immutable. Strings that are const belong to the table of what is known, or are
 * translated texts; they live as long as the program. */
typedef struct
{
  const char *id;          /* (nullable): "sdxl-base"; NULL where nothing fits */
  const char *kind;        /* "image", "lora", "vae" …; "unknown", "empty" */
  const char *name;        /* (nullable): proper name */
  const char *variant;     /* (nullable): "base", "refiner", "inpainting" … */
  const char *family;      /* (nullable): "sdxl": what networks are made for */
  const char *form;        /* (nullable): of a LoRA: "kohya", "diffusers", "peft" … */
  const char *base_name;   /* (nullable): of a network: what it is for */
  const char *base_family; /* (nullable) */
  char *config;            /* (nullable): model_type of the config.json beside it */
  gboolean by_config;      /* that decided */
  char *
      hub_repository; /* (nullable): "OWNER/NAME" where it lies in Hugging Face's cache */
  char *hub_revision; /* (nullable) */
  char *title;        /* "Stable Diffusion XL base", "A LoRA for Flux" */
  char *details;      /* (nullable): "rank 16, named as kohya's scripts do" */
  StDtype dtype;      /* of most bytes */
  guint n_tensors;
  guint64 bytes;
  guint64 parameters; /* values of the network, packed ones counted singly */
  guint n_companions; /* tensors that only serve others, as scales do */
  char **keys;        /* NULL-terminated: names of tensors that decided; may be empty */
  char *body_prefix;  /* (nullable): what stands before the main part's names */
  GArray *parts;      /* of StVerdictPart; those that are there */
  char **missing;     /* NULL-terminated: sentences */
  char **superfluous;
  GArray *patterns; /* of StVerdictPattern, the most numerous first; some dozens */
  guint n_patterns; /* of all names */
} StVerdict;

/**
 * st_verdict_new: holds the names of @model against the table of what is known
 *
 * Never fails: what fits nothing is "unknown", with the patterns of its names. Reads
 * config.json beside the file where it may decide. Time: some tenths of a second for half
 * a million tensors. Thread: any.
 */
StVerdict *st_verdict_new (StModel *model);
void st_verdict_free (StVerdict *verdict);
/** st_verdict_is: whether @kind is one of the kinds, "|" between: "image|video" */
gboolean st_verdict_is (const StVerdict *verdict, const char *kinds);
/** st_verdict_count_parts: how many of the parts have an id that begins with @id */
guint st_verdict_count_parts (const StVerdict *verdict, const char *id);
/** st_verdict_sentence: (transfer full): "Flux.1 dev, BF16, text encoders and VAE inside"
 */
char *st_verdict_sentence (const StVerdict *verdict);
/** st_verdict_join: (transfer full): @text, which is taken, and @more behind a comma */
char *st_verdict_join (char *text, const char *more);
/** st_verdict_write_json: the members of a verdict, into the object that is open */
void st_verdict_write_json (const StVerdict *verdict, BaseJson *json);

/**
 * st_part_title: (nullable): the name for people of the tensors below the group @path
 * ("first_stage_model", "vae"), translated
 * @transformer: of what makes the picture: whether it is one, else a UNet
 * @rank: (out) (optional): smaller for parts that stand before others
 */
const char *st_part_title (const char *path, gboolean transformer, guint *rank);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (StVerdict, st_verdict_free)
