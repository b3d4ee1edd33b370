/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The heap: first fit over a list of free blocks in address order, neighbours merged when freed.
 *
 * Every block begins with a BlockLink_t. The top bit of xBlockSize, which no size reaches, marks an allocated one. */
#include "kernel.h"

#include <string.h>

typedef struct A_BLOCK_LINK {
    struct A_BLOCK_LINK *pxNextFreeBlock; /* NULL in the last, and in allocated blocks. */
    size_t xBlockSize; /* Bytes, this header included. */
} BlockLink_t;

#if configAPPLICATION_ALLOCATED_HEAP
extern uint8_t ucHeap[configTOTAL_HEAP_SIZE];
#else
uint8_t ucHeap[configTOTAL_HEAP_SIZE] __attribute__((aligned(portBYTE_ALIGNMENT)));
#endif

static const size_t xAllocatedBit = (size_t)1 << 31;
static const size_t xSmallestBlock = 2 * sizeof(BlockLink_t);

static BlockLink_t xStart; /* Precedes the first free block. */
static size_t xFreeBytesRemaining, xMinimumEverFreeBytesRemaining;
static uint8_t ucInitialised;

static uintptr_t prvAlignUp(uintptr_t uxValue)
{
    return (uxValue + portBYTE_ALIGNMENT - 1) & ~(uintptr_t)(portBYTE_ALIGNMENT - 1);
}

static void prvInitialise(void)
{
    uintptr_t uxFirst = prvAlignUp((uintptr_t)ucHeap);
    uintptr_t uxEnd = ((uintptr_t)ucHeap + configTOTAL_HEAP_SIZE) & ~(uintptr_t)(portBYTE_ALIGNMENT - 1);
    BlockLink_t *pxBlock = (BlockLink_t *)uxFirst;

    pxBlock->pxNextFreeBlock = NULL;
    pxBlock->xBlockSize = uxEnd - uxFirst;
    xStart.pxNextFreeBlock = pxBlock;
    xFreeBytesRemaining = pxBlock->xBlockSize;
    xMinimumEverFreeBytesRemaining = xFreeBytesRemaining;
    ucInitialised = 1;
}

/* --- With the scheduler suspended ---------------------------------------------------------------------- */

/* Leaves the rest of a block that is larger than asked for in the free list, in its place. */
static void prvSplit(BlockLink_t *pxBlock, size_t xSize)
{
    BlockLink_t *pxRest = (BlockLink_t *)((uint8_t *)pxBlock + xSize);

    if (pxBlock->xBlockSize - xSize < xSmallestBlock) {
        return;
    }
    pxRest->xBlockSize = pxBlock->xBlockSize - xSize;
    pxRest->pxNextFreeBlock = pxBlock->pxNextFreeBlock;
    pxBlock->xBlockSize = xSize;
    pxBlock->pxNextFreeBlock = pxRest;
}

static BlockLink_t *prvTake(size_t xSize)
{
    BlockLink_t *pxPrevious = &xStart, *pxBlock;

    while ((pxBlock = pxPrevious->pxNextFreeBlock) != NULL && pxBlock->xBlockSize < xSize) {
        pxPrevious = pxBlock;
    }
    if (pxBlock == NULL) {
        return NULL;
    }
    prvSplit(pxBlock, xSize);
    pxPrevious->pxNextFreeBlock = pxBlock->pxNextFreeBlock;
    xFreeBytesRemaining -= pxBlock->xBlockSize;
    if (xFreeBytesRemaining < xMinimumEverFreeBytesRemaining) {
        xMinimumEverFreeBytesRemaining = xFreeBytesRemaining;
    }
    pxBlock->xBlockSize |= xAllocatedBit;
    pxBlock->pxNextFreeBlock = NULL;
    return pxBlock;
}

static void prvMergeWithNext(BlockLink_t *pxBlock)
{
    BlockLink_t *pxNext = pxBlock->pxNextFreeBlock;

    if ((uint8_t *)pxBlock + pxBlock->xBlockSize != (uint8_t *)pxNext) {
        return;
    }
    pxBlock->xBlockSize += pxNext->xBlockSize;
    pxBlock->pxNextFreeBlock = pxNext->pxNextFreeBlock;
}

static void prvGiveBack(BlockLink_t *pxBlock)
{
    BlockLink_t *pxPrevious = &xStart;

    pxBlock->xBlockSize &= ~xAllocatedBit;
    xFreeBytesRemaining += pxBlock->xBlockSize;
    while (pxPrevious->pxNextFreeBlock != NULL && pxPrevious->pxNextFreeBlock < pxBlock) {
        pxPrevious = pxPrevious->pxNextFreeBlock;
    }
    pxBlock->pxNextFreeBlock = pxPrevious->pxNextFreeBlock;
    pxPrevious->pxNextFreeBlock = pxBlock;
    prvMergeWithNext(pxBlock);
    if (pxPrevious != &xStart) {
        prvMergeWithNext(pxPrevious);
    }
}

/* --- The interface ------------------------------------------------------------------------------------- */

void *pvPortMalloc(size_t xSize)
{
    BlockLink_t *pxBlock = NULL;

    vTaskSuspendAll();
    if (!ucInitialised) {
        prvInitialise();
    }
    if (xSize != 0 && xSize <= configTOTAL_HEAP_SIZE) {
        pxBlock = prvTake(prvAlignUp(xSize + sizeof(BlockLink_t)));
    }
    (void)xTaskResumeAll();
    if (pxBlock == NULL && xSize != 0) {
        vApplicationMallocFailedHook();
    }
    return pxBlock != NULL ? pxBlock + 1 : NULL;
}

/* For the kernel's own objects, which begin as zeroes. */
void *pvPortMallocCleared(size_t xBytes)
{
    void *pv = pvPortMalloc(xBytes);

    if (pv != NULL) {
        memset(pv, 0, xBytes);
    }
    return pv;
}

/* mbedTLS, among others, relies on the zeroes. */
void *pvPortCalloc(size_t xNumber, size_t xSize)
{
    size_t xBytes;

    if (__builtin_mul_overflow(xNumber, xSize, &xBytes)) {
        return NULL;
    }
    return configCALLOC_CLEARS ? pvPortMallocCleared(xBytes) : pvPortMalloc(xBytes);
}

void vPortFree(void *pv)
{
    BlockLink_t *pxBlock;

    if (pv == NULL) {
        return;
    }
    pxBlock = (BlockLink_t *)pv - 1;
    configASSERT((pxBlock->xBlockSize & xAllocatedBit) != 0 && pxBlock->pxNextFreeBlock == NULL);
    vTaskSuspendAll();
    prvGiveBack(pxBlock);
    (void)xTaskResumeAll();
}

size_t xPortGetFreeHeapSize(void)
{
    return ucInitialised ? xFreeBytesRemaining : configTOTAL_HEAP_SIZE;
}

size_t xPortGetMinimumEverFreeHeapSize(void)
{
    return ucInitialised ? xMinimumEverFreeBytesRemaining : configTOTAL_HEAP_SIZE;
}
