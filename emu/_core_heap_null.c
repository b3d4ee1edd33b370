/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of a NULL: the first access to the lowest addresses by the task that an allocator gave it to. The chip shows
 * flash there, so that the access reads the vector table and goes well (RM0090 section 2.4).
 *
 * The TLB's fill hook sees it: the TLB is flushed when a NULL is returned, and again when somebody else has had one of
 * these pages and the CPU goes back to a thread. Nothing is held back, and before the first NULL nothing is looked at. */
#include "_core_heap.h"

static void forget(Heap *h, HeapNull *null)
{
    HeapNull *behind = null + 1;
    memmove(null, behind, (size_t)(h->nulls + h->null_count - behind) * sizeof *null);
    if (--h->null_count == 0)
        h->core->low = (Follower){0};
}

static HeapNull *of_context(Heap *h)
{
    uint32_t running = core_context(h->core);
    for (HeapNull *null = h->nulls; null < h->nulls + h->null_count; null++)
        if (null->context == running)
            return null;
    return NULL;
}

static bool accessed(void *self, uint32_t page)
{
    Heap *h = self;
    Core *c = h->core;
    HeapNull *null = of_context(h);
    uint32_t pc = core_reg(c, UC_REG_PC);
    Access a;
    if (null == NULL) {
        c->low_shown = true;
        return true;
    }
    bool store = thumb_access(c, pc, &a) && a.store;
    HeapCall call = null->call;
    forget(h, null);
    return heap_emit(h, HEAP_NULL_USED, &call, thumb_access_address(c, pc, page), pc, store);
}

static bool same_request(const HeapCall *one, const HeapCall *other)
{
    return other->function->kind == HEAP_POOL && one->pool == other->pool && one->sp == other->sp;
}

/* Who is told that a pool is empty may help itself and ask again at once, as lwIP's tcp_alloc() does, which ends a
 * connection in TIME-WAIT. The next call to a pool tells: this one, which returned an element. */
bool heap_asked_again(Heap *h, const HeapCall *call)
{
    HeapNull *null = of_context(h);
    if (null == NULL || null->settled || null->call.function->kind != HEAP_POOL)
        return true;
    HeapCall failed = null->call;
    bool got = same_request(&failed, call);
    if (got)
        forget(h, null);
    else
        null->settled = true;
    return heap_emit(h, HEAP_ASKED_AGAIN, &failed, failed.pool, got, 0);
}

/* The call has returned NULL to whoever runs. */
bool heap_null(Heap *h, const HeapCall *call)
{
    HeapNull *null = of_context(h);
    if (null != NULL && !null->settled && same_request(&null->call, call))
        return true;
    if (null == NULL && h->null_count == HEAP_NULLS)
        forget(h, h->nulls);
    if (null == NULL)
        null = &h->nulls[h->null_count++];
    *null = (HeapNull){core_context(h->core), *call, false};
    if (h->follows_null) {
        h->core->low = (Follower){accessed, h};
        core_hide_low(h->core);
    }
    return heap_emit(h, HEAP_NULL, call, call->pool, 0, 0);
}
