/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults that Unicorn does not raise: unaligned LDM, STM, LDRD, STRD and FP loads and stores (A3.2.1), division by zero
 * (CCR.DIV_0_TRP), and FP instructions while CPACR denies the FPU.
 *
 * A block is scanned once, when Unicorn has translated it. A register that it uses as a base as it is when the block
 * starts is checked there, by the block hook; blocks without one pay for a look into a filter. An instruction that this
 * cannot vouch for gets a UC_HOOK_CODE of its own, bounded to its address, and its block is translated anew. */
#include "_core.h"

#define ALWAYS_ALIGNED (1u << 13 | 1u << 15) /* SP and, as a base, PC */
#define MAX_SITES 512                        /* no block of Unicorn's is longer than a page of 1 KB */

typedef struct {
    uint32_t bases; /* registers that must be aligned when the block starts */
    uint32_t fp;    /* the first FP instruction, 0 for none */
    bool boundary;  /* it ends with one that is followed by a natural boundary */
    uint32_t sites[MAX_SITES];
    int count;
} Findings;

bool traps_fetch(Core *c, uint32_t address, uint16_t op[2])
{
    return core_load(c, address, op, 2) && (thumb_size(op[0]) == 2 || core_load(c, address, op, 4));
}

/* Walk the instructions of a block. `changed` registers no longer hold what they did when it started, `aligned` ones are
 * known to be multiples of four. With `vouch` the bases are checked when the block starts. */
static void scan(Core *c, uint32_t address, uint32_t end, bool vouch, Findings *f)
{
    uint32_t changed = vouch ? 0 : 0xFFFF, aligned = ALWAYS_ALIGNED, it = 0;
    int conditional = core_reg(c, UC_REG_EPSR) & XPSR_IT ? 4 : 0;
    uint16_t op[2];
    f->bases = 0;
    f->count = 0;
    f->fp = 0;
    f->boundary = false;
    for (; address < end && f->count < MAX_SITES && traps_fetch(c, address, op); address += (uint32_t)thumb_size(op[0])) {
        int base = thumb_multiword_base(op);
        bool unknown = base >= 0 && !(aligned >> base & 1), vouched = unknown && !(changed >> base & 1);
        if (vouched)
            f->bases |= 1u << base;
        if (!f->fp && thumb_is_fp(op))
            f->fp = address;
        bool traps = traps_may_occur(c, op), inside = conditional && base < 0;
        if ((unknown && !vouched) || (traps && (!inside || it)))
            f->sites[f->count++] = inside ? it : address;
        f->boundary = thumb_is_boundary(op);
        uint32_t writes = thumb_writes(op);
        changed |= writes;
        if (!conditional)
            aligned |= (unknown ? 1u << base : 0);
        aligned &= ~writes | ALWAYS_ALIGNED;
        if (!conditional)
            aligned |= thumb_copies_sp(op);
        it = thumb_it_length(op) ? address : it;
        conditional = thumb_it_length(op) ? thumb_it_length(op) : conditional - (conditional > 0);
    }
}

static Trap *slot(Trap *table, size_t room, uint32_t address)
{
    size_t n = (address >> 1) * 2654435761u & (room - 1);
    while (table[n].used && table[n].address != address)
        n = (n + 1) & (room - 1);
    return &table[n];
}

static bool grow(Traps *t)
{
    size_t room = t->room ? 2 * t->room : 256;
    Trap *table = PyMem_RawCalloc(room, sizeof *table);
    if (table == NULL)
        return false;
    for (size_t n = 0; n < t->room; n++)
        if (t->table[n].used)
            *slot(table, room, t->table[n].address) = t->table[n];
    PyMem_RawFree(t->table);
    t->table = table;
    t->room = room;
    return true;
}

static Trap *find(Core *c, uint32_t address)
{
    Trap *found = c->traps.room ? slot(c->traps.table, c->traps.room, address) : NULL;
    return found != NULL && found->used ? found : NULL;
}

/* The entry of `address`, made if need be; NULL when there is no memory for it. */
static Trap *entry(Core *c, uint32_t address)
{
    Traps *t = &c->traps;
    if (2 * t->count >= t->room && !grow(t))
        return NULL;
    Trap *found = slot(t->table, t->room, address);
    if (!found->used) {
        *found = (Trap){.address = address, .used = true};
        t->count++;
    }
    return found;
}

/* The block hook is to come here, or to the watches, when a block starts at `address`. */
void traps_mind(Core *c, uint32_t address)
{
    uint32_t n = address >> 1 & (TRAP_FILTER - 1);
    uint8_t *tag = &c->traps.minded[n], own = core_trap_tag(address);
    *tag = *tag == 0 || *tag == own ? own : TRAP_ANY;
    if (!(c->scs.fpccr & FPCCR_LSPACT))
        c->traps.filter[n] = *tag;
}

static void preserve(Core *c, uint32_t pc)
{
    int fault = fp_preserve(c);
    if (!fault)
        return;
    core_synchronous(c, pc);
    if (!exception_lazy_fault(c, fault, pc))
        fp_set_control(c, c->scs.fpccr & ~FPCCR_LSPACT); /* it has to wait, and the instruction goes on */
}

/* Before an instruction with a hook of its own. A load or store is made to miss the TLB, where it is refused: Unicorn then
 * leaves exactly there, even in the middle of an IT block. For others see _core_traps_it.c. */
static void on_site(uc_engine *uc, uint64_t address, uint32_t size, void *user)
{
    (void)uc, (void)size;
    Core *c = user;
    uint16_t op[2];
    uint32_t pc = (uint32_t)address, status = traps_fetch(c, pc, op) ? traps_fault_of(c, op) : 0;
    if (!status && (c->scs.fpccr & FPCCR_LSPACT) && thumb_is_fp(op))
        preserve(c, pc);
    else if (thumb_it_length(op))
        traps_enter_it(c, pc);
    else if (status == 0)
        return;
    else if (thumb_multiword_base(op) >= 0) {
        c->traps.status = status;
        c->traps.had_context = core_reg(c, UC_REG_CONTROL) & CONTROL_FPCA;
        c->api.ctl(c->uc, UC_CTL_TLB_FLUSH);
    } else {
        core_synchronous(c, pc);
        exception_fault(c, EXC_USAGEFAULT, status, 0, pc);
    }
}

/* Room for one more handle, NULL when there is no memory for it. */
static uc_hook *new_hook(Core *c)
{
    Traps *t = &c->traps;
    if (t->hook_count == t->hook_room) {
        size_t room = t->hook_room ? 2 * t->hook_room : 64;
        uc_hook *hooks = PyMem_RawRealloc(t->hooks, room * sizeof *hooks);
        if (hooks == NULL)
            return NULL;
        t->hooks = hooks;
        t->hook_room = room;
    }
    return &t->hooks[t->hook_count++];
}

/* The hook of every instruction stands in for those of the sites (_core_observe.c). */
void traps_every_instruction(uc_engine *uc, uint64_t address, uint32_t size, void *core)
{
    if (!((Core *)core)->traps.sites[address >> 1 & (TRAP_FILTER - 1)])
        return;
    Trap *trap = find(core, (uint32_t)address);
    if (trap != NULL && trap->hooked)
        on_site(uc, address, size, core);
}

static bool add_hook(Core *c, uint32_t address)
{
    if (c->code_hook)
        return c->traps.sites[address >> 1 & (TRAP_FILTER - 1)] = true;
    uc_hook *hook = new_hook(c);
    return hook != NULL && !c->api.hook_add(c->uc, hook, UC_HOOK_CODE, (void *)on_site, c, address, address);
}

/* Give the sites of a block their hooks. When one is new the block is to be translated anew. */
static void hook_sites(Core *c, uint32_t block, const Findings *f)
{
    for (int n = 0; n < f->count; n++) {
        Trap *trap = entry(c, f->sites[n]);
        if (trap == NULL || trap->hooked)
            continue;
        trap->hooked = add_hook(c, f->sites[n]);
        if (c->traps.stale_end && c->traps.stale_begin != block)
            c->flush = true; /* the one before was not entered yet, since an exception came first: forget both */
        c->traps.stale_begin = block;
        c->traps.stale_end = f->sites[n] + 2;
    }
}

/* UC_HOOK_EDGE_GENERATED: a block was translated, and will be entered next. */
void traps_translated(uc_engine *uc, uc_tb *block, uc_tb *before, void *user)
{
    (void)uc, (void)before;
    Core *c = user;
    uint32_t address = (uint32_t)block->pc;
    const Trap *known = find(c, address);
    Findings f;
    scan(c, address, address + block->size, known == NULL || !known->exact, &f);
    hook_sites(c, address, &f); /* the table may grow */
    uint32_t depth = c->stacks.on_overflow != NULL ? stack_depth(c, address, address + block->size, 0, NULL) : 0;
    bool mind = f.bases || depth || c->traps.stale_end;
    Trap *trap = mind || f.fp ? entry(c, address) : find(c, address);
    if (trap != NULL) {
        trap->depth = depth;
        trap->bases = (uint16_t)f.bases;
        trap->fp = f.fp != 0;
    }
    if (mind)
        traps_mind(c, address);
    if (f.boundary)
        traps_mind(c, address + block->size);
}

static bool all_aligned(Core *c, uint32_t bases)
{
    for (; bases; bases &= bases - 1)
        if (core_reg(c, thumb_register(__builtin_ctz(bases))) & 3)
            return false;
    return true;
}

/* From now on the accesses of a block are checked one by one: perhaps not all are reached. */
static void hook_accesses(Core *c, Trap *block, uint32_t size)
{
    Findings f;
    uint32_t address = block->address;
    block->bases = 0;
    block->exact = true;
    scan(c, address, address + size, false, &f);
    hook_sites(c, address, &f);
}

/* With an open FP frame: the hook of the first FP instruction will close it. */
static void hook_first_fp(Core *c, uint32_t address, uint32_t size)
{
    Findings f;
    scan(c, address, address + size, true, &f);
    f.sites[0] = f.fp;
    f.count = f.fp != 0;
    hook_sites(c, address, &f);
}

/* A block starts that the filter knows, or any while an FP frame is open. True: it is not to run now. */
bool traps_block(Core *c, uint32_t address, uint32_t size)
{
    Trap *trap = find(c, address);
    if (trap != NULL && trap->fp && (c->scs.fpccr & FPCCR_LSPACT) && !c->traps.stale_end)
        hook_first_fp(c, address, size);
    trap = find(c, address); /* the table may have grown */
    if (trap != NULL && trap->depth)
        stack_check(c, address, size, trap->depth);
    if (trap != NULL && !all_aligned(c, trap->bases) && !c->traps.stale_end)
        hook_accesses(c, trap, size);
    if (!c->traps.stale_end)
        return false;
    core_leave(c);
    return true;
}

/* Before the run goes on: translate anew what was left for that, or forget all when other instructions trap now. */
void traps_renew(Core *c)
{
    Traps *t = &c->traps;
    if (t->restart) {
        for (size_t n = 0; n < t->hook_count; n++)
            c->api.hook_del(c->uc, t->hooks[n]);
        traps_release(c);
        core_mind_marks(c);
        if (c->exact) {
            uc_hook *hook = new_hook(c);
            if (hook != NULL)
                c->api.hook_add(c->uc, hook, UC_HOOK_CODE, (void *)exact_instruction, c, 1, 0);
        }
    } else if (t->stale_end)
        c->api.ctl(c->uc, UC_CTL_TB_REMOVE_CACHE, (uint64_t)t->stale_begin, (uint64_t)t->stale_end);
    t->stale_end = 0;
}

void traps_release(Core *c)
{
    PyMem_RawFree(c->traps.table);
    PyMem_RawFree(c->traps.hooks);
    c->traps = (Traps){0};
    fp_set_control(c, c->scs.fpccr);
}
