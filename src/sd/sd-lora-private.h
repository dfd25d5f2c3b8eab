/* sd-lora-private.h: changes to a model's weights that files of their own bring
 *
 * The way of a LoRA: sd-lora-names.c says what each key is and which weight of the model
 * it means; sd-lora-file.c gathers keys to modules and reads their factors;
 * sd-lora-match.c puts modules to weights; sd-lora-change.c computes what they make of
 * one; sd-lora.c keeps what is in force, and SdWeights asks it for every weight it reads.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd-names.h"
#include "sd/sd.h"

/* ---- names ---- */

/* What a tensor is to its module. */
typedef enum
{
  SD_LORA_DOWN, /* [rank][in], or [rank][in][h][w] */
  SD_LORA_UP,   /* [out][rank] */
  SD_LORA_MID,  /* [rank][rank][h][w] between them: Tucker's core */
  SD_LORA_ALPHA,
  SD_LORA_DORA,      /* lengths of the rows, or of the columns */
  SD_LORA_MAGNITUDE, /* of the rows always */
  SD_LORA_HADA_W1_A,
  SD_LORA_HADA_W1_B,
  SD_LORA_HADA_W2_A,
  SD_LORA_HADA_W2_B,
  SD_LORA_HADA_T1,
  SD_LORA_HADA_T2,
  SD_LORA_KRON_W1,
  SD_LORA_KRON_W1_A,
  SD_LORA_KRON_W1_B,
  SD_LORA_KRON_W2,
  SD_LORA_KRON_W2_A,
  SD_LORA_KRON_W2_B,
  SD_LORA_KRON_T2,
  SD_LORA_DIFF,
  SD_LORA_DIFF_B, /* of the bias */
  SD_LORA_VECTOR, /* IA3's */
  SD_LORA_ON_INPUT,
  SD_LORA_N_ROLES
} SdLoraRole;

/**
 * sd_lora_name_parse: what stands at the end of a key
 * @length: (out): bytes of @name that are the module
 * @unsupported: (out): name of a kind that is known and not applied; else NULL
 *
 * Returns: FALSE where it is nothing known, or of such a kind
 */
gboolean sd_lora_name_parse (const char *name,
                             SdLoraRole *role,
                             gsize *length,
                             const char **unsupported);

/* A weight of the model that a module can change. */
typedef struct
{
  char *weight; /* single-file spelling, with ".weight" */
  char *bias;   /* (nullable) */
  gboolean text;
  gsize first;           /* row of the weight */
  gsize out, in, taps;   /* of the rows that are meant; a vector: in 1 */
  gboolean vector, conv; /* of one dimension; of four */
} SdLoraTarget;

typedef struct _SdLoraTargets SdLoraTargets;
/** sd_lora_targets_new: every weight of the UNet and the text encoders under all the
 * names that programs give it */
SdLoraTargets *sd_lora_targets_new (SdNames *names);
void sd_lora_targets_free (SdLoraTargets *targets);
/** sd_lora_targets_find: (nullable): @module has @length bytes */
const SdLoraTarget *
sd_lora_targets_find (SdLoraTargets *targets, const char *module, gsize length);

/* ---- files ---- */

typedef enum
{
  SD_LORA_PAIR, /* Hu et al. 2021: up · down */
  SD_LORA_HADA, /* LoHa, Hyeon-Woo et al. 2022: two products, one times the other */
  SD_LORA_KRON, /* LoKr: a Kronecker product */
  SD_LORA_FULL, /* differences as they are */
  SD_LORA_IA3,  /* Liu et al. 2022: rows or columns made longer */
} SdLoraKind;

typedef struct
{
  char *name; /* as in the file */
  SdLoraKind kind;
  const StModelTensor *parts[SD_LORA_N_ROLES]; /* those that are there */
  const guint8 *data[SD_LORA_N_ROLES];         /* their values; NULL: headers only */
  guint n_keys;
  gsize rank;   /* 0: the kind has none */
  double scale; /* alpha / rank */
} SdLoraModule;

typedef struct
{
  gatomicrefcount references;
  char *path, *title;
  guint64 device, inode, size;
  gint64 changed; /* when the file was, in µs */
  StModel *model;
  const char *made_for;    /* (nullable): "Stable Diffusion 1.x" … */
  GPtrArray *modules;      /* SdLoraModule */
  GPtrArray *unknown;      /* const char *: keys that are nothing known */
  GHashTable *unsupported; /* name of a kind → number of keys */
  guint n_keys;
  guint8 *bytes; /* (nullable): all values as in the file */
  guint64 n_bytes;
  char *hash; /* (nullable): see sd_lora_file_hash */
} SdLoraFile;

static inline gboolean
sd_lora_has (const SdLoraModule *module, SdLoraRole role)
{
  return module->parts[role] != NULL;
}

/** sd_lora_refuse: sets SD_ERROR_UNSUPPORTED with the file's name in front; FALSE */
gboolean sd_lora_refuse (const SdLoraFile *file, GError **error, const char *format, ...)
    G_GNUC_PRINTF (3, 4);
/** sd_lora_check_shapes: of all modules; finds their ranks */
gboolean sd_lora_check_shapes (SdLoraFile *file, GError **error);
/** sd_lora_side: 1 beyond the last; sd_lora_columns: values for each of the first side */
guint64 sd_lora_side (const StModelTensor *part, guint i);
guint64 sd_lora_columns (const StModelTensor *part);
/** sd_lora_shape_text: (transfer full): "[320, 4]" */
char *sd_lora_shape_text (const StTensor *tensor);
/** sd_lora_file_new: @values: not the headers alone; progress in bytes, stage "lora".
 * Errors: those of opening, what is no LoRA, parts that do not belong together, values
 * that are not numbers */
SdLoraFile *sd_lora_file_new (const char *path,
                              gboolean values,
                              const BaseTask *task,
                              GError **error);
SdLoraFile *sd_lora_file_ref (SdLoraFile *file);
void sd_lora_file_unref (SdLoraFile *file);
/** sd_lora_file_is_fresh: that it still is what lies at its path; so too when nothing
 * lies there any more */
gboolean sd_lora_file_is_fresh (const SdLoraFile *file);
/** sd_lora_file_hash: twelve digits, as A1111 names networks: of its metadata, or of all
 * values */
const char *sd_lora_file_hash (SdLoraFile *file);

/* ---- modules and weights ---- */

/* A module and what it means here. */
typedef struct
{
  const SdLoraModule *module;
  const SdLoraTarget *target;
} SdLoraMatch;

/**
 * sd_lora_match:
 * @matches: (out) (transfer full): SdLoraMatch
 * @report: (out) (optional) (transfer full)
 *
 * Errors: nothing matches, or something has another shape: the message says what the
 * file is for where that is known
 */
gboolean sd_lora_match (SdLoraFile *file,
                        SdLoraTargets *targets,
                        SdFamily family,
                        GArray **matches,
                        SdLoraReport **report,
                        GError **error);

/**
 * sd_lora_change: what a module makes of its rows of a weight, in place
 * @strength: 1: as it was trained
 * @values: [target->out][target->in][target->taps]
 * @bias: @values are the bias: [target->out]
 *
 * On all cores. The same bits on every machine. Thread: any; errors: no memory
 */
gboolean sd_lora_change (const SdLoraMatch *match,
                         double strength,
                         gboolean bias,
                         float *values,
                         GError **error);
/** sd_lora_kron_sides: of the first factor of a Kronecker product */
void sd_lora_kron_sides (const SdLoraModule *module, gsize *out, gsize *in);
/** sd_lora_by_column: whether DoRA's lengths are those of columns */
gboolean sd_lora_by_column (const SdLoraMatch *match);
/** sd_lora_touches: whether the module has something for the weight, or for its bias */
gboolean sd_lora_touches (const SdLoraMatch *match, gboolean bias);

/* ---- what is in force ---- */

typedef struct _SdLoras SdLoras;
SdLoras *sd_loras_new (SdNames *names, SdFamily family);
void sd_loras_free (SdLoras *loras);
/**
 * sd_loras_use:
 * @wanted: (nullable) (element-type SdLora): those without path are left out
 * @changed: (out) (transfer full): names of the weights that are others now; NULL: none
 * @warnings: (nullable) (element-type utf8): what is to be told is added
 *
 * After an error what was in force still is. Reads files that it does not have yet.
 */
gboolean sd_loras_use (SdLoras *loras,
                       GPtrArray *wanted,
                       GHashTable **changed,
                       GPtrArray *warnings,
                       const BaseTask *task,
                       GError **error);
/** sd_loras_any: whether something is in force */
gboolean sd_loras_any (const SdLoras *loras);
/** sd_loras_are: whether @wanted is in force already */
gboolean sd_loras_are (const SdLoras *loras, GPtrArray *wanted);
/** sd_loras_forget: where none is in force, gives back what is kept of weights */
void sd_loras_forget (SdLoras *loras);
/** sd_loras_hash: (nullable): of a file that was used last */
const char *sd_loras_hash (SdLoras *loras, const char *path);

/* For those who read weights. Thread: any, several at once. */

/** sd_loras_touch: whether the weight @name is another now */
gboolean sd_loras_touch (const SdLoras *loras, const char *name);
/** sd_loras_apply: @values: all of the weight, [out][in][taps], in place */
gboolean sd_loras_apply (SdLoras *loras, const char *name, float *values, GError **error);
/** sd_loras_read: the bytes of a tensor in its file, or as they are kept; @keep: from now
 * on, so that another strength and none need no file */
gboolean sd_loras_read (SdLoras *loras,
                        const char *name,
                        const StModelTensor *tensor,
                        gboolean keep,
                        void *dst,
                        GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdLoraTargets, sd_lora_targets_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdLoraFile, sd_lora_file_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdLoras, sd_loras_free)
