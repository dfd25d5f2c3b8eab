/* st.h: a .safetensors file, or several as one model, without reading a value
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gio/gio.h>
#include "base/base-json.h"
#include "base/base-task.h"

/* Order: the reference's dtype rank, low to high. */
typedef enum
{
  ST_DTYPE_BOOL,
  ST_DTYPE_F4,
  ST_DTYPE_F6_E2M3,
  ST_DTYPE_F6_E3M2,
  ST_DTYPE_U8,
  ST_DTYPE_I8,
  ST_DTYPE_F8_E5M2,
  ST_DTYPE_F8_E4M3,
  ST_DTYPE_F8_E8M0,
  ST_DTYPE_F8_E4M3FNUZ,
  ST_DTYPE_F8_E5M2FNUZ,
  ST_DTYPE_I16,
  ST_DTYPE_U16,
  ST_DTYPE_F16,
  ST_DTYPE_BF16,
  ST_DTYPE_I32,
  ST_DTYPE_U32,
  ST_DTYPE_F32,
  ST_DTYPE_C64,
  ST_DTYPE_F64,
  ST_DTYPE_I64,
  ST_DTYPE_U64,
  ST_N_DTYPES
} StDtype;

#define ST_ERROR (st_error_quark ())
GQuark st_error_quark (void);

typedef enum /* the reference's kinds (st_error_kind_name gives its spelling), then ours
              */
{
  ST_ERROR_HEADER_TOO_SMALL,
  ST_ERROR_HEADER_TOO_LARGE,
  ST_ERROR_INVALID_HEADER_LENGTH,
  ST_ERROR_INVALID_HEADER,
  ST_ERROR_INVALID_HEADER_DESERIALIZATION,
  ST_ERROR_INVALID_OFFSET,
  ST_ERROR_VALIDATION_OVERFLOW,
  ST_ERROR_MISALIGNED_SLICE,
  ST_ERROR_TENSOR_INVALID_INFO,
  ST_ERROR_METADATA_INCOMPLETE_BUFFER,
  ST_ERROR_IO,      /* the system refused: message has its reason */
  ST_ERROR_CHANGED, /* the file is not what it was when it was opened */
  ST_ERROR_INDEX,   /* shard index or folder that does not fit together */
  ST_ERROR_TOO_MANY_SLICES,
  ST_ERROR_SLICE_OUT_OF_RANGE,
} StError;

const char *st_error_kind_name (int code);
/**
 * st_name_escape: (transfer full)
 * @name: @length bytes of valid UTF-8, possibly with U+0000
 *
 * A tensor's or key's name for the screen and for messages: control and direction
 * characters as \u codes, cut after 256 characters.
 */
char *st_name_escape (const char *name, gsize length);

const char *st_dtype_name (StDtype dtype);
guint st_dtype_bits (StDtype dtype);
gboolean st_dtype_from_name (const char *name, gsize length, StDtype *dtype);
/* C64 is a float type, BOOL is neither. */
gboolean st_dtype_is_float (StDtype dtype);
gboolean st_dtype_is_integer (StDtype dtype);
/**
 * st_dtype_to_float:
 * @src: packed values; F4 low nibble first, F6 a little-endian bit stream
 * @first: index of the first value, counted from @src
 * @n: how many; C64 counts real and imaginary parts as separate values
 *
 * U32, I32, F64, I64 and U64 round to the nearest float; the rest are exact.
 */
void
st_dtype_to_float (StDtype dtype, const guint8 *src, gsize first, gsize n, float *dst);
void
st_dtype_to_double (StDtype dtype, const guint8 *src, gsize first, gsize n, double *dst);

/* One tensor of a header. Names are length-counted (they may hold U+0000) and also
 * NUL-terminated; all memory belongs to the header. */
typedef struct
{
  const char *name;
  guint32 name_length;
  StDtype dtype;
  guint32 rank;
  const guint64 *shape;
  guint64 begin, end; /* bytes, from the start of the data part */
  guint64 count;      /* product of the shape; 1 for a scalar */
} StTensor;

/** st_tensor_write_json: members "dtype" and "shape" into the object that is open, and
 * "data_offsets" if @offsets: as a header has them */
void st_tensor_write_json (const StTensor *tensor, gboolean offsets, BaseJson *json);

typedef struct
{
  const char *key, *value;
  guint32 key_length, value_length;
} StMetadata;

typedef struct
{
  guint64 start, stop; /* stop is not part of it */
} StRange;

/**
 * st_tensor_check_slice:
 * @ranges: of the first @n_ranges dimensions; the rest are whole
 *
 * Whether a part of @tensor exists and consists of whole bytes.
 * Errors: %ST_ERROR_TOO_MANY_SLICES, %ST_ERROR_SLICE_OUT_OF_RANGE,
 * %ST_ERROR_MISALIGNED_SLICE (a cut inside a byte of F4 or F6).
 */
gboolean st_tensor_check_slice (const StTensor *tensor,
                                const StRange *ranges,
                                guint n_ranges,
                                GError **error);

/* One file. Reading never faults; a file that shrank or was replaced gives
 * ST_ERROR_CHANGED. Thread: immutable after opening, any. Reference counted. */
typedef struct _StFile StFile;

/**
 * st_file_open: reads and checks the header
 *
 * Errors: the reference's kinds for its verdicts; a file that is something else (a web
 * page, a pickle, a Git LFS pointer …) keeps the kind and the message says what it is.
 * %ST_ERROR_IO, %ST_ERROR_CHANGED, %G_IO_ERROR_CANCELLED. Blocks: not for the main
 * thread.
 */
StFile *st_file_open (const char *path, const BaseTask *task, GError **error);
/**
 * st_file_open_damaged: of a file that st_file_open() refuses, what can be read
 *
 * Its tensors are those whose own entries are sound; they may lie in each other's place,
 * or beyond the end of the file, where reading fails. To look at, not to compute with.
 * NULL with the fault where there is no such tensor.
 */
StFile *st_file_open_damaged (const char *path, const BaseTask *task, GError **error);
/** st_file_fault: (nullable): why st_file_open() refuses a damaged file */
const GError *st_file_fault (StFile *file);
/* What a file is that is none of ours. */
typedef enum
{
  ST_FOREIGN_OTHER,
  ST_FOREIGN_LFS,  /* a note that Git left in a file's place */
  ST_FOREIGN_PAGE, /* what a server sent for people to read */
} StForeignKind;

typedef struct
{
  StForeignKind kind;
  const char *what; /* a clause in English, to be translated */
} StForeign;

/** st_file_find_foreign: (nullable): what a refused file really is; static */
const StForeign *st_file_find_foreign (const char *path);
StFile *st_file_ref (StFile *file);
void st_file_unref (StFile *file);
const char *st_file_path (StFile *file);
guint64 st_file_header_bytes (StFile *file); /* N: without the eight length bytes */
guint64 st_file_data_bytes (StFile *file);
guint st_file_n_tensors (StFile *file);
const StTensor *st_file_tensor (StFile *file, guint index); /* in offset order */
const StTensor *st_file_find (StFile *file, const char *name, gssize length);
guint st_file_n_metadata (StFile *file);
const StMetadata *st_file_metadata (StFile *file, guint index);
/** st_file_metadata_value: (nullable): the value of @key */
const char *st_file_metadata_value (StFile *file, const char *key);
const char *const *st_file_warnings (StFile *file); /* NULL-terminated */
/** st_file_has: whether there are @n bytes from @offset of the data part; without an
 * entry at fault there are, for every tensor */
gboolean st_file_has (StFile *file, guint64 offset, guint64 n, GError **error);
/**
 * st_file_read:
 * @offset: byte in the data part
 */
gboolean st_file_read (StFile *file, guint64 offset, gsize n, void *dst, GError **error);

/* A stretch of a file's data where the system keeps it. */
typedef struct
{
  const guint8 *bytes;
  /*< private >*/
  StFile *file;
  guint64 offset;
  gsize n, map_size;
  guint8 *map;
  volatile gboolean lost;
} StView;

/**
 * st_view_begin: shows @n bytes from @offset of the data part as view->bytes, uncopied
 *
 * Only of what the system has in memory and can show; where it is FALSE, read. Between
 * begin and end the bytes may be touched by this thread alone, which has one view at a
 * time; what is not there any more reads as zeros.
 */
gboolean st_view_begin (StView *view, StFile *file, guint64 offset, gsize n);
/** st_view_end: FALSE where the bytes were not all there: what was made of them is void
 */
gboolean st_view_end (StView *view, GError **error);
/** st_file_fd: the open file's descriptor, for import or mapping; stays the file's */
int st_file_fd (StFile *file);
guint64 st_file_data_start (StFile *file);

/* SHA-256 of all of a file, computed in the background. */
typedef struct _StHash StHash;
/**
 * st_hash_new: begins to hash @file, on a thread that gives way where it is large
 * @cache: (nullable): where hashes are kept between programs, by the file's identity
 *
 * Thread: any, like all that follows.
 */
StHash *st_hash_new (StFile *file, const char *cache);
/** st_hash_peek: (nullable): 64 hexadecimal digits; NULL while it is not ready, or where
 * the file changed */
const char *st_hash_peek (StHash *hash);
/** st_hash_free: what is not ready is given up; @hash may be NULL */
void st_hash_free (StHash *hash);

/* By what names other programs know a model; all in hexadecimal digits. */
typedef struct
{
  char whole[65];  /* SHA-256 of the file; its first 10 digits are AutoV2 */
  char data[65];   /* of the tensors, header left out; its first 12 are AutoV3 */
  char auto_v1[9]; /* of 64 KiB at 1 MiB; "" where the file ends before */
} StHashes;

/** st_hash_new_all: as st_hash_new(), all of them in one read
 * @only_cached: to look whether they are known, and read nothing */
StHash *st_hash_new_all (StFile *file, const char *cache, gboolean only_cached);
/** st_hash_peek_all: (nullable): NULL while they are not ready */
const StHashes *st_hash_peek_all (StHash *hash);
/** st_hash_ended: whether nothing more will come of it */
gboolean st_hash_ended (StHash *hash);
void st_hash_progress (StHash *hash, guint64 *done, guint64 *total);

typedef enum
{
  ST_HASH_NOT_TOLD,
  ST_HASH_AGREES,
  ST_HASH_DIFFERS, /* the tensors were changed since */
} StHashAgreement;

/** st_hashes_check: what @file's metadata tell of its tensors in @key
 * ("modelspec.hash_sha256", "sshs_model_hash") against what they are */
StHashAgreement st_hashes_check (const StHashes *hashes, StFile *file, const char *key);

/* What opens in the window and in the pipeline: one file, a shard index, or a diffusers
 * folder, as one list of tensors. In a diffusers folder names carry the part in front
 * ("unet/conv_in.weight"). Thread: immutable, any. Reference counted. */
typedef struct _StModel StModel;

typedef struct
{
  const StTensor *tensor; /* dtype, shape, place in its file */
  StFile *file;
  const char *name; /* full name in the model */
  guint32 name_length;
} StModelTensor;

/**
 * st_model_open:
 * @path: a .safetensors file, a shard index (*.json), a diffusers folder or its
 *   model_index.json, or a folder that holds one model
 *
 * Errors: as st_file_open(), with the file's name in front where there are several;
 * %ST_ERROR_INDEX for an index or folder that is not usable. Blocks: not for the main
 * thread.
 */
StModel *st_model_open (const char *path, const BaseTask *task, GError **error);
/** st_model_attach: what goes with the model until it is freed, one thing; only before
 * the model is shared with another thread */
void st_model_attach (StModel *model, gpointer data, GDestroyNotify destroy);
gpointer st_model_attached (StModel *model); /* (nullable) */
/** st_model_open_damaged: a single file by st_file_open_damaged(), what else as it is */
StModel *st_model_open_damaged (const char *path, const BaseTask *task, GError **error);
/** st_model_fault: (nullable): what is wrong with a damaged file */
const GError *st_model_fault (StModel *model);
StModel *st_model_ref (StModel *model);
void st_model_unref (StModel *model);
const char *st_model_path (StModel *model);
char *st_model_title (StModel *model); /* (transfer full): for people: file name without
                                          suffix, or modelspec.title */
/** st_model_is_folder: a diffusers folder, whose names carry the part in front */
gboolean st_model_is_folder (StModel *model);
guint st_model_n_files (StModel *model);
StFile *st_model_file (StModel *model, guint index);
guint st_model_n_tensors (StModel *model);
const StModelTensor *st_model_tensor (StModel *model,
                                      guint index); /* file, then offset order */
const StModelTensor *st_model_find (StModel *model, const char *name);
const char *st_model_metadata_value (StModel *model, const char *key);
/** st_model_read_json: (transfer full) (nullable): text of @relative ("unet/config.json")
 * in a folder */
char *st_model_read_json (StModel *model, const char *relative, gsize *length);
const char *const *st_model_warnings (StModel *model);

/* The tree of dotted names. A node is a group or a tensor; groups with a single child are
 * not folded here. Children are in natural order ("2" before "10"). */
typedef struct _StNode StNode;
struct _StNode
{
  const char *label; /* last part of the name; the root has the model's title */
  char *path; /* full dotted path; "" for the root; both as st_name_escape() shows it */
  StNode *parent;
  StNode **children;
  guint n_children;
  const StModelTensor *tensor; /* NULL for a group */
  guint index;                 /* of the tensor in the model, when there is one */
  guint n_tensors;             /* here and below */
  guint64 bytes;               /* here and below */
  guint64 values;              /* here and below */
  guint32 dtypes;              /* bit (1 << StDtype) of every type here and below */
};

/* Keeps the model. Thread: immutable, any; to be made off the main thread. */
typedef struct _StTree StTree;
StTree *st_tree_new (StModel *model, const BaseTask *task, GError **error);
void st_tree_free (StTree *tree);
StNode *st_tree_root (StTree *tree);

/* Writing: temporary sibling file, then rename; order and padding as the reference
 * writes. */
typedef struct
{
  const char *name;
  StDtype dtype;
  guint rank;
  const guint64 *shape;
  const void *data;
} StWriteTensor;

gboolean st_write (const char *path,
                   const StWriteTensor *tensors,
                   guint n_tensors,
                   const char *const *metadata, /* key, value, …, NULL; or NULL */
                   GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (StFile, st_file_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (StModel, st_model_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (StTree, st_tree_free)
