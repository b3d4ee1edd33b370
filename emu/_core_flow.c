/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How values flow through an instruction of Thumb (ARMv7-M ARM A5, A7.7): what it computes from which core registers, and
 * what it decides by them. What loads and stores transfer is in their `Form`. */
#include "_core.h"

enum { AND, BIC, ORR, ORN, EOR, PKH = 6, ADD = 8, ADC = 10, SBC, SUB = 13, RSB }; /* A5.3.1, A5.3.11 */

#define LR 14
#define NO_REGISTER -1

/* The second operand is a register, shifted by a constant: DecodeImmShift(), A7.4.2. */
static void shifted(Flow *f, unsigned rm, unsigned type, unsigned amount)
{
    f->rm = (int8_t)rm;
    f->shift = (uint8_t)(type == SHIFT_ROR && amount == 0 ? SHIFT_RRX : type);
    f->amount = (uint8_t)(type != SHIFT_LSL && type != SHIFT_ROR && amount == 0 ? 32 : amount);
}

/* rd = op(rn, rm); registers that there are not are -1. */
static void set(Flow *f, FlowOp op, int rd, int rn, int rm)
{
    f->op = (uint8_t)op;
    f->rd = (int8_t)rd;
    f->rn = (int8_t)rn;
    f->rm = (int8_t)rm;
}

/* A data-processing instruction whose second operand is there already. A compare has `rd` 15; MOV and MVN `rn` 15. */
static void operate(Flow *f, unsigned operation, unsigned rd, unsigned rn, bool sets_flags)
{
    static const uint8_t ops[16] = {FLOW_AND, FLOW_AND, FLOW_ORR, FLOW_ORR, FLOW_EOR, FLOW_DEFINED, FLOW_ALL, FLOW_DEFINED,
                                    FLOW_ADD, FLOW_DEFINED, FLOW_ADC, FLOW_SBC, FLOW_DEFINED, FLOW_SUB, FLOW_RSB};
    bool unary = rn == 15 && (operation == ORR || operation == ORN);
    f->compares = sets_flags && rd == 15;
    f->sets_flags = sets_flags;
    f->inverted = operation == BIC || operation == ORN;
    set(f, unary ? FLOW_SECOND : ops[operation], f->compares ? NO_REGISTER : (int)rd, unary ? NO_REGISTER : (int)rn, f->rm);
}

static void operate_immediate(Flow *f, unsigned operation, unsigned rd, unsigned rn, uint32_t immediate, bool sets_flags)
{
    f->immediate = immediate;
    operate(f, operation, rd, rn, sets_flags);
}

static void operate_register(Flow *f, unsigned operation, unsigned rd, unsigned rn, unsigned rm, bool sets_flags)
{
    f->rm = (int8_t)rm;
    operate(f, operation, rd, rn, sets_flags);
}

static void extend(Flow *f, unsigned rd, unsigned rm, unsigned width, bool negative)
{
    set(f, FLOW_EXTEND, (int)rd, NO_REGISTER, (int)rm);
    f->width = (uint8_t)width;
    f->negative = negative;
}

static void decide(Flow *f, FlowUse use, int rn)
{
    f->use = (uint8_t)use;
    f->rn = (int8_t)rn;
}

/* A5.2.2 */
static void data16(uint16_t op, Flow *f)
{
    static const uint8_t operations[16] = {AND, EOR, 0, 0, 0, ADC, SBC, 0, AND, RSB, SUB, ADD, ORR, 0, BIC, ORN};
    static const uint8_t shifts[8] = {0, 0, SHIFT_LSL, SHIFT_LSR, SHIFT_ASR, 0, 0, SHIFT_ROR};
    unsigned rd = op & 7, rm = op >> 3 & 7, n = op >> 6 & 15;
    if ((n >= 2 && n <= 4) || n == 7) {
        set(f, FLOW_SHIFT, (int)rd, (int)rd, (int)rm);
        f->shift = shifts[n];
        f->sets_flags = true;
    } else if (n == 13) {
        set(f, FLOW_MULTIPLY, (int)rd, (int)rd, (int)rm);
        f->sets_flags = true;
    } else if (n == 9) /* RSB #0 */
        operate_immediate(f, RSB, rd, rm, 0, true);
    else
        operate_register(f, operations[n], n == 8 || n == 10 || n == 11 ? 15 : rd, n == 15 ? 15 : rd, rm, true);
}

/* A5.2.3 */
static void special16(uint16_t op, Flow *f)
{
    unsigned rd = (op & 7) | (op >> 4 & 8), rm = op >> 3 & 15, kind = op >> 8 & 3;
    if (kind == 0)
        operate_register(f, ADD, rd, rd, rm, false);
    else if (kind == 1)
        operate_register(f, SUB, 15, rd, rm, true);
    else if (kind == 2)
        set(f, FLOW_SECOND, (int)rd, NO_REGISTER, (int)rm);
    else if (op & 0x80) /* BLX */
        set(f, FLOW_DEFINED, LR, NO_REGISTER, NO_REGISTER);
    if (kind == 3 || (kind != 1 && rd == 15))
        decide(f, USE_TARGET, (int)rm);
}

/* A5.2.5 */
static void misc16(uint16_t op, Flow *f)
{
    unsigned rd = op & 7, rm = op >> 3 & 7;
    if ((op & 0xFF00) == 0xB000)
        set(f, FLOW_DEFINED, 13, NO_REGISTER, NO_REGISTER);
    else if ((op & 0xFF00) == 0xB200) /* SXTH, SXTB, UXTH, UXTB */
        extend(f, rd, rm, op & 0x40 ? 8 : 16, !(op & 0x80));
    else if ((op & 0xF500) == 0xB100)
        decide(f, USE_ZERO, (int)rd);
    else if ((op & 0xFF00) == 0xBA00) {
        set(f, FLOW_REVERSE, (int)rd, NO_REGISTER, (int)rm);
        f->lowest = op >> 6 & 3;
    } else if ((op & 0xFF00) == 0xBF00 && (op & 15)) {
        f->use = USE_IT;
        f->condition = op >> 4 & 15;
    }
}

static void branch(Flow *f, unsigned condition)
{
    f->use = condition < 14 ? USE_FLAGS : USE_NONE;
    f->condition = (uint8_t)condition;
}

static void flow16(uint16_t op, Flow *f)
{
    unsigned rd = op & 7, rm = op >> 3 & 7, middle = op >> 8 & 7, imm8 = op & 0xFF, imm3 = op >> 6 & 7;
    switch (op >> 11) {
    case 0: case 1: case 2:
        shifted(f, rm, op >> 11, op >> 6 & 31);
        operate(f, ORR, rd, 15, true);
        break;
    case 3:
        if (op & 0x0400)
            operate_immediate(f, op & 0x0200 ? SUB : ADD, rd, rm, imm3, true);
        else
            operate_register(f, op & 0x0200 ? SUB : ADD, rd, rm, imm3, true);
        break;
    case 4: operate_immediate(f, ORR, middle, 15, imm8, true); break;
    case 5: operate_immediate(f, SUB, 15, middle, imm8, true); break;
    case 6: operate_immediate(f, ADD, middle, middle, imm8, true); break;
    case 7: operate_immediate(f, SUB, middle, middle, imm8, true); break;
    case 8: op & 0x0400 ? special16(op, f) : data16(op, f); break;
    case 20: case 21: set(f, FLOW_DEFINED, (int)middle, NO_REGISTER, NO_REGISTER); break; /* ADR, ADD rd, SP */
    case 22: case 23: misc16(op, f); break;
    case 26: case 27: branch(f, op >> 8 & 15); break;
    }
}

/* A5.3.3: plain binary immediates. */
static void plain32(const uint16_t op[2], Flow *f)
{
    int rd = op[1] >> 8 & 15, rn = op[0] & 15, kind = op[0] >> 4 & 31;
    uint32_t imm12 = (op[0] & 0x0400u) << 1 | (op[1] >> 4 & 0x0700u) | (op[1] & 0xFF);
    uint8_t lowest = (uint8_t)((op[1] >> 10 & 0x1C) | (op[1] >> 6 & 3)), last = op[1] & 31;
    f->lowest = lowest;
    if (kind == 0 || kind == 10)
        operate_immediate(f, kind ? SUB : ADD, (unsigned)rd, (unsigned)rn, imm12, false);
    else if (kind == 4) /* MOVW */
        set(f, FLOW_DEFINED, rd, NO_REGISTER, NO_REGISTER);
    else if (kind == 12)
        set(f, FLOW_TOP, rd, rd, NO_REGISTER);
    else if (kind == 22) {
        set(f, FLOW_INSERT, rd, rn != 15 ? rn : NO_REGISTER, rd);
        f->width = (uint8_t)(last + 1 - lowest);
    } else if (kind == 20 || kind == 28) {
        extend(f, (unsigned)rd, (unsigned)rn, last + 1u, kind == 20);
        f->lowest = lowest;
    } else /* SSAT, USAT */
        set(f, FLOW_ALL, rd, rn, NO_REGISTER);
}

/* A5.3.4: branches and system instructions. */
static void branch32(const uint16_t op[2], Flow *f)
{
    if ((op[1] & 0xD000) == 0xD000) /* BL */
        set(f, FLOW_DEFINED, LR, NO_REGISTER, NO_REGISTER);
    else if (op[1] & 0x5000) /* B */
        return;
    else if ((op[0] >> 6 & 15) < 14)
        branch(f, op[0] >> 6 & 15);
    else if ((op[0] & 0xFFE0) == 0xF3E0) /* MRS */
        set(f, FLOW_DEFINED, op[1] >> 8 & 15, NO_REGISTER, NO_REGISTER);
    else
        f->sets_flags = (op[0] & 0xFFE0) == 0xF380 && (op[1] & 0xFF) < 4; /* MSR APSR */
}

/* A5.3.12 to A5.3.15: shifts by a register, extensions, and what works on parts of words. */
static void registers32(const uint16_t op[2], Flow *f)
{
    int rd = op[1] >> 8 & 15, rn = op[0] & 15, rm = op[1] & 15, kind = op[0] >> 4 & 7;
    bool misc = (op[0] & 0x0080) && (op[1] & 0x00C0) == 0x0080;
    if (!(op[0] & 0x0080) && !(op[1] & 0x0080)) {
        set(f, FLOW_SHIFT, rd, rn, rm);
        f->shift = (uint8_t)(kind >> 1);
        f->sets_flags = kind & 1;
    } else if (!(op[0] & 0x0080) && kind != 2 && kind != 3) { /* SXTAH, UXTAH, SXTAB, UXTAB: by bytes that a rotation brings */
        extend(f, (unsigned)rd, (unsigned)rm, kind < 2 ? 16 : 8, !(kind & 1));
        f->lowest = op[1] >> 1 & 0x18;
        f->rn = (int8_t)(rn != 15 ? rn : NO_REGISTER);
    } else if (misc && kind == 1) {
        set(f, FLOW_REVERSE, rd, NO_REGISTER, rm);
        f->lowest = op[1] >> 4 & 3;
    } else
        set(f, misc && kind == 3 ? FLOW_ALL : FLOW_DEFINED, rd, NO_REGISTER, misc && kind == 3 ? rm : NO_REGISTER);
}

/* A5.3.16, A5.3.17 */
static void multiply32(const uint16_t op[2], Flow *f)
{
    int high = op[1] >> 8 & 15, low = op[1] >> 12, kind = op[0] >> 4 & 7, rn = op[0] & 15, rm = op[1] & 15;
    bool division = (op[0] & 0x0080) && (kind == 1 || kind == 3);
    if (!(op[0] & 0x0080) || division) {
        set(f, division || kind > 0 ? FLOW_ALL : FLOW_MULTIPLY, high, rn, rm);
        f->added = (int8_t)(low != 15 && !division ? low : NO_REGISTER);
        return;
    }
    set(f, FLOW_LONG, low, rn, rm);
    f->targets = (uint16_t)(1u << low | 1u << high);
    f->added = (int8_t)(kind >= 4 ? low : NO_REGISTER);
    if (kind >= 4)
        f->sources = f->targets;
}

/* A6.6, A6.7: what comes from the FPU counts as defined. */
static void coprocessor32(const uint16_t op[2], Flow *f)
{
    unsigned rt = op[1] >> 12;
    bool one = (op[0] & 0xFF00) == 0xEE00 && (op[1] & 0x0E10) == 0x0A10, two = (op[0] & 0xFFE0) == 0xEC40;
    if (!(op[0] & 0x0010) || (!one && !two))
        return;
    f->sets_flags = one && rt == 15; /* VMRS APSR_nzcv */
    f->targets = f->sets_flags ? 0 : (uint16_t)(1u << rt | (two ? 1u << (op[0] & 15) : 0));
}

static void flow32(const uint16_t op[2], Flow *f)
{
    unsigned operation = op[0] >> 5 & 15, rd = op[1] >> 8 & 15, rn = op[0] & 15;
    bool sets_flags = op[0] & 0x0010;
    if ((op[0] & 0xFE00) == 0xEA00) {
        shifted(f, op[1] & 15, op[1] >> 4 & 3, (op[1] >> 10 & 0x1Cu) | (op[1] >> 6 & 3u));
        operate(f, operation, rd, rn, sets_flags && operation != PKH);
    } else if ((op[0] & 0xF800) == 0xF000 && (op[1] & 0x8000))
        branch32(op, f);
    else if ((op[0] & 0xFA00) == 0xF000)
        operate_immediate(f, operation, rd, rn, (uint32_t)thumb_expanded(op[0], op[1]), sets_flags);
    else if ((op[0] & 0xFA00) == 0xF200)
        plain32(op, f);
    else if ((op[0] & 0xFF00) == 0xFA00)
        registers32(op, f);
    else if ((op[0] & 0xFF00) == 0xFB00)
        multiply32(op, f);
    else if ((op[0] & 0xFFF0) == 0xE840) /* STREX: its status */
        f->targets = (uint16_t)(1u << rd);
    else if ((op[0] & 0xFFF0) == 0xE8C0)
        f->targets = (uint16_t)(1u << (op[1] & 15));
    else if ((op[0] & 0xEC00) == 0xEC00)
        coprocessor32(op, f);
}

static SpMove sp_move(const uint16_t op[2], int32_t *down)
{
    if (!stack_moves(op, down))
        return (op[0] & 0xFF00) == 0x4600 ? SP_SET : SP_SUM;
    if ((op[0] & 0xFFEF) == 0xEBAD && (op[1] & 0x0F00) == 0x0D00) /* SUB SP, SP, Rm */
        return SP_SUM;
    return *down ? SP_CONSTANT : SP_STAYS;
}

static uint16_t bit(int n) { return (uint16_t)(n >= 0 ? 1u << n : 0); }

static bool is_zero(const Flow *f)
{
    return (f->op == FLOW_EOR || f->op == FLOW_SUB) && f->rn >= 0 && f->rn == f->rm && f->amount == 0;
}

void thumb_flow(const uint16_t op[2], const Form *form, Flow *f)
{
    *f = (Flow){.rd = NO_REGISTER, .rn = NO_REGISTER, .rm = NO_REGISTER, .added = NO_REGISTER};
    if (thumb_size(op[0]) == 2)
        flow16(op[0], f);
    else
        flow32(op, f);
    f->targets |= bit(f->rd);
    f->sources |= is_zero(f) ? 0 : bit(f->rn) | bit(f->rm) | bit(f->added);
    for (int n = 0; n < form->count; n++)
        f->transfers |= bit(form->regs[n]);
    if (form->length)
        f->addresses = bit(form->base) | bit(form->index);
    if (form->table)
        decide(f, USE_INDEX, form->index);
    f->sp = (uint8_t)sp_move(op, &f->down);
}
