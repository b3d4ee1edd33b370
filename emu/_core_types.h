/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of a core: `Core`, and its parts, most of which belong to the file that their comments name. */
#ifndef CORE_TYPES_H
#define CORE_TYPES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "_core_arch.h"
#include "_core_flow.h"
#include "_core_unicorn.h"

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

#endif
