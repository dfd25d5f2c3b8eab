/* gpu-private.h: what the files of this room share
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#pragma once

#include <volk.h>
#include "gpu/gpu.h"
#include "gpu/gpu-fault.h"
#include "gpu/gpu-shader-private.h"

/* ---- gpu-instance.c: one VkInstance for the process, made on first use, never destroyed
 * ---- */

/** gpu_instance_ready: loads Vulkan where that is not done; GPU_ERROR_NO_DEVICE says what
 * to install */
gboolean gpu_instance_ready (GError **error);
VkInstance gpu_instance_handle (void);
guint gpu_instance_messages (void);
/** gpu_check: TRUE for VK_SUCCESS; else @error tells @what failed, with Vulkan's name for
 * it */
gboolean gpu_check (VkResult result, const char *what, GError **error);

/* ---- gpu-info.c ---- */

typedef struct
{
  GpuInfo info;
  VkPhysicalDevice handle;
  VkPhysicalDeviceMemoryProperties memory;
  guint32 queue_family;   /* G_MAXUINT32: none that computes */
  guint32 timestamp_bits; /* valid bits of the queue's time stamps */
  guint32 max_groups[3];
  gboolean can_int16, can_int8, can_storage8;
  gboolean
      subgroup_extension; /* the size is chosen through the extension, not through 1.3 */
  gboolean full_subgroups;
  gboolean memory_model; /* Vulkan's own, which kernels of matrix units declare */
  gboolean has_budget;   /* the driver tells how much memory is left */
} GpuPhysical;

/* ---- gpu-matrix.c: VK_KHR_cooperative_matrix, of which old headers know nothing ---- */

#define GPU_MATRIX_EXTENSION "VK_KHR_cooperative_matrix"

typedef struct
{
  VkStructureType type;
  void *next;
  VkBool32 matrix, robust;
} GpuMatrixFeatures;

#define GPU_MATRIX_FEATURES ((VkStructureType) 1000506000)

/** gpu_matrix_fill: fills matrix_… of @p->info, whose driver is @driver; subgroups are
 * known */
void gpu_matrix_fill (GpuPhysical *p, VkDriverId driver);

/** gpu_physical_list: (transfer full) (element-type GpuPhysical) */
GArray *gpu_physical_list (GError **error);
/** gpu_has_extension: of a device */
gboolean gpu_has_extension (VkPhysicalDevice handle, const char *name);
/** gpu_physical_suitable: can our kernels run there; @error says what is missing */
gboolean gpu_physical_suitable (const GpuPhysical *physical, GError **error);

/* ---- gpu-device.c ---- */

typedef struct _GpuHeap GpuHeap;
typedef struct _GpuStaging GpuStaging;

struct _GpuDevice
{
  gatomicrefcount references;
  GpuPhysical physical;
  VkDevice handle;
  VkQueue queue;
  VkCommandPool commands;
  GpuHeap *heap;
  GpuStaging *staging; /* NULL until first used */
  VkPipelineCache cache;
  GThreadPool *compilers;
  GMutex compile_lock; /* of results and the two below */
  GCond compiled;
  guint n_compiling, n_compiled; /* waiting or under way; done since nothing was */
  guint kernels_made;            /* since the cache was last written */
  GHashTable *layouts;           /* GpuLayout by kinds */
  GHashTable *kernels;           /* GpuKernel by key */
  double
      flops_per_second; /* what the latest submissions did: the length of the next ones */
  double flops_done, seconds_done; /* of recordings whose kernels were all compiled */
  double submission_seconds;       /* how long one should be */
  guint64 memory_limit;            /* 0: none */
  gboolean unified;                /* device memory is the host's */
  gboolean lost;
};

/** gpu_device_check: as gpu_check, and remembers that the device is lost */
gboolean
gpu_device_check (GpuDevice *device, VkResult result, const char *what, GError **error);

/* ---- gpu-heap.c: few large allocations, cut into buffers ---- */

typedef struct _GpuBlock GpuBlock;

typedef struct
{
  GpuBlock *block;
  VkDeviceMemory memory;
  guint64 offset, size;
  guint8 *map; /* NULL where the host does not see it */
} GpuPlace;

GpuHeap *gpu_heap_new (GpuDevice *device);
void gpu_heap_free (GpuHeap *heap);
gboolean gpu_heap_take (GpuHeap *heap,
                        const VkMemoryRequirements *need,
                        GpuBufferKind kind,
                        const char *label,
                        GpuPlace *place,
                        GError **error);
void gpu_heap_give (GpuHeap *heap, GpuPlace *place);
guint64 gpu_heap_used (GpuHeap *heap);
/** gpu_heap_reserved: bytes of all blocks of @kind, used or not */
guint64 gpu_heap_reserved (GpuHeap *heap, GpuBufferKind kind);
/** gpu_heap_peak: the most that gpu_heap_reserved was for GPU_BUFFER_DEVICE */
guint64 gpu_heap_peak (GpuHeap *heap);

/* ---- gpu-memory.c ---- */

/** gpu_memory_of_machine: bytes; 0: not known */
guint64 gpu_memory_of_machine (void);
guint64 gpu_memory_left (GpuDevice *device);

/* ---- gpu-buffer.c, gpu-staging.c ---- */

struct _GpuBuffer
{
  gatomicrefcount references;
  GpuDevice *device;
  char *label;
  guint64 size;
  VkBuffer handle;
  GpuPlace place;
  GHashTable *views; /* GpuView, of texel bindings */
};

/** gpu_buffer_view: texel view of a range; kept with the buffer */
VkDescriptorType gpu_descriptor_type (GpuBindKind kind);
gboolean gpu_buffer_view (GpuBuffer *buffer,
                          guint64 offset,
                          guint64 size,
                          GpuBindKind kind,
                          VkBufferView *view,
                          GError **error);

/** gpu_staging_copy: @host → @buffer or back, in pieces, blocking */
gboolean gpu_staging_copy (GpuBuffer *buffer,
                           guint64 offset,
                           guint8 *host,
                           gsize n,
                           gboolean to_device,
                           GError **error);
void gpu_staging_free (GpuDevice *device, GpuStaging *staging);

/* ---- gpu-cache.c: the pipeline cache's file ---- */

void gpu_cache_load (GpuDevice *device);
/** gpu_cache_dup_path: (transfer full): $XDG_CACHE_HOME/calotype/pipelines-UUID-VERSION
 */
char *gpu_cache_dup_path (GpuDevice *device);

/* ---- gpu-kernel.c, gpu-compile.c ---- */

typedef struct
{
  VkDescriptorSetLayout set;
  VkPipelineLayout pipeline;
} GpuLayout;

struct _GpuKernel
{
  char *name;
  const GpuLayout *layout; /* the device's */
  const GpuShader *shader;
  GpuBindKind kinds[GPU_MAX_BINDINGS];
  guint n_bindings;
  guint32 spec[GPU_MAX_SPEC];
  guint n_spec;
  guint subgroup_size;
  VkPipeline pipeline; /* once it is compiled */
  VkResult result;     /* VK_NOT_READY until then */
  gboolean ran;        /* dispatched at least once: a CPU device has made its code */
};

void gpu_compile_init (GpuDevice *device);
/** gpu_compile_end: lets what is being compiled end, drops what waits */
void gpu_compile_end (GpuDevice *device);
/** gpu_compile_start: compiles @kernel in the background */
void gpu_compile_start (GpuDevice *device, GpuKernel *kernel);
/** gpu_compile_wait: until @kernel is compiled, whatever else is; asks @task meanwhile */
gboolean gpu_compile_wait (GpuDevice *device,
                           const GpuKernel *kernel,
                           const BaseTask *task,
                           GError **error);
/** gpu_compile_check: did @kernel, which is no longer waiting, compile */
gboolean gpu_compile_check (GpuDevice *device, const GpuKernel *kernel, GError **error);

void gpu_kernels_init (GpuDevice *device);
void gpu_kernels_clear (GpuDevice *device);

/* ---- gpu-recording.c, gpu-run.c ---- */

typedef struct
{
  GpuKernel *kernel; /* NULL: a copy */
  VkBuffer from, to; /* of a copy */
  VkBufferCopy region;
  VkDescriptorSet set;
  guint8 push[GPU_MAX_PUSH];
  guint push_size;
  guint32 groups[3];
  gboolean barrier; /* before it */
  GpuTiming timing;
} GpuDispatch;

/* Dispatches [first, end) in one command buffer: what a submission is made of. */
typedef struct
{
  VkCommandBuffer commands;
  guint first, end;
  double flops;
} GpuPiece;

struct _GpuRecording
{
  GpuDevice *device;
  GArray *dispatches;  /* GpuDispatch */
  GArray *pieces;      /* GpuPiece; filled by finish */
  GHashTable *buffers; /* set of those bound: kept alive */
  guint n_sets;        /* taken from the pools */
  GArray *pools;       /* VkDescriptorPool */
  VkQueryPool queries; /* two per dispatch, when profiled by time stamps */
  gboolean barrier_next, finished, profile, copies, rehearsal;
};
