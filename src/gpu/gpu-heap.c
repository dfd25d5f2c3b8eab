/* gpu-heap.c: device memory in few large blocks, cut into buffers
 *
 * Vulkan allows some 4096 allocations in all and makes each of them slow, so buffers
 * share blocks. A block keeps its free ranges sorted; first fit, neighbours merge. The
 * first block of a memory type has 32 MiB, later ones as much as is there already, up to
 * 256 MiB; what is larger gets a block of its own. A block that becomes empty is given
 * back. Under a limit of memory nothing is taken ahead: what has a mebibyte or more gets
 * a block of its own, so that all of it comes back when it goes.
 *
 * SPDX-License-Identifier: GPL-3.0-or-later
 */

#include "config.h"

#include "gpu/gpu-private.h"

#include <sys/mman.h>
#include <unistd.h>

#define MIN_BLOCK ((guint64) 32 << 20)
#define MAX_BLOCK ((guint64) 256 << 20)
#define LIMITED_BLOCK ((guint64) 4 << 20)
#define LIMITED_OWN ((guint64) 1 << 20)

typedef struct
{
  guint64 offset, size;
} Range;

struct _GpuBlock
{
  VkDeviceMemory memory;
  guint type;
  GpuBufferKind kind;
  guint64 size;
  guint8 *map;
  GArray *free; /* Range, by offset */
};

struct _GpuHeap
{
  GpuDevice *device;
  GPtrArray *blocks; /* GpuBlock */
  guint64 used;      /* bytes in places taken */
  guint64 peak;
};

GpuHeap *
gpu_heap_new (GpuDevice *device)
{
  GpuHeap *heap = g_new0 (GpuHeap, 1);

  heap->device = device;
  heap->blocks = g_ptr_array_new ();
  return heap;
}

static void
block_free (GpuHeap *heap, GpuBlock *block)
{
  vkFreeMemory (heap->device->handle, block->memory, NULL);
  g_array_unref (block->free);
  g_free (block);
}

void
gpu_heap_free (GpuHeap *heap)
{
  for (guint i = 0; i < heap->blocks->len; i++)
    block_free (heap, heap->blocks->pdata[i]);
  g_ptr_array_unref (heap->blocks);
  g_free (heap);
}

guint64
gpu_heap_used (GpuHeap *heap)
{
  return heap->used;
}

guint64
gpu_heap_reserved (GpuHeap *heap, GpuBufferKind kind)
{
  guint64 sum = 0;

  for (guint i = 0; i < heap->blocks->len; i++)
    {
      const GpuBlock *block = heap->blocks->pdata[i];

      sum += block->kind == kind ? block->size : 0;
    }
  return sum;
}

guint64
gpu_heap_peak (GpuHeap *heap)
{
  return heap->peak;
}

/* How well a memory type serves; negative: not at all. */
static int
score_type (GpuDevice *device, VkMemoryPropertyFlags flags, GpuBufferKind kind)
{
  const VkMemoryPropertyFlags odd = VK_MEMORY_PROPERTY_PROTECTED_BIT
                                    | VK_MEMORY_PROPERTY_LAZILY_ALLOCATED_BIT
                                    | VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD
                                    | VK_MEMORY_PROPERTY_DEVICE_UNCACHED_BIT_AMD;
  const VkMemoryPropertyFlags seen
      = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  gboolean local = (flags & VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT) != 0;
  gboolean visible = (flags & seen) == seen;
  gboolean cached = (flags & VK_MEMORY_PROPERTY_HOST_CACHED_BIT) != 0;

  if (flags & odd)
    return -1;
  if (kind == GPU_BUFFER_HOST)
    return visible ? 4 * cached + (local == device->unified) : -1;
  /* Where the memory is one, what is not the device's own serves too, if the rest is
   * full. */
  if (!local)
    return device->unified && visible ? cached : -1;
  /* A discrete GPU's window for the host is small and slow to read: left to others. */
  return 8 + (device->unified ? 4 * visible + cached : 4 * !visible);
}

static void
block_take (GpuHeap *heap,
            GpuBlock *block,
            guint index,
            guint64 start,
            guint64 size,
            GpuPlace *place)
{
  Range *range = &g_array_index (block->free, Range, index);
  Range before = { range->offset, start - range->offset };
  Range after = { start + size, range->offset + range->size - start - size };

  g_array_remove_index (block->free, index);
  if (after.size > 0)
    g_array_insert_val (block->free, index, after);
  if (before.size > 0)
    g_array_insert_val (block->free, index, before);
  heap->used += size;
  *place = (GpuPlace){ .block = block,
                       .memory = block->memory,
                       .offset = start,
                       .size = size,
                       .map = block->map != NULL ? block->map + start : NULL };
}

static gboolean
block_fit (GpuHeap *heap,
           GpuBlock *block,
           const VkMemoryRequirements *need,
           GpuPlace *place)
{
  for (guint i = 0; i < block->free->len; i++)
    {
      Range range = g_array_index (block->free, Range, i);
      guint64 start
          = (range.offset + need->alignment - 1) / need->alignment * need->alignment;

      if (start + need->size <= range.offset + range.size)
        {
          block_take (heap, block, i, start, need->size, place);
          return TRUE;
        }
    }
  return FALSE;
}

/* A CPU device's memory is the program's own, new and touched for the first time page by
 * page: a third of the time that reading a model's weights takes. Large pages are a
 * five hundredth as many. */
static void
want_large_pages (guint8 *map, guint64 size)
{
#ifdef MADV_HUGEPAGE
  const guintptr page = (guintptr) sysconf (_SC_PAGESIZE);
  guintptr begin = ((guintptr) map + page - 1) / page * page;
  guintptr end = ((guintptr) map + size) / page * page;

  if (begin < end)
    madvise ((void *) begin, end - begin, MADV_HUGEPAGE);
#endif
}

static VkResult
block_new (GpuHeap *heap, guint type, GpuBufferKind kind, guint64 size, GpuBlock **out)
{
  GpuDevice *device = heap->device;
  VkMemoryPropertyFlags flags = device->physical.memory.memoryTypes[type].propertyFlags;
  VkMemoryAllocateInfo info = { .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                .allocationSize = size,
                                .memoryTypeIndex = type };
  VkDeviceMemory memory;
  void *map = NULL;
  Range all = { 0, size };
  VkResult result;

  /* Some machines' memory is handed out until the program is killed: see gpu-memory.c. */
  if (device->physical.info.kind == GPU_KIND_CPU && size > gpu_memory_left (device))
    return VK_ERROR_OUT_OF_HOST_MEMORY;
  if (kind == GPU_BUFFER_DEVICE && device->memory_limit != 0
      && gpu_heap_reserved (heap, kind) + size > device->memory_limit)
    return VK_ERROR_OUT_OF_DEVICE_MEMORY;
  if (gpu_fault_due (GPU_FAULT_ALLOCATE))
    return VK_ERROR_OUT_OF_DEVICE_MEMORY;
  result = vkAllocateMemory (device->handle, &info, NULL, &memory);
  if (result == VK_SUCCESS && (flags & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT))
    {
      result = vkMapMemory (device->handle, memory, 0, VK_WHOLE_SIZE, 0, &map);
      if (result != VK_SUCCESS)
        vkFreeMemory (device->handle, memory, NULL);
    }
  if (result != VK_SUCCESS)
    return result;
  if (map != NULL && device->physical.info.kind == GPU_KIND_CPU)
    want_large_pages (map, size);
  *out = g_new0 (GpuBlock, 1);
  **out = (GpuBlock){
    .memory = memory, .type = type, .kind = kind, .size = size, .map = map
  };
  (*out)->free = g_array_new (FALSE, FALSE, sizeof (Range));
  g_array_append_val ((*out)->free, all);
  g_ptr_array_add (heap->blocks, *out);
  heap->peak = MAX (heap->peak, gpu_heap_reserved (heap, GPU_BUFFER_DEVICE));
  return VK_SUCCESS;
}

/* Of a new block in which something of @need bytes is to lie, beside blocks of @there. */
static guint64
block_size (GpuHeap *heap, GpuBufferKind kind, guint64 there, guint64 need)
{
  const GpuDevice *device = heap->device;
  guint64 size = CLAMP (there, MIN_BLOCK, MAX_BLOCK);

  if (device->memory_limit != 0)
    size = need < LIMITED_OWN ? LIMITED_BLOCK : need;
  return MIN (size, device->physical.info.max_allocation);
}

static VkResult
take_from_type (GpuHeap *heap,
                guint type,
                GpuBufferKind kind,
                const VkMemoryRequirements *need,
                GpuPlace *place)
{
  guint64 there = 0;
  guint64 size;
  GpuBlock *block;
  VkResult result = VK_ERROR_OUT_OF_DEVICE_MEMORY;

  for (guint i = 0; i < heap->blocks->len; i++)
    {
      block = heap->blocks->pdata[i];
      if (block->type != type || block->kind != kind)
        continue;
      if (block_fit (heap, block, need, place))
        return VK_SUCCESS;
      there += block->size;
    }
  size = block_size (heap, kind, there, need->size);
  if (need->size < size)
    result = block_new (heap, type, kind, size, &block);
  if (result != VK_SUCCESS)
    result = block_new (heap, type, kind, need->size, &block);
  if (result == VK_SUCCESS)
    block_fit (heap, block, need, place);
  return result;
}

static void
set_error_memory (GpuHeap *heap, guint64 size, const char *label, GError **error)
{
  const GpuInfo *info = &heap->device->physical.info;
  g_autofree char *asked = g_format_size_full (size, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *used = g_format_size_full (heap->used, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *left = g_format_size_full (gpu_device_memory_available (heap->device),
                                              G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *all = g_format_size_full (info->memory_bytes, G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *most
      = g_format_size_full (info->max_allocation, G_FORMAT_SIZE_IEC_UNITS);

  if (size > info->max_allocation)
    g_set_error (error, GPU_ERROR, GPU_ERROR_OUT_OF_MEMORY,
                 "%s needs %s in one piece; %s allows at most %s", label, asked,
                 info->name, most);
  else
    g_set_error (
        error, GPU_ERROR, GPU_ERROR_OUT_OF_MEMORY,
        "Not enough memory on %s: %s needs %s; %s are left of %s, of which Calotype "
        "uses %s",
        info->name, label, asked, left, all, used);
}

/**
 * gpu_heap_take:
 * @label: what it is for, in messages
 *
 * Tries the memory types that serve, best first.
 */
gboolean
gpu_heap_take (GpuHeap *heap,
               const VkMemoryRequirements *need,
               GpuBufferKind kind,
               const char *label,
               GpuPlace *place,
               GError **error)
{
  const VkPhysicalDeviceMemoryProperties *memory = &heap->device->physical.memory;
  guint32 left = need->memoryTypeBits;
  VkResult result = VK_ERROR_OUT_OF_DEVICE_MEMORY;

  while (need->size <= heap->device->physical.info.max_allocation)
    {
      int best = -1;
      int best_score = -1;

      for (guint i = 0; i < memory->memoryTypeCount; i++)
        {
          int score
              = score_type (heap->device, memory->memoryTypes[i].propertyFlags, kind);

          if ((left >> i & 1) && score > best_score)
            {
              best = (int) i;
              best_score = score;
            }
        }
      if (best < 0)
        break;
      result = take_from_type (heap, (guint) best, kind, need, place);
      if (result == VK_SUCCESS)
        return TRUE;
      left &= ~(1u << best);
    }
  if (result == VK_ERROR_DEVICE_LOST)
    return gpu_device_check (heap->device, result, label, error);
  set_error_memory (heap, need->size, label, error);
  return FALSE;
}

void
gpu_heap_give (GpuHeap *heap, GpuPlace *place)
{
  GpuBlock *block = place->block;
  Range range = { place->offset, place->size };
  guint i = 0;

  if (block == NULL)
    return;
  heap->used -= place->size;
  while (i < block->free->len
         && g_array_index (block->free, Range, i).offset < range.offset)
    i++;
  if (i < block->free->len
      && g_array_index (block->free, Range, i).offset == range.offset + range.size)
    {
      range.size += g_array_index (block->free, Range, i).size;
      g_array_remove_index (block->free, i);
    }
  if (i > 0)
    {
      Range *before = &g_array_index (block->free, Range, i - 1);

      if (before->offset + before->size == range.offset)
        {
          range.offset = before->offset;
          range.size += before->size;
          g_array_remove_index (block->free, --i);
        }
    }
  if (range.size == block->size)
    {
      g_ptr_array_remove_fast (heap->blocks, block);
      block_free (heap, block);
    }
  else
    g_array_insert_val (block->free, i, range);
  place->block = NULL;
}
