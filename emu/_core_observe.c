/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hook before every instruction, for checks that must see each one, and for tests. Unicorn's own memory hooks would not
 * do: they see the PC of their block's start, and are slower. Where Unicorn cuts its blocks then changes nothing, since
 * nothing depends on it; the run stays the same. */
#include "_core.h"

#define CACHE 0x1000u /* instructions, by the lower bits of their address */

static bool fetch(Core *c, uint32_t pc, uint16_t op[2])
{
    Region *r = c->observers.region;
    op[1] = 0;
    if (r == NULL || pc - r->base > r->size - 4) {
        uint32_t shown = pc;
        r = core_backing(c, &shown, 4);
        if (r == NULL || shown != pc)
            return traps_fetch(c, pc, op);
        c->observers.region = r;
    }
    memcpy(op, r->host + (pc - r->base), 4);
    return true;
}

/* The instruction at `pc`, decoded when it is not known, or no longer the same. */
static const Instruction *decoded(Core *c, uint32_t pc)
{
    Instruction *i = &c->observers.cache[pc >> 1 & (CACHE - 1)];
    uint16_t op[2];
    if (!fetch(c, pc, op))
        return NULL;
    if (i->pc != pc || memcmp(i->op, op, sizeof op) != 0) {
        *i = (Instruction){.pc = pc, .op = {op[0], op[1]}};
        thumb_form(op, &i->form);
        thumb_flow(op, &i->form, &i->flow);
    }
    return i;
}

/* Whether the instruction at hand runs, by the IT block that it may be in. */
static bool runs(Core *c, const Instruction *i)
{
    Observers *o = &c->observers;
    if (i->pc != o->next)
        o->it = i->pc == c->block ? c->it : 0;
    uint8_t it = o->it;
    o->it = thumb_it_after(it, i->op[0]);
    o->in_it = it & 15;
    o->next = i->pc + (uint32_t)thumb_size(i->op[0]);
    return !o->in_it || thumb_passes(it >> 4, core_reg(c, UC_REG_XPSR));
}

static void on_instruction(uc_engine *uc, uint64_t address, uint32_t size, void *user)
{
    Core *c = user;
    Observers *o = &c->observers;
    const Instruction *i = o->count ? decoded(c, (uint32_t)address) : NULL;
    if (i != NULL && runs(c, i)) {
        uint32_t accessed = i->form.length ? thumb_form_address(c, i->pc, &i->form) : 0;
        for (int n = 0; n < o->count; n++)
            o->call[n](o->self[n], i, accessed);
    }
    traps_every_instruction(uc, address, size, user);
}

/* From now on there is one hook for every instruction. It stands in for those of _core_traps.c, too, since Unicorn asks
 * each of its hooks about each hooked instruction. */
void core_hook_instructions(Core *c)
{
    uc_hook hook;
    if (c->code_hook)
        return;
    c->code_hook = !c->api.hook_add(c->uc, &hook, UC_HOOK_CODE, (void *)on_instruction, c, 1, 0);
    c->traps.restart = c->flush = true;
    core_attend(c);
}

/* Call `call` with `self` before every instruction. False: there is no memory or room for it. */
bool core_observe(Core *c, ObserveFn call, void *self)
{
    Observers *o = &c->observers;
    if (o->cache == NULL)
        o->cache = PyMem_Calloc(CACHE, sizeof *o->cache);
    if (o->cache == NULL || o->count == MAX_OBSERVERS)
        return false;
    o->call[o->count] = call;
    o->self[o->count++] = self;
    core_hook_instructions(c);
    return true;
}

/* `self` hears no more; the hook stays. */
void core_unobserve(Core *c, const void *self)
{
    Observers *o = &c->observers;
    for (int n = o->count - 1; n >= 0; n--)
        if (o->self[n] == self) {
            o->count--;
            o->self[n] = o->self[o->count];
            o->call[n] = o->call[o->count];
        }
}
