/* sd.h: Stable Diffusion: what a file is, and from a prompt to a picture
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include "image/image.h"
#include "nn/nn.h"
#include "sampler/sampler.h"
#include "st/st-verdict.h"
#include "st/st.h"

#define SD_ERROR (sd_error_quark ())
GQuark sd_error_quark (void);
typedef enum
{
  SD_ERROR_NOT_A_MODEL,  /* cannot generate: message says what the file is */
  SD_ERROR_MISSING_PART, /* text encoder, UNet or VAE is not in it: message names it */
  SD_ERROR_UNSUPPORTED,
  SD_ERROR_PARAMETER,  /* a number out of range: message names it */
  SD_ERROR_NOT_FINITE, /* NaN or Inf: message names the stage */
  SD_ERROR_STATE,
} SdError;

/* ---- what is it ---- */

typedef enum
{
  SD_FAMILY_UNKNOWN,
  SD_FAMILY_SD1,
  SD_FAMILY_SD2,
  SD_FAMILY_SDXL
} SdFamily;

/* What the UNet was trained to predict: the noise, or v = noise·cos − clean·sin. */
typedef enum
{
  SD_PREDICTION_AUTO, /* as the file says; a wish only */
  SD_PREDICTION_EPSILON,
  SD_PREDICTION_V
} SdPrediction;

/** sd_prediction_name: "auto", "epsilon" or "v" */
const char *sd_prediction_name (SdPrediction prediction);
gboolean sd_prediction_parse (const char *name, SdPrediction *prediction);

/* A part of a model that may be in a file of its own. */
typedef enum
{
  SD_PART_TEXT,   /* the first text encoder: CLIP-L, of 2.x CLIP-H */
  SD_PART_TEXT_2, /* the second of XL: CLIP-G */
  SD_PART_VAE,
  SD_PART_TAESD, /* the tiny decoder, for previews */
  SD_N_PARTS
} SdPart;

/* What the user says of a model. */
typedef struct
{
  SdPrediction prediction;
  char *parts[SD_N_PARTS]; /* (nullable): paths; instead of what the model has itself */
} SdExtras;

void sd_extras_free (SdExtras *extras);
/** sd_extras_attach: @extras is taken; everything that takes a model heeds it. Before the
 * model is shared with another thread */
void sd_extras_attach (StModel *model, SdExtras *extras);

/* Channels that a UNet takes: latents alone; with a mask and the latents of what is not
 * masked; with the latents of a picture to be changed. */
#define SD_LATENT_CHANNELS 4
#define SD_INPAINT_CHANNELS 9
#define SD_INSTRUCT_CHANNELS 8

typedef struct
{
  SdFamily family;
  StVerdict *verdict; /* of its names and shapes alone */
  char *sentence;     /* "Stable Diffusion 1.x, F16, text encoder, UNet and VAE inside" */
  char *deciding_key; /* the name that decided */
  gboolean can_generate;
  char *why_not; /* when it cannot: cause and remedy, in plain words */
  gboolean has_text, has_unet, has_vae, diffusers_names, v_prediction;
  char *prediction_key; /* (nullable): what says so; NULL: nothing, which means epsilon */
  gboolean zero_snr;    /* trained with a last level without signal */
  gboolean few_steps;   /* by its name: Turbo, Lightning, LCM … */
  guint unet_in_channels; /* SD_LATENT_CHANNELS … */
  double latent_scale;    /* what latents are multiplied with to have unit variance */
  guint width, height;    /* default size */
  guint steps;
  double cfg;
  SamplerKind sampler;
  SamplerSchedule schedule;
  char **words;   /* (nullable): the only words it was taught */
  char **prompts; /* (nullable): examples */
} SdInfo;

/** sd_info_new: from names, shapes and metadata; of values only some hundreds, where
 * nothing else tells. Parts that are missing are looked for beside the file. Thread: any
 */
SdInfo *sd_info_new (StModel *model);
void sd_info_free (SdInfo *info);
/** sd_info_line: (transfer full): the sentence with what else names and shapes tell:
 * "A LoRA for Flux, rank 16, named as PEFT does, BF16" */
char *sd_info_line (const SdInfo *info);
/** sd_info_example: (nullable): the most detailed of the model's example prompts, for a
 * first picture */
const char *sd_info_example (const SdInfo *info);
/** sd_bundled_model_path: (transfer full): the sample model, installed or in the source
 * tree */
char *sd_bundled_model_path (void);

/* Bytes of a text: from begin up to, without, end. */
typedef struct
{
  gsize begin, end;
} SdSpan;

/**
 * sd_unknown_words: the words of @prompt that are not among @info's words
 * @spans: (out) (optional) (transfer full): #SdSpan of every occurrence, in order
 *
 * Returns: (transfer full) (nullable): each word once, in lower case; NULL where there is
 * none or @info has no list of words. Thread: any
 */
char **sd_unknown_words (const SdInfo *info, const char *prompt, GArray **spans);

/* ---- tokens ---- */

typedef struct _SdTokenizer SdTokenizer;
SdTokenizer *sd_tokenizer_new (GError **error);
void sd_tokenizer_free (SdTokenizer *tokenizer);
/**
 * sd_tokenizer_encode: ids (guint32) without start and end, any number
 * @offsets: (out) (optional) (transfer full): gsize: byte of @text at which each id
 * begins
 */
GArray *sd_tokenizer_encode (SdTokenizer *tokenizer, const char *text, GArray **offsets);

/* ---- pictures ---- */

/* How a picture of other proportions becomes one of the size that is made. */
typedef enum
{
  SD_RESIZE_CROP, /* the middle of it */
  SD_RESIZE_FILL, /* all of it; what is beside it continues its edges */
  SD_RESIZE_STRETCH
} SdResize;

/* What lies below the mask before the first step. */
typedef enum
{
  SD_MASKED_ORIGINAL,
  SD_MASKED_FILL, /* continues what is around it */
  SD_MASKED_NOISE,
  SD_MASKED_NOTHING
} SdMasked;

/* The picture that another is made from. Immutable once it is in SdParams. */
typedef struct
{
  ImageBuffer *image;   /* of any size */
  ImageMask *mask;      /* (nullable): of the image's size */
  double strength;      /* 0 … 1: how much of the schedule is run */
  gboolean exact_steps; /* strength leaves the number of steps as it is */
  gboolean denoise;     /* ComfyUI's rule for strength instead of A1111's */
  SdResize resize;
  SdMasked masked;
  gboolean only_masked; /* the masked part alone, at full size, put back */
  guint padding;        /* pixels around it then */
  guint mask_blur;      /* by how much the mask was blurred: to be told, not done */
  gboolean soft;        /* greys of the mask blend at each step */
  guint extend[4];      /* pixels to add: left, top, right, bottom; multiples of 8 */
  guint overlap;        /* pixels of the picture that are made anew along them, mixed */
  gboolean instruct;    /* the prompt says what to change: an instruction model */
  double image_cfg;     /* its second guidance, by the picture */
  char *path;           /* (nullable): the file that @image was read from */
  gatomicrefcount refs;
} SdSource;

/** sd_source_new: @image is taken; nothing masked, strength 0.75, padding and overlap of
 * 32, image_cfg 1.5 */
SdSource *sd_source_new (ImageBuffer *image);
/** sd_source_copy: a new one to be changed, which shares picture and mask */
SdSource *sd_source_copy (const SdSource *source);
SdSource *sd_source_ref (SdSource *source);
void sd_source_unref (SdSource *source);

/* Low-rank changes to the weights, from a file. */
typedef struct
{
  char *name;         /* as in the prompt */
  char *path;         /* (nullable): NULL until it is found */
  double model, text; /* how strongly: on the UNet, on the text encoders */
} SdLora;

void sd_lora_free (SdLora *lora);

/**
 * sd_prompt_take_networks: takes `<lora:name:weight>` and `<lora:name:te:unet>` (also
 * `te=`, `unet=`) out of @prompt, and comments from `#` to the end of the line, as A1111
 * does. #SdParams keeps the prompt with them: encoding takes them out again
 * @loras: (nullable) (element-type SdLora): gains one for each, in order, path NULL
 *
 * Returns: (transfer full): the text without them. Thread: any
 */
char *sd_prompt_take_networks (const char *prompt, GPtrArray *loras);

/* Textual inversion: vectors that stand for a word of the prompt, from a file. */
typedef struct
{
  char *name; /* the word */
  char *path; /* (nullable): NULL until it is found */
} SdEmbedding;

SdEmbedding *sd_embedding_new (const char *name, const char *path);
void sd_embedding_free (SdEmbedding *embedding);

/* How the text of a prompt is read. */
typedef enum
{
  SD_GRAMMAR_A1111,   /* ( ) [ ] (text:1.3) BREAK AND [from:to:when] [a|b] */
  SD_GRAMMAR_COMFYUI, /* ( ) (text:1.3) */
  SD_GRAMMAR_PLAIN,   /* every character is meant */
  SD_N_GRAMMARS
} SdGrammar;

/* What weights of A1111's grammar do to the text encoder's vectors. */
typedef enum
{
  SD_EMPHASIS_ORIGINAL, /* multiply; then the mean of all is restored */
  SD_EMPHASIS_NO_NORM,  /* multiply */
  SD_EMPHASIS_IGNORE,   /* nothing */
  SD_EMPHASIS_NONE,     /* brackets and weights are text */
  SD_N_EMPHASES
} SdEmphasis;

/** sd_grammar_name: "a1111", "comfyui", "plain" */
const char *sd_grammar_name (SdGrammar grammar);
gboolean sd_grammar_parse (const char *name, SdGrammar *grammar);
/** sd_emphasis_name: as A1111 writes it: "Original", "No norm", "Ignore", "None" */
const char *sd_emphasis_name (SdEmphasis emphasis);
/** sd_emphasis_parse: in any case, with a space, `-` or `_` */
gboolean sd_emphasis_parse (const char *name, SdEmphasis *emphasis);

/* What of a LoRA's file a model can use. */
typedef struct
{
  char *title;
  const char
      *made_for; /* (nullable): "Stable Diffusion 1.x", "Flux" …, where that shows */
  guint n_keys, n_matched, n_unmatched, n_unsupported;
  char **unmatched;  /* keys that mean no weight of the model: the first of them */
  char *unsupported; /* (nullable): kinds that are known and not applied: "OFT: 24" */
  guint n_wide;      /* modules whose rank is more than their weight can have */
} SdLoraReport;

/** sd_lora_report_new: of headers only. Errors: as using the file for a picture, but for
 * those of values. Thread: any */
SdLoraReport *sd_lora_report_new (StModel *model,
                                  const char *path,
                                  const BaseTask *task,
                                  GError **error);
void sd_lora_report_free (SdLoraReport *report);

typedef struct
{
  char *prompt, *negative;
  SdGrammar grammar;
  SdEmphasis emphasis;
  guint clip_skip;       /* layers from the end: 1: the last; 0: as the model wishes */
  GPtrArray *embeddings; /* (nullable) (element-type SdEmbedding) */
  SdSource *source;      /* (nullable): NULL: from noise alone */
  GPtrArray *loras;      /* (nullable) (element-type SdLora) */
  guint width, height;   /* multiples of 8 */
  guint steps;
  double cfg;
  guint64 seed;
  guint batch; /* picture i uses seed + i */
  BaseRandomKind rng;
  SamplerKind sampler;
  SamplerSchedule schedule;
} SdParams;

SdParams *
sd_params_new_for (const SdInfo *info); /* the model's defaults, empty prompt, seed 0 */
SdParams *sd_params_copy (const SdParams *params);
void sd_params_free (SdParams *params);
gboolean sd_params_check (const SdParams *params, GError **error);
/** sd_params_check_for: as sd_params_check, and whether the model can do it: an
 * instruction model wants a picture, and other models follow no instructions */
gboolean sd_params_check_for (const SdParams *params, const SdInfo *info, GError **error);
/**
 * sd_params_new_seam: for going once more over the seam of what a run of @params, whose
 * source was extended, has made: the same prompt, less strength, and only there
 * @picture: number in the batch; @result: as sd_run_decode() gave it
 *
 * Returns: (transfer full) (nullable): for one picture; NULL: nothing was extended, or no
 * memory. Thread: any
 */
SdParams *
sd_params_new_seam (const SdParams *params, guint picture, const ImageBuffer *result);
/** sd_params_n_steps: how many steps are made: less than `steps` where a picture is
 * begun from, and its strength says so */
guint sd_params_n_steps (const SdParams *params, const SdInfo *info);
/** sd_params_passes: prompts that go through the UNet in each step: 1, 2 with guidance, 3
 * with two guidances */
guint sd_params_passes (const SdParams *params, const SdInfo *info);
/** sd_params_encode: whether a picture is encoded before the first step */
gboolean sd_params_encode (const SdParams *params, const SdInfo *info);
/** sd_params_result_size: of the picture that comes out: with a mask it may be larger
 * than what is made */
void sd_params_result_size (const SdParams *params, guint *width, guint *height);
/**
 * sd_params_compose: what sd_engine_decode_latents() gave for a step of a run of @params,
 * put into the source's picture where that has a mask
 *
 * Returns: (transfer full) (nullable): without a mask a copy. Thread: any
 */
ImageBuffer *
sd_params_compose (const SdParams *params, const ImageBuffer *made, GError **error);

typedef enum
{
  SD_PRECISION_AUTO,
  SD_PRECISION_FP32,
  SD_PRECISION_FP16
} SdPrecision;

/* ---- memory ---- */

/* What is done so that a picture fits; bits of SdPlan.rungs. All but quantizing and tiles
 * leave the picture as it is. */
typedef enum
{
  SD_RUNG_TURNS = 1 << 0,     /* networks are on the device one after the other */
  SD_RUNG_SPLIT = 1 << 1,     /* the two prompts of guidance one after the other */
  SD_RUNG_BANDS = 1 << 2,     /* the VAE makes the picture in bands of rows */
  SD_RUNG_TILES = 1 << 3,     /* the VAE makes it in tiles, which overlap */
  SD_RUNG_STREAM = 1 << 4,    /* weights come from host memory at every step */
  SD_RUNG_QUANTIZED = 1 << 5, /* weights in 8 bits */
  SD_RUNG_CPU = 1 << 6,       /* computed on the processor instead */
} SdRung;
#define SD_N_RUNGS 7

typedef struct
{
  const char *name;           /* "text", "unet", "decoder" … */
  guint64 resident, streamed; /* bytes of its weights: on the device; in host memory */
  guint64 arena;
  double flops; /* of a whole picture */
} SdPlanStage;

#define SD_PLAN_STAGES 7

typedef struct
{
  char device[256];
  gboolean cpu, half; /* half: activations of 16 bits */
  guint width, height;
  gboolean fits;
  char *why_not;        /* (nullable): what is needed and what there is */
  guint rungs;          /* SdRung */
  guint64 budget;       /* of device memory */
  guint64 device_bytes; /* the most that is needed at once */
  guint64 host_bytes;   /* beside it: streamed weights, and the way of weights to the
                           device; of a CPU device all of it */
  guint64 states;
  SdPlanStage stages[SD_PLAN_STAGES];
  double seconds; /* of a picture; 0: not known yet */
} SdPlan;

/**
 * sd_plan_new: what @params will need on a device, before anything is allocated
 * @device: as sd_engine_new
 * @memory: bytes of device memory to use at most; 0: as much as there is
 *
 * Reads names and shapes only. Errors: the model cannot generate, parameters out of
 * range, no device; not fitting is no error. Thread: any
 */
SdPlan *sd_plan_new (StModel *model,
                     const SdParams *params,
                     int device,
                     SdPrecision precision,
                     guint64 memory,
                     GError **error);
void sd_plan_free (SdPlan *plan);
/** sd_rung_text: (transfer full): what @rungs mean, in a few words; "" for none */
char *sd_rung_text (guint rungs);

/* A loaded model on a device. Blocking; one thread at a time. Stages told to tasks:
 * "weights" (bytes), "kernels" (thousandths of a network), "lora" (bytes: a LoRA's file,
 * then the weights that it touches), "text", "step" (steps), and
 * within one of them "pass", "decode", "encode" (operators of the network that runs). */
typedef struct _SdEngine SdEngine;

/** sd_engine_new: @device -1: the best; -2: the plain C reference (tests) */
SdEngine *sd_engine_new (StModel *model,
                         int device,
                         SdPrecision precision,
                         const BaseTask *task,
                         GError **error);
/** sd_engine_new_within: as sd_engine_new, with at most @memory bytes of device memory;
 * 0: as much as there is */
SdEngine *sd_engine_new_within (StModel *model,
                                int device,
                                SdPrecision precision,
                                guint64 memory,
                                const BaseTask *task,
                                GError **error);
void sd_engine_free (SdEngine *engine);
/**
 * sd_engine_set_vae: another VAE, while all else stays as it is; its weights are read
 * when it is used
 * @path: (nullable): NULL: the model's own
 *
 * Errors: @path does not open or is no VAE of this kind; then all is as before
 */
gboolean sd_engine_set_vae (SdEngine *engine, const char *path, GError **error);
/** sd_engine_vae: (nullable): the path of one that was given */
const char *sd_engine_vae (SdEngine *engine);
/** sd_engine_rungs: SdRung bits: what is done at present so that pictures fit */
guint sd_engine_rungs (SdEngine *engine);
/** sd_engine_memory_peak: the most device memory that was taken at once */
guint64 sd_engine_memory_peak (SdEngine *engine);
const SdInfo *sd_engine_info (SdEngine *engine);
const char *sd_engine_device_name (SdEngine *engine);
guint64 sd_engine_memory_bytes (SdEngine *engine);
void sd_engine_set_profile (SdEngine *engine,
                            gboolean profile); /* before the first run */
char *sd_engine_profile_table (SdEngine *engine);
/** sd_engine_warm: builds and runs every kernel once, so that none is compiled later */
gboolean sd_engine_warm (SdEngine *engine,
                         const SdParams *params,
                         const BaseTask *task,
                         GError **error);

/* How long a network takes, and what it asks of the device. */
typedef struct
{
  const char *name; /* "step": one pass of the UNet; "decode" */
  guint batch;
  guint repeats;
  double seconds, processor_seconds; /* the best of the repeats */
  double first_seconds;              /* of the first, with all that is made once */
  NnProgramFacts facts;
  GArray *dispatches; /* GpuTiming; without times unless profiled */
} SdBenchRow;

/** sd_engine_rates: what the device does at best; zeros for the reference */
gboolean sd_engine_rates (SdEngine *engine,
                          NnDeviceRates *rates,
                          const BaseTask *task,
                          GError **error);
typedef struct
{
  guint width, height;
  gboolean unguided; /* steps without the negative prompt: half the batch */
  gboolean no_steps, no_decodes;
} SdBenchParams;

/** sd_engine_bench: (element-type SdBenchRow) (transfer full): some steps and decodes at
 * the model's defaults but for @params; seconds on a GPU, minutes on a CPU */
GArray *sd_engine_bench (SdEngine *engine,
                         const SdBenchParams *params,
                         const BaseTask *task,
                         GError **error);

/* One press of Generate: `batch` pictures made side by side, step by step. */
typedef struct _SdRun SdRun;

/** sd_run_new: encodes the prompts and draws the noise; @noise: (nullable):
 * [batch][4][h/8][w/8], unit variance */
SdRun *sd_run_new (SdEngine *engine,
                   const SdParams *params,
                   const float *noise,
                   const BaseTask *task,
                   GError **error);
void sd_run_free (SdRun *run);
/** sd_run_warnings: (nullable): NULL-terminated: words beyond 75 tokens, words not taught
 * … */
const char *const *sd_run_warnings (SdRun *run);
guint sd_run_n_steps (SdRun *run);
guint sd_run_step_index (SdRun *run);
/** sd_run_step: one step of all pictures; after a failure or a cancel the run stands
 * before the step */
gboolean sd_run_step (SdRun *run, const BaseTask *task, GError **error);
/** sd_run_latents: [batch][4][h/8][w/8] as the UNet sees them; denoised: of the last step
 */
const float *sd_run_latents (SdRun *run, gsize *n);
const float *sd_run_denoised (SdRun *run, gsize *n);
/** sd_run_preview: of the predicted clean picture: the VAE where cheap, else fitted
 * factors, then of half the picture's size; with a mask, what is not masked is as it was
 */
ImageBuffer *sd_run_preview (SdRun *run, guint picture, GError **error);
/** sd_run_decode: the VAE's picture of the current latents; refuses non-finite or blank
 * ones */
ImageBuffer *
sd_run_decode (SdRun *run, guint picture, const BaseTask *task, GError **error);
/** sd_engine_decode_latents: [1][4][h][w] kept from any step: for scrubbing */
ImageBuffer *sd_engine_decode_latents (SdEngine *engine,
                                       const float *latents,
                                       guint h,
                                       guint w,
                                       const BaseTask *task,
                                       GError **error);
/**
 * sd_engine_encode: the VAE's latents of a picture whose sides are multiples of 8
 *
 * Returns: (transfer full) (nullable): [4][height/8][width/8], the mean, scaled as the
 * UNet sees latents; freed with g_free
 */
float *sd_engine_encode (SdEngine *engine,
                         const ImageBuffer *image,
                         const BaseTask *task,
                         GError **error);
/** sd_run_save: everything needed to continue with the same bits, params too */
GBytes *sd_run_save (SdRun *run);
/**
 * sd_run_state_step: what a saved state tells without an engine
 * @denoised: (out) (optional) (transfer full) (nullable): float[batch][4][h/8][w/8], the
 * predicted clean latents of the last step; NULL before the first
 *
 * Returns: steps finished; 0 also for what is not a state. Thread: any
 */
guint sd_run_state_step (GBytes *state, GBytes **denoised);
SdRun *
sd_run_load (SdEngine *engine, GBytes *state, const BaseTask *task, GError **error);
/** sd_run_save_picture: PNG with `parameters` and our own chunk, atomically */
gboolean sd_run_save_picture (SdRun *run,
                              guint picture,
                              const ImageBuffer *image,
                              const char *path,
                              GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdExtras, sd_extras_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdInfo, sd_info_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdTokenizer, sd_tokenizer_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdSource, sd_source_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdLora, sd_lora_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdEmbedding, sd_embedding_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdLoraReport, sd_lora_report_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdParams, sd_params_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdPlan, sd_plan_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdEngine, sd_engine_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SdRun, sd_run_free)
