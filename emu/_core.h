/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The native core: what must run per block and per exception. It knows the Cortex-M4 (ARMv7-M ARM, DDI 0403E.e) and
 * nothing about STM32. All state is in `Core`; several cores live in one process. */
#ifndef CORE_H
#define CORE_H

#include "_core_types.h"

/* The next natural boundary is not to be passed without a look. */
static inline void core_attend(Core *c)
{
    c->attention = true;
    c->deadline = INT64_MIN;
}

/* What runs next is at `address`, and it starts at a natural boundary. */
static inline void core_start_anew(Core *c, uint32_t address)
{
    c->block = address;
    c->end = NOWHERE;
    c->deadline = INT64_MIN;
}

/* A load or store: `length` bytes from `address` on, in aligned pieces of `unit`. */
typedef struct {
    uint32_t address, length, unit;
    bool store;
} Access;

/* _core_memory.c */
Region *core_region(Core *, uint32_t address, uint32_t length);
Region *core_backing(Core *, uint32_t *address, uint32_t length);
Region *core_add_region(Core *, uint32_t base, uint32_t size, RegionKind kind, uint32_t target);
bool core_load(Core *, uint32_t address, void *to, uint32_t length);
bool core_store(Core *, uint32_t address, const void *from, uint32_t length);
int core_add_memory(Core *, uint32_t base, PyObject *buffer, RegionKind kind, uint32_t target);
void core_release_memory(Core *);

/* _core_fill.c */
bool core_unprivileged(Core *);
bool core_on_fill(uc_engine *, uint64_t address, int type, uc_tlb_entry *, void *);
void core_hide_low(Core *);

/* _core_mmio.c */
Mmio *core_mmio_at(Core *, uint32_t address);
const char *core_map_system(Core *);
int core_add_mmio(Core *, uint32_t base, uint32_t size, PyObject *handlers[5]);
void core_release_mmio(Core *);
void core_callback_failed(Core *);
void core_restore_error(Core *);

/* _core_nvic.c */
void nvic_reset(Nvic *);
void nvic_read_masks(Core *, Masks *);
int nvic_execution_priority(Core *);
int nvic_raw_priority(Core *); /* without PRIMASK, BASEPRI, FAULTMASK */
int nvic_next(Core *);         /* the exception to take now, 0 for none */
int nvic_best_pending(Core *);
bool nvic_wakes(Core *);
void nvic_pend(Core *, int exception);
void nvic_unpend(Core *, int exception);
void nvic_set_line(Core *, int irq, bool level);
void nvic_deactivate(Core *, int exception);
int nvic_active_count(const Nvic *);
int nvic_group(const Core *, int priority);
static inline bool nvic_bit(const uint32_t *bits, int n) { return bits[n >> 5] >> (n & 31) & 1; }
static inline void nvic_assign(uint32_t *bits, int n, bool value)
{
    bits[n >> 5] = (bits[n >> 5] & ~(1u << (n & 31))) | ((uint32_t)value << (n & 31));
}

/* _core_scs.c */
uint64_t scs_read(uc_engine *, uint64_t offset, unsigned size, void *core);
void scs_write(uc_engine *, uint64_t offset, unsigned size, uint64_t value, void *core);
void scs_reset(Core *);
void trace_power_on(Core *);
bool semihosting_call(Core *, uint32_t pc);

/* _core_trace.c: DWT, ITM and the storage of the other debug blocks */
uint64_t trace_read(uc_engine *, uint64_t offset, unsigned size, void *core);
void trace_write(uc_engine *, uint64_t offset, unsigned size, uint64_t value, void *core);

/* _core_limits.c */
void core_meet_limit(Core *, uint32_t address, const char *what);
void core_check_limit(Core *, uint32_t address, uint32_t value);

/* _core_systick.c */
void systick_reset(SysTick *);
void systick_sync(Core *);
int64_t systick_due(const Core *);
uint32_t systick_read(Core *, uint32_t offset);
void systick_write(Core *, uint32_t offset, uint32_t value);

/* _core_exception.c */
void exception_enter(Core *, int exception, uint32_t return_address);
void exception_return(Core *, uint32_t exc_return);
uint32_t core_by_stub(Core *, uint32_t target);

/* _core_faults.c */
void exception_fault(Core *, int fault, uint32_t status, uint32_t address, uint32_t return_address);
bool exception_lazy_fault(Core *, int fault, uint32_t return_address);
void exception_pend_fault(Core *, int fault, uint32_t status, uint32_t address);
void exception_lockup(Core *);
void core_snapshot(Core *, Snapshot *);

/* _core_block.c */
void core_on_block(uc_engine *, uint64_t address, uint32_t size, void *core);
void core_on_noted_block(uc_engine *, uint64_t address, uint32_t size, void *core);

/* _core_coverage.c */
bool coverage_find(Core *);
PyObject *core_start_coverage(PyObject *core, PyObject *unused);
PyObject *core_coverage(PyObject *core, PyObject *unused);

static inline void coverage_note(Core *c, uint32_t bytes)
{
    if (c->block - c->coverage.base >= c->coverage.size && !coverage_find(c))
        return;
    uint32_t *ran = &c->coverage.ran[(c->block - c->coverage.base) >> 1];
    if (*ran < bytes)
        *ran = bytes;
}

/* Code has run, from `block` on: time passes. */
static inline void core_ran(Core *c, uint32_t bytes)
{
    c->cycles += bytes >> 1;
    if (c->coverage.wanted && bytes)
        coverage_note(c, bytes);
}

/* _core_views.c: methods of the Python type */
PyObject *core_registers(PyObject *core, PyObject *unused);
PyObject *core_take_fault(PyObject *core, PyObject *unused);
PyObject *core_blocks(PyObject *core, PyObject *unused);
PyObject *core_stack_marks(PyObject *core, PyObject *unused);
PyObject *core_call_registers(PyObject *core, PyObject *unused);
PyObject *core_read_register(PyObject *core, PyObject *id);
PyObject *core_write_register(PyObject *core, PyObject *args);
PyObject *core_state(PyObject *core, PyObject *unused);

/* _core_sleep.c */
int64_t core_wake_at(const Core *);
void core_pass(Core *, int64_t cycle);
bool core_wake(Core *);
bool core_sleep_through(Core *);
bool core_wait_for_event(Core *, uint32_t pc);

/* _core_idle.c */
void core_idle_look_for(Core *, bool wanted);
bool core_idle_look(Core *, uint32_t address);
void core_idle_skip(Core *, int64_t until);
void core_idle_disturbed(Core *);
void core_idle_written(Core *, Region *, uint32_t page);

/* _core_watch.c */
uint32_t core_context(Core *);
bool core_call_watch(Core *, uint32_t address, bool natural);
int core_set_watch(Core *, uint32_t address, PyObject *callback);
int core_mark(Core *, uint32_t address);
bool core_watch_return(Core *, uint32_t address);
bool core_follow(Core *, Follower);
void core_unfollow(Core *, const void *self);
void core_mind_marks(Core *);

static inline bool core_watched(Core *c, uint32_t address)
{
    Region *r = c->watch_region;
    if (r == NULL || address - r->base >= r->size)
        r = c->watch_region = core_region(c, address, 2);
    uint32_t n = r != NULL ? (address - r->base) >> 1 : 0;
    return r != NULL && r->watched != NULL && (r->watched[n >> 3] >> (n & 7) & 1);
}

/* _core_traps.c */
void traps_translated(uc_engine *, uc_tb *block, uc_tb *before, void *core);
bool traps_block(Core *, uint32_t address, uint32_t size);
void traps_renew(Core *);
void traps_mind(Core *, uint32_t address);
void traps_every_instruction(uc_engine *, uint64_t address, uint32_t size, void *core);
void traps_release(Core *);

uint32_t traps_fault_of(Core *, const uint16_t op[2]);
bool traps_fetch(Core *, uint32_t address, uint16_t op[2]);

/* _core_fp.c */
bool fp_stack(Core *, uint32_t address, bool privileged, uint32_t words[17]);
void fp_restore(Core *, const uint32_t words[17]);
int fp_preserve(Core *);
void fp_set_control(Core *, uint32_t fpccr);

/* _core_mpu.c */
bool mpu_never_executes(uint32_t address);
int mpu_permissions(const Core *, uint32_t address, bool privileged);
uint32_t mpu_first_denied(const Core *, uint32_t address, uint32_t end, int wanted, bool privileged);
int mpu_page(const Core *, uint32_t page, bool privileged, bool *mixed);
void mpu_follow(Core *);
uint32_t mpu_read(const Core *, uint32_t offset);
void mpu_write(Core *, uint32_t offset, uint32_t value);

/* _core_dwt.c */
bool dwt_watches(const Core *);
void dwt_instruction(Core *, uint32_t pc, const Access *);
uint32_t dwt_read(Core *, uint32_t word);
void dwt_write(Core *, uint32_t word, uint32_t value);
void demcr_write(Core *, uint32_t value);
uint32_t demcr_read(const Core *);
bool debug_event(Core *);

/* _core_exact.c */
void exact_follow(Core *);
void exact_instruction(uc_engine *, uint64_t address, uint32_t size, void *core);

/* _core_observe.c */
bool core_observe(Core *, ObserveFn, void *self);
void core_unobserve(Core *, const void *self);
void core_hook_instructions(Core *);

/* _core_traps_it.c */
bool traps_may_occur(Core *, const uint16_t op[2]);
void traps_enter_it(Core *, uint32_t it);
void traps_paused(Core *, uint32_t pc);

static inline uint8_t core_trap_tag(uint32_t address) { return (uint8_t)(address / (2 * TRAP_FILTER) | 0x80); }

/* False: nobody watches the block, and `traps_block` has nothing to do. */
static inline bool core_minds(const Core *c, uint32_t address)
{
    uint8_t tag = c->traps.filter[address >> 1 & (TRAP_FILTER - 1)];
    return tag != 0 && (tag == core_trap_tag(address) || tag == TRAP_ANY);
}

/* _core_flow.c */
void thumb_flow(const uint16_t op[2], const Form *, Flow *);

/* _core_stack.c */
bool stack_moves(const uint16_t op[2], int32_t *down);
#define STACK_COMPUTED 0x80000000u
uint32_t stack_depth(Core *, uint32_t address, uint32_t end, uint32_t room, uint32_t *where);
void stack_switched(Core *, uint32_t sp, uint32_t pc);
void stack_check(Core *, uint32_t address, uint32_t size, uint32_t depth);
void stack_frame(Core *, uint32_t sp, bool psp, uint32_t pc);
void stack_reset(Core *);

/* _core_scan.c */
int thumb_multiword_base(const uint16_t op[2]);
int thumb_divisor(const uint16_t op[2]);
int thumb_store_exclusive(const uint16_t op[2], uint32_t *mask);
bool thumb_is_fp(const uint16_t op[2]);
int thumb_it_length(const uint16_t op[2]);
bool thumb_may_branch(const uint16_t op[2]);
bool thumb_is_boundary(const uint16_t op[2]);
uint32_t thumb_writes(const uint16_t op[2]);
uint32_t thumb_copies_sp(const uint16_t op[2]);

/* _core_decode.c */
bool thumb_form(const uint16_t op[2], Form *);
uint32_t thumb_form_address(Core *, uint32_t pc, const Form *);
bool thumb_access(Core *, uint32_t pc, Access *);
int thumb_size(uint16_t first);
int32_t thumb_expanded(uint16_t first, uint16_t second);
uint8_t thumb_it_after(uint8_t it, uint16_t first);
bool thumb_passes(uint32_t condition, uint32_t flags);
int thumb_register(int n); /* Unicorn's number of r0 to r14 */
int thumb_last(const uint8_t *from, const uint8_t *to, uint16_t op[2], uint8_t *it);
bool thumb_is_branch(const uint16_t *op, int size);
bool thumb_is_unprivileged_access(Core *, uint32_t pc);
bool thumb_stored_word(Core *, uint32_t pc, uint32_t *value);
uint32_t thumb_access_address(Core *, uint32_t pc, uint32_t page);

/* _core_open.c */
int core_open(Core *);
void core_reset(Core *, uint32_t vectors, bool relocated);

/* _core_refused.c */
void core_take_refusal(Core *);

/* _core_hooks.c */
void core_on_interrupt(uc_engine *, uint32_t number, void *core);
bool core_on_invalid(uc_engine *, void *core);

/* _core_run.c */
int core_run(Core *, int64_t limit);
void core_update_deadline(Core *);
bool core_boundary(Core *, uint32_t address);
void core_leave(Core *);
void core_run_due(Core *);
void core_synchronous(Core *, uint32_t pc);

/* register access through the API, one value at a time */
uint32_t core_reg(Core *, int id);
void core_set_reg(Core *, int id, uint32_t value);

#endif
