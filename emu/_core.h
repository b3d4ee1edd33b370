/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The native core: what must run per block and per exception. It knows the Cortex-M4 (ARMv7-M ARM, DDI 0403E.e) and
 * nothing about STM32. All state is in `Core`; several cores live in one process. */
#ifndef CORE_H
#define CORE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "_core_flow.h"
#include "_core_unicorn.h"

enum {
    EXC_RESET = 1, EXC_NMI, EXC_HARDFAULT, EXC_MEMMANAGE, EXC_BUSFAULT, EXC_USAGEFAULT,
    EXC_SVCALL = 11, EXC_DEBUGMON, EXC_PENDSV = 14, EXC_SYSTICK, EXC_IRQ0
};
#define EXC_COUNT 256 /* 16 system exceptions and 240 interrupts, B1.5.2 */
#define EXC_WORDS (EXC_COUNT / 32)
#define IMPLEMENTED_PRIORITY 0xF0 /* STM32F4: four priority bits, PM0214 4.3.7 */

/* CFSR, HFSR, DFSR bits, B3.2.15 to B3.2.17 */
enum {
    CFSR_IACCVIOL = 1 << 0, CFSR_DACCVIOL = 1 << 1, CFSR_MUNSTKERR = 1 << 3, CFSR_MSTKERR = 1 << 4, CFSR_MLSPERR = 1 << 5,
    CFSR_MMARVALID = 1 << 7, CFSR_IBUSERR = 1 << 8, CFSR_PRECISERR = 1 << 9, CFSR_UNSTKERR = 1 << 11, CFSR_STKERR = 1 << 12,
    CFSR_LSPERR = 1 << 13, CFSR_BFARVALID = 1 << 15,
    CFSR_UNDEFINSTR = 1 << 16, CFSR_INVSTATE = 1 << 17, CFSR_INVPC = 1 << 18, CFSR_NOCP = 1 << 19, CFSR_UNALIGNED = 1 << 24,
    CFSR_DIVBYZERO = 1 << 25
};
#define HFSR_VECTTBL (1u << 1)
#define HFSR_FORCED (1u << 30)
#define HFSR_DEBUGEVT (1u << 31)
#define DFSR_BKPT (1u << 1)
#define DFSR_DWTTRAP (1u << 2)

/* CONTROL, B1.4.4; xPSR, B1.4.2 */
enum { CONTROL_NPRIV = 1, CONTROL_SPSEL = 2, CONTROL_FPCA = 4 };
#define XPSR_T (1u << 24)
#define XPSR_IT 0x0600FC00u
/* ITSTATE<7:0> and its two places in xPSR */
static inline uint8_t xpsr_to_it(uint32_t xpsr) { return (uint8_t)((xpsr >> 8 & 0xFC) | (xpsr >> 25 & 3)); }
static inline uint32_t it_to_xpsr(uint8_t it) { return (it & 0xFCu) << 8 | (it & 3u) << 25; }
#define XPSR_REALIGNED (1u << 9)
#define XPSR_IPSR 0x1FFu
#define CCR_NONBASETHRDENA 1u
#define CCR_USERSETMPEND 2u
#define CCR_STKALIGN (1u << 9)
#define CCR_UNALIGN_TRP (1u << 3)
#define CCR_DIV_0_TRP (1u << 4)
#define SCR_SLEEPONEXIT 2u
#define SCR_SEVONPEND 16u
#define FPCCR_ASPEN (1u << 31)
#define FPCCR_LSPEN (1u << 30)
enum {
    FPCCR_LSPACT = 1 << 0, FPCCR_USER = 1 << 1, FPCCR_THREAD = 1 << 3, FPCCR_HFRDY = 1 << 4, FPCCR_MMRDY = 1 << 5,
    FPCCR_BFRDY = 1 << 6, FPCCR_MONRDY = 1 << 8
};
#define DEMCR_MON_EN (1u << 16)
#define DEMCR_MON_PEND (1u << 17)
#define DEMCR_TRCENA (1u << 24)

#define STIR 0xE000EF00u
#define EXC_RETURN_BASE 0xFFFFFFE0u
#define EXC_RETURN_PAGE 0xFFFFF000u
#define STOP_PAGE 0x0FFFF000u
#define STOP_ADDRESS 0x0FFFFFFEu /* uc_emu_start's `until`: fetchable, never executed */
#define SVC_0 0xDF00u
#define CLREX_STUB EXC_RETURN_PAGE
#define CLREX_STUB_SIZE 12u

/* Why run() came back */
typedef enum { RUN_LIMIT, RUN_SLEEP, RUN_FAULT, RUN_LOCKUP, RUN_RESET, RUN_STOPPED, RUN_IDLE } RunReason;

typedef enum { KIND_RAM, KIND_ROM, KIND_FLASH, KIND_MMIO } RegionKind;

typedef struct {
    uint32_t base, size, target; /* target: the address this range shows (aliases); equal to base otherwise */
    RegionKind kind;
    uint8_t *host;          /* NULL for MMIO */
    uint8_t *executed;      /* per 1 KB page: code was fetched from it */
    uint8_t *written;       /* per 1 KB page: the TLB may let stores through to it */
    uint8_t *watched;       /* a bit per halfword: somebody wants, or wanted, to hear when code is entered there */
    uint32_t *ran;          /* per halfword: bytes that ran straight on from there, at most; NULL: none */
    Py_buffer view;
} Region;

typedef struct Core Core;

/* What _core_traps.c knows of an address: the bases that a block checks when it starts there, whether the instruction has
 * a hook. `filter` says which blocks need a look when they start: by the lower bits of their address, the tag of the others. */
typedef struct {
    uint32_t address;
    uint16_t bases;
    bool used, hooked;
    bool fp;    /* the block has an FP instruction */
    uint32_t depth; /* bytes that the block takes from the stack, when stacks are watched */
    bool exact; /* the block's instructions have hooks in place of the check at its start */
} Trap;

/* A stack that is watched: of the task with this TCB, 0 for the main stack. */
typedef struct {
    uint32_t tcb, limit, lowest, highest;
    uint32_t floor; /* SP is not below it */
    bool reported; /* its overflow */
} Stack;

/* _core_coverage.c. `ran` is that of the memory that code ran in last, of the addresses from `base` on. */
typedef struct {
    bool wanted;
    uint32_t base, size, *ran;
} Coverage;

#define MAX_STACKS 64

/* _core_stack.c. `member` is the offset of the stack's lowest address in a TCB; `task` is the running task's, NULL before
 * the first. */
typedef struct {
    PyObject *on_overflow; /* NULL: nobody watches */
    uint32_t member;
    Stack main, tasks[MAX_STACKS], *task;
    int count;
} Stacks;

/* Native code that hears of every marked address before Python does; false: a Python error is set. */
typedef struct {
    bool (*entered)(void *self, uint32_t address);
    void *self;
} Follower;

#define MAX_FOLLOWERS 8

#define LOW_END 0x1000u

#define TRAP_FILTER 0x1000u
#define TRAP_ANY 1 /* a tag for every block */

typedef struct {
    Trap *table;
    size_t room, count; /* room is a power of two */
    uc_hook *hooks;
    size_t hook_room, hook_count;
    uint8_t filter[TRAP_FILTER]; /* TRAP_ANY while an FP frame is open, else what is minded */
    uint8_t minded[TRAP_FILTER];
    bool sites[TRAP_FILTER]; /* by lower bits of their address, while there is one hook for every instruction */
    uint32_t stale_begin, stale_end; /* to be translated anew before the run goes on */
    uint32_t until;                  /* not 0: the run pauses there, in an IT block, to look at the instruction */
    uint32_t status;                 /* not 0: the access that comes next is this UsageFault */
    bool had_context;                /* CONTROL.FPCA before that access, which Unicorn may set on the way to it */
    bool restart;                    /* other instructions trap now */
} Traps;

typedef struct {
    Core *core;
    PyObject *read, *write;
    Py_buffer words, plain, ramp; /* registers the core may serve itself; buf NULL when there are none */
    uint32_t base, size;
} Mmio;

typedef struct {
    uint32_t enabled[EXC_WORDS], pending[EXC_WORDS], active[EXC_WORDS], level[EXC_WORDS];
    int16_t priority[EXC_COUNT];
} Nvic;

typedef struct {
    uint32_t basepri, primask, faultmask;
} Masks;

typedef struct {
    uint32_t ctrl, load;
    uint32_t stopped_value; /* VAL while disabled */
    int64_t zero_at;        /* cycle of the next 1 -> 0 transition while enabled */
    bool countflag;
} SysTick;

typedef struct {
    uint32_t actlr, vtor, prigroup, scr, ccr, cfsr, hfsr, dfsr, mmfar, bfar, afsr, shcsr, cpacr, fpccr, fpcar, fpdscr, demcr;
    uint32_t mpu_ctrl, mpu_rnr, mpu_rbar[8], mpu_rasr[8];
    uint32_t dwt_ctrl, dwt[24], itm_ter, itm_tcr, itm_tpr;
    int64_t cyccnt_base;
} Scs;

/* Registers of one moment, for reports; `exception` is the fault being taken. */
typedef struct {
    uint32_t r[16], xpsr, msp, psp, control, primask, basepri, faultmask, exception, exc_return, cfsr, hfsr, mmfar, bfar;
    int64_t cycle;
} Snapshot;

typedef enum { IDLE_AWAY, IDLE_REGISTERS, IDLE_MEMORY } IdlePhase;

typedef struct {
    Snapshot core;
    uint32_t fp[33];
    uint32_t zero; /* no padding: these are compared as bytes */
} IdleRegisters;

#define PAGE 0x400u

/* Stores to flash go to the programming port: the same page under FLASH_PORT, where MMIO callbacks catch them. */
#define FLASH_PORT 0xF0000000u
#define FLASH_PORT_SIZE 0x00400000u

#define MOST_WRITTEN 64

typedef struct {
    bool wanted;   /* idle loops are looked for */
    int64_t until; /* cycle up to which sleep and idle loops may pass at once; beyond, the run ends for the caller to wait */
    IdlePhase phase;
    int64_t look_at, wait; /* the cycle of the next look, and cycles between fruitless ones */
    int64_t since, period;
    uint32_t head, boundaries; /* of this round */
    bool effects; /* something in this round does more than change registers and memory */
    IdleRegisters registers;
    uint8_t *written[MOST_WRITTEN]; /* pages that may have been written since the last TLB flush */
    uint32_t written_count, copied;
    uint8_t copy[MOST_WRITTEN][PAGE];
} Idle;

/* The form of a load or store: its address is base + offset + (index << shift), of `regs` in the order of memory. FP
 * registers are not among them. */
typedef struct {
    uint8_t base, shift, unit, count;
    int8_t index; /* -1: none */
    bool store, table, negative; /* the last: what is loaded is sign-extended */
    uint16_t length;
    int32_t offset;
    uint8_t regs[16];
} Form;

/* An instruction that is observed, decoded once; `form.length` is 0 when it accesses no memory. */
typedef struct {
    uint32_t pc;
    uint16_t op[2];
    Flow flow;
    Form form;
} Instruction;

/* Hears of each instruction before it runs, and of the address it accesses; not of those in an IT block whose condition
 * fails. */
typedef void (*ObserveFn)(void *self, const Instruction *, uint32_t address);

#define MAX_OBSERVERS 2

/* _core_observe.c. `next` is where the code goes on that was observed last, with ITSTATE `it`. */
typedef struct {
    ObserveFn call[MAX_OBSERVERS];
    void *self[MAX_OBSERVERS];
    int count;
    Instruction *cache;
    Region *region; /* of the last instruction */
    uint32_t next;
    uint8_t it;
    bool in_it; /* the instruction at hand is in an IT block */
} Observers;

/* _core_uninit.c hears of frames that the hardware stacks and unstacks, and of handlers that are entered. */
typedef enum { FRAME_PUSHED, FRAME_POPPED, HANDLER_ENTERED } FrameEvent;
typedef struct {
    void (*call)(void *self, FrameEvent, uint32_t address, uint32_t size); /* NULL: nobody */
    void *self;
} FrameObserver;

#define RING_SIZE 64
#define NOWHERE 1u /* no code ends at an odd address */
#define MAX_REGIONS 32
#define MAX_MMIO 160

struct Core {
    PyObject_HEAD
    /* What the block hook needs comes first, in few cache lines. `cycles` is the time of the last natural boundary, where
     * the code that runs now began: at `block`. So far it goes up to `end`. */
    int64_t cycles;
    int64_t deadline;    /* the one comparison of the block hook: INT64_MIN when something is to be done at once */
    uint32_t block, end; /* `end` is NOWHERE when the next block starts at a natural boundary in any case */
    uint32_t ring_next;
    uint8_t it; /* ITSTATE at `block`, B1.4.2: 0 outside IT blocks */
    bool attention; /* something is pending, or a stop was asked for */
    bool simple_branch; /* `block` is an EXC_RETURN that was branched to by an instruction that returns from no exception */
    uint32_t ring[RING_SIZE];
    Coverage coverage;
    uint32_t current_tcb; /* where the kernel keeps its pointer to the running task's TCB, 0 without one that is known */
    Stacks stacks;
    PyObject *watches; /* callbacks by address; NULL: none */
    Follower followers[MAX_FOLLOWERS];
    int follower_count;
    Follower low;   /* hears when data is accessed in a page below LOW_END that the TLB does not have */
    bool low_shown; /* it has one, for somebody who is of no interest */

    UnicornApi api;
    uc_engine *uc;
    uc_hook block_hook;
    bool in_emu, code_hook;
    int64_t due;   /* Python's next event */
    int64_t limit; /* of this run */

    uint32_t ipsr;
    bool event_register, waits_for_event; /* the last sleep was WFE, not WFI or sleep-on-exit */
    bool stop, flush, leaving;
    bool faultmask_before_nmi;
    bool clear_exclusive; /* before anything else runs */
    RunReason reason;

    Nvic nvic;
    SysTick systick;
    Scs scs;
    Idle idle;

    Region regions[MAX_REGIONS];
    int region_count;
    Mmio *mmio[MAX_MMIO];
    int mmio_count;

    Traps traps;
    Observers observers;
    FrameObserver frames;

    bool exact; /* the slow mode of _core_exact.c is needed */
    uint32_t it_start, it_end; /* the IT block in which that is */
    bool mpu_on, mpu_fine, mpu_changed; /* it checks accesses now; a boundary lies within a page; the TLB is out of date */

    bool access_fault;      /* the TLB fill hook refused an access: */
    uint32_t fault_page;
    int fault_type;
    bool fault_protection;  /* by the MPU */
    Snapshot fault;
    bool fault_seen;

    Region *watch_region; /* of the last look-up */
    bool watching;        /* a watch's callback runs: PC is the block's address, whatever Unicorn's register says */

    PyObject *on_due, *on_program, *on_itm, *on_semihosting, *on_limit;
    unsigned long long accesses; /* to peripherals and the core's own registers, so far */
    bool failed; /* a Python callback raised; the error is kept until run() returns */
    PyObject *error_type, *error_value, *error_trace;
    uint8_t *pages; /* two host pages: the svc page for EXC_RETURN, and the one of STOP_ADDRESS */
};

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
