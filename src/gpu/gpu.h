/* gpu.h: Vulkan compute: devices, memory, kernels, recordings. Knows nothing of networks
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <gio/gio.h>
#include "base/base-task.h"

#define GPU_ERROR (gpu_error_quark ())
GQuark gpu_error_quark (void);
typedef enum
{
  GPU_ERROR_NO_DEVICE, /* no loader, no driver or no device: message says what to install
                        */
  GPU_ERROR_UNSUITABLE,
  GPU_ERROR_OUT_OF_MEMORY,
  GPU_ERROR_LOST,
  GPU_ERROR_SHADER,
  GPU_ERROR_FAILED,
} GpuError;

typedef enum
{
  GPU_KIND_DISCRETE,
  GPU_KIND_INTEGRATED,
  GPU_KIND_VIRTUAL,
  GPU_KIND_CPU,
  GPU_KIND_OTHER
} GpuKind;

/* One physical device, as the user sees it and as kernels need to know it. */
typedef struct
{
  guint index; /* in enumeration order: what `--device N` takes */
  char name[256];
  char driver[256]; /* name and version text */
  char uuid[33];    /* pipelineCacheUUID in hex */
  GpuKind kind;
  guint32 vendor_id, device_id, driver_version, api_version;
  guint64 memory_bytes; /* device-local heaps; of a CPU device the machine's memory */
  guint subgroup_size;  /* default */
  guint subgroup_min, subgroup_max;
  gboolean can_require_subgroup_size;
  gboolean has_shuffle;
  gboolean prefer_broadcast; /* constant-lane: subgroupBroadcast is cheaper than
                                subgroupShuffle */
  gboolean prefer_images; /* texel buffers should be bound as images, GPU_BIND_IMAGE_… */
  gboolean has_fp16_storage, has_fp16_arithmetic;
  guint64 max_storage_range, max_allocation;
  guint64 max_texel_elements;
  guint texel_alignment, storage_alignment; /* offsets of bindings, bytes */
  guint max_shared_bytes, max_workgroup;
  guint max_storage_buffers; /* bindings of one kernel */
  guint cores;               /* that run workgroups; a guess where no driver tells */
  /* Matrix units: a subgroup of matrix_subgroup lanes multiplies m × k and k × n in fp16
   * and adds in fp32 (VK_KHR_cooperative_matrix). m 0: there are none. */
  guint matrix_m, matrix_n, matrix_k, matrix_subgroup;
  double timestamp_ns;       /* 0: none */
  double max_dispatch_flops; /* what one dispatch should hold at most: split larger ones
                                by rows */
} GpuInfo;

/**
 * gpu_prepare_process:
 *
 * Sets the environment that lavapipe reads when it is first loaded
 * (LP_NATIVE_VECTOR_WIDTH where the CPU has AVX-512, a private MESA_SHADER_CACHE_DIR per
 * width and driver version). Must run at the start of main, before any thread and before
 * GTK. Leaves variables alone that the user has set.
 */
void gpu_prepare_process (void);

/** gpu_list: (transfer full) (element-type GpuInfo): NULL with GPU_ERROR_NO_DEVICE.
 * Thread: any. */
GArray *gpu_list (GError **error);

typedef struct _GpuDevice
    GpuDevice; /* reference counted; one queue, one user thread at a time */

/** gpu_device_new: @index of gpu_list, or -1 for the best (discrete, integrated, virtual,
 * CPU) */
GpuDevice *gpu_device_new (int index, GError **error);
GpuDevice *gpu_device_ref (GpuDevice *device);
void gpu_device_unref (GpuDevice *device);
const GpuInfo *gpu_device_info (GpuDevice *device);
/** gpu_device_info_for: what gpu_device_new would open with @index, without opening it */
gboolean gpu_device_info_for (int index, GpuInfo *info, GError **error);
/**
 * gpu_device_reopen: the same device again after it was lost; its submissions are half as
 * long, its limit of memory is the same
 */
GpuDevice *gpu_device_reopen (GpuDevice *lost, GError **error);
/** gpu_device_set_memory_limit: bytes of device memory that may be allocated at most, for
 * buffers of the kind GPU_BUFFER_DEVICE; 0: as much as there is */
void gpu_device_set_memory_limit (GpuDevice *device, guint64 bytes);
guint64 gpu_device_memory_limit (GpuDevice *device);
/** gpu_device_memory_used: bytes allocated by us */
guint64 gpu_device_memory_used (GpuDevice *device);
/** gpu_device_memory_peak: the most that blocks of the kind GPU_BUFFER_DEVICE held at
 * once */
guint64 gpu_device_memory_peak (GpuDevice *device);
/** gpu_memory_free_of_machine: host memory that programs can still take; bytes, 0: not
 * known */
guint64 gpu_memory_free_of_machine (void);
/** gpu_device_memory_available: bytes that may still be allocated; an estimate, others
 * use the device too */
guint64 gpu_device_memory_available (GpuDevice *device);
/** gpu_device_is_lost: nothing can be done with it any more but closing it */
gboolean gpu_device_is_lost (GpuDevice *device);
/** gpu_info_memory_available: an estimate without opening the device */
guint64 gpu_info_memory_available (const GpuInfo *info);
/** gpu_info_speed: operations per second that this device was seen to do when it was used
 * last; 0: not known */
double gpu_info_speed (const GpuInfo *info);
/** gpu_device_save_cache: writes the pipeline cache, merged with what lies there, and
 * what gpu_info_speed tells; waits for the kernels that are being compiled */
void gpu_device_save_cache (GpuDevice *device);
/** gpu_device_validation_messages: @device (nullable): how many the validation layer
 * reported in this process (CALOTYPE_VALIDATE=1) */
guint gpu_device_validation_messages (GpuDevice *device);
/** gpu_validating: is the validation layer at work: wanted, installed, and Vulkan loaded
 */
gboolean gpu_validating (void);

typedef struct _GpuBuffer GpuBuffer; /* reference counted */

#define GPU_BUFFER_PADDING 1024 /* what a buffer may take of memory beyond its size */

typedef enum
{
  GPU_BUFFER_DEVICE, /* device-local; host access through staging */
  GPU_BUFFER_HOST,   /* host-visible, coherent, cached where there is such */
} GpuBufferKind;

GpuBuffer *gpu_buffer_new (GpuDevice *device,
                           guint64 size,
                           GpuBufferKind kind,
                           const char *label,
                           GError **error);
GpuBuffer *gpu_buffer_ref (GpuBuffer *buffer);
void gpu_buffer_unref (GpuBuffer *buffer);
guint64 gpu_buffer_size (GpuBuffer *buffer);
/** gpu_buffer_map: (nullable): its memory where the host sees it directly (always on
 * lavapipe) */
void *gpu_buffer_map (GpuBuffer *buffer);
/* Blocking; through the mapping where there is one, else the staging ring. */
gboolean gpu_buffer_write (
    GpuBuffer *buffer, guint64 offset, const void *src, gsize n, GError **error);
gboolean
gpu_buffer_read (GpuBuffer *buffer, guint64 offset, void *dst, gsize n, GError **error);

typedef enum
{
  GPU_BIND_STORAGE,
  GPU_BIND_TEXEL_F32X4, /* samplerBuffer on RGBA32F */
  GPU_BIND_TEXEL_F16X4, /* samplerBuffer on RGBA16F */
  GPU_BIND_TEXEL_U32X4, /* usamplerBuffer on RGBA32UI */
  GPU_BIND_IMAGE_F32X4, /* imageBuffer, layout (rgba32f) */
  GPU_BIND_IMAGE_U32X4, /* uimageBuffer, layout (rgba32ui) */
} GpuBindKind;

typedef struct
{
  GpuBuffer *buffer;
  guint64 offset; /* aligned to storage_alignment or texel_alignment */
  guint64 size;   /* bytes; 0: to the end */
  GpuBindKind kind;
} GpuBinding;

#define GPU_MAX_BINDINGS 8
#define GPU_MAX_SPEC 20
#define GPU_MAX_PUSH 128

typedef struct _GpuKernel GpuKernel; /* belongs to the device */

/**
 * gpu_kernel_get:
 * @shader: name in the registry that shaders/meson.build makes ("conv3-tbo-hpack")
 * @kinds: descriptor type of each of the @n_bindings bindings of set 0
 * @spec: values of constant_id 0 … n_spec − 1
 * @subgroup_size: to require, or 0. Ignored where the device cannot.
 *
 * Cached: equal arguments give the same kernel. It is compiled in the background, several
 * at a time; gpu_recording_finish waits for those it uses and tells what failed. On
 * lavapipe the machine code is made at the first dispatch.
 */
GpuKernel *gpu_kernel_get (GpuDevice *device,
                           const char *shader,
                           const GpuBindKind *kinds,
                           guint n_bindings,
                           const guint32 *spec,
                           guint n_spec,
                           guint subgroup_size,
                           GError **error);

/**
 * gpu_device_compile: waits until all kernels asked for are compiled; progress in
 * kernels, stage "kernels". FALSE when @task was cancelled: the compilers go on.
 */
gboolean gpu_device_compile (GpuDevice *device, const BaseTask *task, GError **error);
gboolean gpu_device_is_compiling (GpuDevice *device);

/* A list of dispatches, recorded once, replayed often, cut into submissions. */
typedef struct _GpuRecording GpuRecording;

/* What a dispatch is, for the profile and for the length of submissions. The texts are
 * copied; NULL is an empty one. */
typedef struct
{
  const char *label;   /* the operator's name */
  const char *shape;   /* what it computes */
  const char *variant; /* how: tiles and the like */
  double flops;        /* an estimate; submissions are cut by it */
  double bytes;        /* read and written, everything touched counted once */
} GpuWork;

typedef struct
{
  char label[96];
  char kernel[64];
  char shape[64];
  char variant[32];
  double flops, bytes;      /* as stated when recorded */
  double seconds;           /* last profiled run */
  double processor_seconds; /* the same, of all processors the process had; CPU devices
                               only: else 0 */
} GpuTiming;

GpuRecording *gpu_recording_new (GpuDevice *device);
/** gpu_recording_new_rehearsal: only has the kernels of what is dispatched compiled, in
 * the background; buffers may be missing. It is never finished or run. */
GpuRecording *gpu_recording_new_rehearsal (GpuDevice *device);
gboolean gpu_recording_is_rehearsal (const GpuRecording *recording);
void gpu_recording_free (GpuRecording *recording);
/**
 * gpu_recording_dispatch:
 * @groups: counts in x, y, z; must be within the device's limits
 */
gboolean gpu_recording_dispatch (GpuRecording *recording,
                                 GpuKernel *kernel,
                                 const GpuBinding *bindings,
                                 const void *push,
                                 guint push_size,
                                 const guint32 groups[3],
                                 const GpuWork *work,
                                 GError **error);
/** gpu_recording_copy: @bytes from buffer to buffer, ordered as a dispatch is; offsets
 * and size are multiples of 4 */
gboolean gpu_recording_copy (GpuRecording *recording,
                             GpuBuffer *from,
                             guint64 from_offset,
                             GpuBuffer *to,
                             guint64 to_offset,
                             guint64 bytes,
                             const char *label,
                             GError **error);
/** gpu_recording_barrier: all earlier writes are seen by all later dispatches */
void gpu_recording_barrier (GpuRecording *recording);
/** gpu_recording_compile: waits until the kernels of its dispatches are compiled, and
 * tells what failed; gpu_recording_finish does too, but cannot be cancelled */
gboolean
gpu_recording_compile (GpuRecording *recording, const BaseTask *task, GError **error);
gboolean gpu_recording_finish (GpuRecording *recording, gboolean profile, GError **error);
/**
 * gpu_recording_run: submits and waits; between submissions asks @task, whose progress is
 * in dispatches with stage "compute", and on a CPU device that is making machine code in
 * kernels with stage "kernels"
 */
gboolean
gpu_recording_run (GpuRecording *recording, const BaseTask *task, GError **error);
/** gpu_recording_timings: (element-type GpuTiming) (transfer full): of every dispatch;
 * without @profile at finish the times are 0 */
GArray *gpu_recording_timings (GpuRecording *recording);
guint gpu_recording_n_dispatches (GpuRecording *recording);
/** gpu_recording_n_barriers: between dispatches */
guint gpu_recording_n_barriers (GpuRecording *recording);
/** gpu_recording_bytes: read and written by all dispatches, as stated */
double gpu_recording_bytes (GpuRecording *recording);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (GpuDevice, gpu_device_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GpuBuffer, gpu_buffer_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GpuRecording, gpu_recording_free)
