/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stacks watched from outside: how deep each one got, and the instruction that first takes one below its limit.
 *
 * SP goes down in few blocks, most of them the starts of functions. How far is seen when the block is translated, so
 * such a block costs a look at SP and all others nothing. SP that is computed (alloca) is seen at the next push. */
#include "_core.h"

#define MOST_SAVED 256u /* bytes of a task's registers, the FPU's included */

static int count_registers(uint16_t list) { return __builtin_popcount(list); }

/* ThumbExpandImm(), A5.3.2, for the constants that move SP. */
int32_t thumb_expanded(uint16_t first, uint16_t second)
{
    uint32_t imm12 = (first & 0x0400u) << 1 | (second >> 4 & 0x0700u) | (second & 0xFF), byte = imm12 & 0xFF;
    if (!(imm12 & 0xC00))
        switch (imm12 >> 8) {
        case 0: return (int32_t)byte;
        case 1: return (int32_t)(byte << 16 | byte);
        case 2: return (int32_t)(byte << 24 | byte << 8);
        default: return (int32_t)(byte * 0x01010101u);
        }
    uint32_t turn = imm12 >> 7;
    return (int32_t)((0x80 | (byte & 0x7F)) << (32 - turn));
}

static bool moves16(uint16_t op, int32_t *down)
{
    if ((op & 0xFE00) == 0xB400) /* PUSH */
        *down = 4 * count_registers(op & 0x1FF);
    else if ((op & 0xFE00) == 0xBC00) /* POP */
        *down = -4 * count_registers(op & 0x1FF);
    else if ((op & 0xFF00) == 0xB000) /* ADD, SUB SP, #imm7 */
        *down = (op & 0x80 ? 4 : -4) * (op & 0x7F);
    else
        return (op & 0xFF87) != 0x4685 && (op & 0xFF87) != 0x4485; /* MOV SP, ADD SP: not known */
    return true;
}

static bool moves32(const uint16_t op[2], int32_t *down)
{
    bool to_sp = (op[1] & 0x8F00) == 0x0D00;
    if (op[0] == 0xE92D) /* PUSH.W */
        *down = 4 * count_registers(op[1]);
    else if (op[0] == 0xE8BD) /* POP.W */
        *down = -4 * count_registers(op[1]);
    else if (op[0] == 0xF84D && (op[1] & 0x0F00) == 0x0D00) /* STR [SP, #-imm8]! */
        *down = op[1] & 0xFF;
    else if (op[0] == 0xE96D) /* STRD [SP, #-imm8]! */
        *down = 4 * (op[1] & 0xFF);
    else if ((op[0] & 0xFFBF) == 0xED2D || (op[0] & 0xFFBF) == 0xECBD) /* VPUSH, VPOP */
        *down = ((op[0] & 0x0100) ? 4 : -4) * (op[1] & 0xFF);
    else if (to_sp && ((op[0] & 0xFBEF) == 0xF1AD || (op[0] & 0xFBEF) == 0xF10D)) /* SUB.W, ADD.W SP, SP, #const */
        *down = ((op[0] & 0x0080) ? 1 : -1) * thumb_expanded(op[0], op[1]);
    else if (to_sp && ((op[0] & 0xFBFF) == 0xF2AD || (op[0] & 0xFBFF) == 0xF20D)) /* SUBW, ADDW */
        *down = ((op[0] & 0x0080) ? 1 : -1) *
                (int32_t)((op[0] & 0x0400u) << 1 | (op[1] >> 4 & 0x0700u) | (op[1] & 0xFF));
    return true;
}

/* How many bytes the instruction takes from the stack, negative when it gives some back; false when that is not known. */
bool stack_moves(const uint16_t op[2], int32_t *down)
{
    *down = 0;
    return thumb_size(op[0]) == 2 ? moves16(op[0], down) : moves32(op, down);
}

/* SP becomes less by what `stack_moves` does not tell, perhaps: a load or store that writes back a lower base, or a result. */
static bool computes_sp(const uint16_t op[2])
{
    bool base = (op[0] & 15) == 13, single = (op[0] & 0xFE00) == 0xF800;
    if (thumb_size(op[0]) == 2) /* MOV SP, R7 gives back what a function with a frame pointer took */
        return op[0] != 0x46BD && ((op[0] & 0xFF87) == 0x4685 || (op[0] & 0xFF87) == 0x4485);
    if (single && !(op[0] & 0x0080) && (op[1] & 0x0B00) == 0x0900) /* an offset taken off, and back to the base */
        return base && (op[0] != 0xF84D || !(op[1] & 0x0400));
    if (single)
        return (op[0] & 0x0010) && op[1] >> 12 == 13;
    if ((op[0] & 0xFE40) == 0xE840 && (op[0] & 0x0120)) /* LDRD, STRD */
        return base && (op[0] & 0x00A0) == 0x0020 && op[0] != 0xE96D;
    if ((op[0] & 0xF800) == 0xF000 && (op[1] & 0x8000)) /* MSR, but no branch */
        return (op[0] & 0xFFE0) == 0xF380 && (op[1] & 0xD000) == 0x8000;
    bool constant = (op[0] & 0xFA0F) == 0xF00D && (op[1] & 0x8F00) == 0x0D00;
    return op[0] == 0xE93D || (!constant && (thumb_writes(op) >> 13 & 1));
}

/* The most bytes that a block takes from the stack, with STACK_COMPUTED when SP may then become less by others; with `where`
 * the instruction that takes more than `room`. */
uint32_t stack_depth(Core *c, uint32_t address, uint32_t end, uint32_t room, uint32_t *where)
{
    int32_t depth = 0, deepest = 0, down;
    uint32_t computed = 0;
    uint16_t op[2];
    for (; address < end && traps_fetch(c, address, op); address += (uint32_t)thumb_size(op[0])) {
        computed |= computes_sp(op) ? STACK_COMPUTED : 0;
        if (!stack_moves(op, &down))
            break;
        depth += down;
        deepest = depth > deepest ? depth : deepest;
        if (where != NULL && depth > 0 && (uint32_t)depth > room) {
            *where = address;
            break;
        }
    }
    return (uint32_t)deepest | computed;
}

static Stack *task_stack(Core *c, uint32_t tcb, uint32_t limit)
{
    Stacks *s = &c->stacks;
    for (int n = 0; n < s->count; n++)
        if (s->tasks[n].tcb == tcb && s->tasks[n].limit == limit)
            return &s->tasks[n];
    if (s->count == MAX_STACKS)
        return NULL;
    s->tasks[s->count] = (Stack){.tcb = tcb, .limit = limit, .lowest = UINT32_MAX};
    return &s->tasks[s->count++];
}

static void overflow(Core *c, Stack *stack, uint32_t pc, uint32_t block, uint32_t sp)
{
    stack->reported = true;
    bool watching = c->watching;
    c->watching = true;
    PyObject *result = PyObject_CallFunction(c->stacks.on_overflow, "IIIII", pc, block, sp, stack->limit, stack->tcb);
    c->watching = watching;
    if (result == NULL)
        core_callback_failed(c);
    Py_XDECREF(result);
}

/* A block starts that takes `depth` bytes from the stack. SP is read only when it may be lower than ever: it is not below
 * `floor`, from which all is taken and to which nothing is given back until then. */
void stack_check(Core *c, uint32_t address, uint32_t size, uint32_t depth)
{
    Stack *stack = c->ipsr == 0 && c->stacks.task != NULL ? c->stacks.task : &c->stacks.main;
    uint32_t taken = depth & ~STACK_COMPUTED, where = address;
    stack->floor = stack->floor > taken ? stack->floor - taken : 0;
    if (stack->floor >= stack->lowest && taken == depth)
        return;
    uint32_t sp = core_reg(c, UC_REG_SP);
    stack->floor = taken == depth ? sp - taken : 0;
    if (sp - taken >= stack->lowest)
        return;
    stack->lowest = sp - taken;
    if (stack->lowest >= stack->limit || stack->reported)
        return;
    stack_depth(c, address, address + size, sp < stack->limit ? 0 : sp - stack->limit, &where);
    overflow(c, stack, where, address, stack->lowest);
}

static void reached(Core *c, Stack *stack, uint32_t sp, uint32_t pc)
{
    if (stack == NULL)
        return;
    stack->floor = sp < stack->floor ? sp : stack->floor;
    if (sp >= stack->lowest)
        return;
    stack->lowest = sp;
    if (sp < stack->limit && !stack->reported)
        overflow(c, stack, pc, pc, sp);
}

/* The hardware has stacked a frame at `sp`, in front of the instruction at `pc`. */
void stack_frame(Core *c, uint32_t sp, bool psp, uint32_t pc)
{
    reached(c, psp ? c->stacks.task : &c->stacks.main, sp, pc);
}

/* The kernel stacks a task's registers below the hardware's frame, and says so in the first word of its TCB. */
static void left(Core *c, Stack *stack, uint32_t pc)
{
    uint32_t saved;
    if (core_load(c, stack->tcb, &saved, 4) && saved < stack->highest && saved > stack->limit - MOST_SAVED)
        reached(c, stack, saved, pc);
}

/* An exception returned to `pc` of a thread on PSP, which is `sp` now: whose stack is that? */
void stack_switched(Core *c, uint32_t sp, uint32_t pc)
{
    Stacks *s = &c->stacks;
    uint32_t tcb, limit;
    if (s->task != NULL)
        left(c, s->task, pc);
    s->task = NULL;
    if (c->current_tcb && core_load(c, c->current_tcb, &tcb, 4) && core_load(c, tcb + s->member, &limit, 4))
        s->task = task_stack(c, tcb, limit);
    if (s->task == NULL)
        return;
    s->task->floor = sp;
    s->task->highest = sp > s->task->highest ? sp : s->task->highest;
    left(c, s->task, pc); /* a new task has a frame that it never pushed */
}

/* Reset: no task has run. What the main stack has reached stays. */
void stack_reset(Core *c)
{
    c->stacks.count = 0;
    c->stacks.task = NULL;
    c->stacks.main.floor = 0;
}
