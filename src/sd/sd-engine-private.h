/* sd-engine-private.h: a loaded model on a device, as the files of the pipeline see it
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "sd/sd-net-private.h"

/* Six numbers, each as a sinusoid of 256 values, in the label of XL. */
#define SD_LABEL_SIZES (6 * 256)
#define SD_TIME_ROWS 32 /* times embedded at once */

typedef enum
{
  SD_STAGE_TEXT,
  SD_STAGE_TEXT_2,
  SD_STAGE_TIME,
  SD_STAGE_CONTEXT,
  SD_STAGE_UNET,
  SD_STAGE_DECODE,
  SD_STAGE_ENCODE,
  SD_STAGE_TINY, /* TAESD's decoder */
  SD_N_STAGES
} SdStage;

typedef struct _SdProfile SdProfile;
SdProfile *sd_profile_new (void);
void sd_profile_free (SdProfile *profile);
/** sd_profile_add: the timings of a program that just ran, under its network's name */
void sd_profile_add (SdProfile *profile, const char *network, GArray *timings);
char *sd_profile_table (const SdProfile *profile);

/* How the networks are laid out where memory is short: see sd-fit.c. */
typedef struct
{
  gboolean turns;     /* weights are not all on the device at once */
  gboolean frugal;    /* no copies of weights in other forms */
  gboolean split;     /* one prompt at a time */
  gboolean quantized; /* weights of 8 bits */
  gboolean cpu;       /* on the CPU device instead */
  guint64 resident;   /* of each network's weights at most so many bytes */
  guint bands;        /* 0: the decoder as it is; else nn_context_set_bands's level */
  guint tile;         /* 0, or the side of the decoder's tiles in latents */
  guint encode_tile;  /* likewise of the encoder's */
} SdFit;

/* A program for one size with the states it begins from and ends in. */
typedef struct
{
  SdStage stage;
  guint n, h, w; /* latents' height and width; 0 where size plays no part; of text: h is
                    the number of layers */
  guint set;     /* of SdEngine.cross */
  guint chunks;  /* of text, where it is looked at; else 0 */
  NnState *in, *out;
  NnState *extra; /* second text encoder: its last states; times: the labels */
  NnProgram *program;
  double seconds; /* of the last run; 0: never ran */
} SdProgram;

/* Sets of keys and values: of the only prompt or the first, of both, of the second; of
 * three at once, of the third. */
typedef enum
{
  SD_SET_FIRST,
  SD_SET_BOTH,
  SD_SET_SECOND,
  SD_SET_THREE,
  SD_SET_THIRD,
  SD_N_SETS
} SdSet;
#define SD_MAX_PROMPTS 3

/* What the prompts of a run ask of the networks. */
typedef struct
{
  guint n;        /* prompts in a pass: 1, 2 with guidance, 3 with one by a picture too */
  gboolean apart; /* each has a pass of its own */
  guint passes;   /* then: how many in a step, where more than @n */
  guint chunks[SD_MAX_PROMPTS]; /* of 77 vectors, that each one's pass looks at: as many
                                   for all unless apart */
} SdShape;

/** sd_set_n: how many prompts */
guint sd_set_n (SdSet set);
/** sd_set_of_all: of @n prompts at once */
SdSet sd_set_of_all (guint n);
/** sd_set_of_one: of prompt @index alone */
SdSet sd_set_of_one (guint index);

/* Keys and values of every cross attention, for a batch of n prompts. */
typedef struct
{
  guint chunks; /* of 77 vectors each; 0: not made */
  NnState *context;
  GPtrArray *kvs; /* NnState */
} SdCross;

/* A text as the UNet takes it. */
typedef struct
{
  const float *values; /* [77 · chunks][width] */
  guint chunks;
} SdContext;

/* What a fit is sought for. */
typedef struct
{
  SdShape shape;
  guint width, height;
  gboolean encodes; /* a picture is encoded before the first step */
} SdTask;

/* Latents → RGB, fitted to the model's decoder: rgb = matrix · (latents, 1) */
typedef struct
{
  gboolean fitted;
  float matrix[3][SD_LATENT_CHANNELS + 1];
} SdFactors;

struct _SdEngine
{
  StModel *model;
  SdNames *names;
  SdInfo *info;
  char *vae_path; /* (nullable): of the VAE that was given instead of the model's */
  SdLoras *loras; /* (nullable): NULL until the first */
  SdTokenizer *tokenizer;
  GpuDevice *device;   /* NULL: the plain C reference, or only planning */
  GpuInfo gpu;         /* of the device */
  guint64 memory;      /* limit of device memory; 0: none */
  gboolean any_device; /* nobody asked for this one */
  SdFit fit;
  gboolean fitted; /* it was found for: */
  SdTask fit_task;
  SdShape shape;           /* of the programs that look at text */
  guint losses, shortages; /* faults since the latest run began */
  char *fingerprint;       /* of the model: names, shapes and some of the values */
  StHash *hash;            /* of the file that is the whole model; else NULL */
  NnType activations;
  gboolean planning;
  gboolean raised; /* went from 16 to 32 bits because numbers ran over */
  gboolean profiling;
  SdProfile *profile;
  SamplerLevels levels;

  /* Weights, states and programs belong to `context` and go when the precision is raised.
   */
  NnContext *context;
  SdWeights *weights;
  SdText *texts[2]; /* the second: NULL but in XL */
  SdUnet *unet;
  SdVae *vae;
  NnState *emb[SD_MAX_PROMPTS]; /* the time embedding of the step, all blocks in one row;
                                   a row for each of n prompts where they differ (XL) */
  GPtrArray *time_embs;         /* NnState, one a block: what the time program fills */
  SdCross cross[SD_N_SETS];
  GPtrArray *programs; /* SdProgram, latest used last */

  guint64 context_owner; /* serial of the run whose prompts the cross states hold */
  guint64 last_serial;
  SdFactors factors;
  gboolean no_tiny; /* TAESD's file turned out not to work */
};

/* Every function below blocks, and gives SD_ERROR_NOT_FINITE naming its stage. Latents
 * are [4][h][w]. */

/** sd_engine_n_texts: 1, or 2 in XL */
guint sd_engine_n_texts (const SdEngine *engine);
guint sd_engine_context_width (const SdEngine *engine);
/** sd_engine_label_width: of what the UNet is told beside the time (XL); 0: nothing */
guint sd_engine_label_width (const SdEngine *engine);
/** sd_engine_pooled_width: of the vector for the whole text (XL); 0: none */
guint sd_engine_pooled_width (const SdEngine *engine);
/** sd_engine_encode_tokens: @ids: [text encoders][n][77] → @context: [n][77][width];
 * @pooled: [n][pooled_width], NULL where there is none */
gboolean sd_engine_encode_tokens (SdEngine *engine,
                                  const guint *ids,
                                  guint n,
                                  float *context,
                                  float *pooled,
                                  const BaseTask *task,
                                  GError **error);
/**
 * sd_engine_make_labels: what XL is told beside the time: the text's vector, and six
 * numbers as sinusoids: height and width of the original, its corner, height and width
 * wanted; here @width and @height twice and no corner, as ComfyUI and A1111 have it
 * @pooled: [n][pooled_width]
 * @labels: [n][label_width]
 */
void sd_engine_make_labels (const SdEngine *engine,
                            const float *pooled,
                            guint n,
                            guint width,
                            guint height,
                            float *labels);
/** sd_engine_embed_rows: how many embeddings a pass of @n prompts takes: @n where there
 * are labels, else 1 */
guint sd_engine_embed_rows (const SdEngine *engine, guint n);
/** sd_engine_embed_times: @rows: [n][emb_total]; @labels: [n][label_width], NULL where
 * there is none */
gboolean sd_engine_embed_times (SdEngine *engine,
                                const double *times,
                                const float *labels,
                                guint n,
                                float *rows,
                                const BaseTask *task,
                                GError **error);
/**
 * sd_engine_encode_rows: any number of them, by twos
 * @rows: [text encoders][n]
 * @layers: [text encoders]: of sd_text_layers
 * @context, @pooled: as sd_engine_encode_tokens
 */
gboolean sd_engine_encode_rows (SdEngine *engine,
                                const SdTextRow *rows,
                                const guint *layers,
                                guint n,
                                float *context,
                                float *pooled,
                                const BaseTask *task,
                                GError **error);
/** sd_engine_set_shape: for the programs that follow; those of another are dropped */
void sd_engine_set_shape (SdEngine *engine, const SdShape *shape);
/** sd_engine_set_contexts: keys and values for the passes that follow, of the prompts of
 * the shape: @contexts[shape.n]; the chunks of each are repeated until they are as many
 * as the shape says, which changes nothing */
gboolean sd_engine_set_contexts (SdEngine *engine,
                                 const SdContext *contexts,
                                 const BaseTask *task,
                                 GError **error);
/** sd_engine_set_context_of: of prompts apart: one's */
gboolean sd_engine_set_context_of (SdEngine *engine,
                                   SdSet set,
                                   const SdContext *context,
                                   const BaseTask *task,
                                   GError **error);
/** sd_engine_set_context: likewise of @n prompts of one chunk */
gboolean sd_engine_set_context (SdEngine *engine,
                                const float *context,
                                guint n,
                                const BaseTask *task,
                                GError **error);
/* What a pass takes at each place: the latents, which are the same for all prompts, and
 * what models that begin from a picture take beside them. */
typedef struct
{
  const float *x; /* [4][h][w] */
  guint h, w;
  const float *const *extra; /* (nullable): for each prompt [in_channels - 4][h][w]; NULL:
                                zeros */
} SdInput;

/** sd_engine_pass: → @out: [n][4][h][w], one for each prompt of the context; @row:
 * [embed_rows (n)][emb_total] */
gboolean sd_engine_pass (SdEngine *engine,
                         const SdInput *input,
                         guint n,
                         const float *row,
                         float *out,
                         const BaseTask *task,
                         GError **error);
/** sd_engine_pass_of: of prompts apart, as sd_engine_pass: prompt @index of @input */
gboolean sd_engine_pass_of (SdEngine *engine,
                            SdSet set,
                            const SdInput *input,
                            guint index,
                            const float *row,
                            float *out,
                            const BaseTask *task,
                            GError **error);
/** sd_engine_run_program: one network; its time is noted
 * @stage: (nullable): what it is for the listener; NULL: too short for a word */
gboolean sd_engine_run_program (SdEngine *engine,
                                SdProgram *program,
                                const char *stage,
                                const BaseTask *task,
                                GError **error);
/** sd_engine_read_state: what a stage gave; @what names it where values are not finite */
gboolean sd_engine_read_state (SdEngine *engine,
                               const SdProgram *program,
                               NnState *state,
                               float *dst,
                               const char *what,
                               GError **error);
/** sd_engine_decode: → [8h][8w][3] in about [-1, 1] */
gboolean sd_engine_decode (SdEngine *engine,
                           const float *latents,
                           guint h,
                           guint w,
                           float *rgb,
                           const BaseTask *task,
                           GError **error);

/** sd_engine_encode_pixels: @rgb: [8h][8w][3] in [-1, 1] → @latents: [4][h][w], the mean,
 * not scaled; by whatever fits */
gboolean sd_engine_encode_pixels (SdEngine *engine,
                                  const float *rgb,
                                  guint h,
                                  guint w,
                                  float *latents,
                                  const BaseTask *task,
                                  GError **error);

/** sd_engine_decode_tiny: the same by TAESD, which must be there */
gboolean sd_engine_decode_tiny (SdEngine *engine,
                                const float *latents,
                                guint h,
                                guint w,
                                float *rgb,
                                const BaseTask *task,
                                GError **error);

/** sd_engine_decode_whole: in one piece, whatever fits */
gboolean sd_engine_decode_whole (SdEngine *engine,
                                 const float *latents,
                                 guint h,
                                 guint w,
                                 float *rgb,
                                 const BaseTask *task,
                                 GError **error);

/* ---- sd-tiles.c: tiles of one size that overlap, spread evenly; @side and @tile in
 * latents ---- */

/** sd_tile_count: how many of them along a side */
guint sd_tile_count (guint side, guint tile);
/** sd_tile_start: where number @i of @n begins */
guint sd_tile_start (guint side, guint tile, guint n, guint i);
/** sd_tile_share: of number @p of the @length values along a tile's side, @unit for each
 * latent: one where nobody overlaps; the sum over all tiles is divided by in the end */
float sd_tile_share (guint p, guint length, guint unit);
/** sd_tile_sums: (transfer full): of shares along one side: float[@unit · @side] */
float *sd_tile_sums (guint side, guint tile, guint unit);

/** sd_engine_programs_new: an empty list of #SdProgram, which it owns */
GPtrArray *sd_engine_programs_new (void);
/**
 * sd_engine_name_weights: building a program names its weights to the context; a small
 * size does for that, and finds every missing or misshapen tensor before anything is
 * read. Kernels are compiled while weights are read; those of the decoder, which is
 * wanted last, when it runs.
 */
gboolean sd_engine_name_weights (SdEngine *engine, GError **error);
/** sd_engine_program: the program for a size, made when it is not there; belongs to the
 * engine */
SdProgram *sd_engine_program (
    SdEngine *engine, SdStage stage, guint n, guint h, guint w, GError **error);
/** sd_engine_program_of: for the prompts of @set */
SdProgram *sd_engine_program_of (
    SdEngine *engine, SdStage stage, SdSet set, guint h, guint w, GError **error);
/** sd_engine_drop_programs: all of them, with the states that they share */
void sd_engine_drop_programs (SdEngine *engine);
/** sd_engine_reset_context: a new context: weights and all that hangs on them are gone */
void sd_engine_reset_context (SdEngine *engine);
/** sd_engine_choose_type: FALSE where the device cannot have the precision */
gboolean sd_engine_choose_type (const GpuInfo *info,
                                SdPrecision precision,
                                NnType *type,
                                GError **error);

/* ---- sd-fit.c, sd-plan.c ---- */

/** sd_engine_new_plan: an engine that builds programs and never runs one; @info is copied
 */
SdEngine *sd_engine_new_plan (StModel *model,
                              const GpuInfo *info,
                              NnType activations,
                              GError **error);
void sd_engine_set_fit (SdEngine *engine, const SdFit *fit);
guint sd_fit_rungs (const SdFit *fit);
/* Of SdPlan.stages. */
enum
{
  SD_PLAN_UNET = 4,
  SD_PLAN_DECODER = 5,
  SD_PLAN_ENCODER = 6,
};

/** sd_task_of: what @params ask of @engine's networks, with prompts of @shape */
SdTask sd_task_of (const SdEngine *engine, const SdParams *params, const SdShape *shape);
/** sd_fit_find: how @planner's networks fit @plan->budget; fills @plan */
gboolean sd_fit_find (
    SdEngine *planner, const SdTask *task, SdPlan *plan, SdFit *fit, GError **error);
/** sd_engine_fit_task: chooses and sets the fit; tells where none does */
gboolean sd_engine_fit_task (SdEngine *engine, const SdTask *task, GError **error);
/** sd_engine_apart: whether each of @n prompts has a pass of its own, for whatever reason
 */
gboolean sd_engine_apart (const SdEngine *engine, guint n);

/* ---- sd-engine-loras.c ---- */

/**
 * sd_engine_use_loras: puts in force what a run wants: weights that are touched are made
 * anew at once, or, where networks take turns, when they are read
 * @warnings: (nullable) (element-type utf8): what is to be told is added
 *
 * After an error in a file what was in force still is.
 */
gboolean sd_engine_use_loras (SdEngine *engine,
                              GPtrArray *wanted,
                              GPtrArray *warnings,
                              const BaseTask *task,
                              GError **error);
/** sd_engine_has_loras: whether exactly @wanted is in force */
gboolean sd_engine_has_loras (const SdEngine *engine, GPtrArray *wanted);
/** sd_engine_fingerprint_of: (transfer full): of @names, with what the user said */
char *sd_engine_fingerprint_of (SdEngine *engine, SdNames *names);

/* ---- sd-recover.c ---- */

/**
 * sd_engine_recover: whether what failed with @fault may be tried again, for something
 * was changed: another device handle, more room, a higher precision; then @fault is
 * cleared
 * @warn: (nullable) (out): what to tell the user; static
 */
gboolean sd_engine_recover (SdEngine *engine, GError **fault, const char **warn);
/** sd_engine_move_to_cpu: everything to the first device that is a processor; FALSE where
 * there is none */
gboolean sd_engine_move_to_cpu (SdEngine *engine);
/** sd_engine_begin: a new run: faults are counted anew; a lost device is opened again */
gboolean sd_engine_begin (SdEngine *engine, GError **error);
/** sd_engine_raise_precision: to 32 bits; FALSE where it is that already */
gboolean sd_engine_raise_precision (SdEngine *engine);
const char *sd_engine_precision_name (const SdEngine *engine);

/** sd_engine_picture: pixels from @rgb; refuses a blank picture */
ImageBuffer *
sd_engine_picture (const float *rgb, guint width, guint height, GError **error);
/** sd_engine_fit_factors: `factors`, from the cache or by a small decode */
gboolean sd_engine_fit_factors (SdEngine *engine, GError **error);
