/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which bits of a result are undefined when bits of the operands are: those that may be 0 or 1, whatever the defined bits
 * are. Exact for bitwise operations, shifts, extensions and bit fields; for sums every bit from the lowest undefined one
 * on; comparisons are decided by the defined bits where they can be. */
#include "_core_uninit.h"

typedef struct {
    uint32_t value, unknown;
} Word;

static Word word(Uninit *u, int n)
{
    if (n < 0 || n == 15)
        return (Word){0, 0};
    return (Word){core_reg(u->core, thumb_register(n)), u->dirty >> n & 1 ? u->shadow[n].mask : 0};
}

/* Shift_C(), A2.2.1; `in` is the carry flag, for RRX. */
static uint32_t shift(uint32_t x, uint32_t type, uint32_t amount, uint32_t in)
{
    uint32_t sign = x >> 31 ? ~0u : 0;
    switch (type) {
    case SHIFT_LSL: return amount < 32 ? x << amount : 0;
    case SHIFT_LSR: return amount < 32 ? x >> amount : 0;
    case SHIFT_ASR: return amount == 0 ? x : amount < 32 ? x >> amount | sign << (32 - amount) : sign;
    case SHIFT_ROR: return amount & 31 ? x >> (amount & 31) | x << (32 - (amount & 31)) : x;
    default: return x >> 1 | in << 31;
    }
}

/* The bit that a shift puts into the carry flag, of the undefined ones. */
static bool shifted_out(uint32_t unknown, uint32_t type, uint32_t amount)
{
    if (type == SHIFT_RRX)
        return unknown & 1;
    if (amount == 0 || amount > 32)
        return false;
    return unknown >> (type == SHIFT_LSL ? 32 - amount : amount - 1) & 1;
}

static Word second(Uninit *u, const Flow *f)
{
    Word w = f->rm >= 0 ? word(u, f->rm) : (Word){f->immediate, 0};
    if (f->amount) {
        w.value = shift(w.value, f->shift, f->amount, 0);
        w.unknown = shift(w.unknown, f->shift, f->amount, 0);
    }
    return f->inverted ? (Word){~w.value, w.unknown} : w;
}

static uint32_t upward(uint32_t unknown) { return unknown ? ~((unknown & -unknown) - 1) : 0; }

static uint32_t least(Word w) { return w.value & ~w.unknown; }
static uint32_t most(Word w) { return w.value | w.unknown; }

static uint8_t flags_of(Word r)
{
    bool zero = r.unknown && !(r.value & ~r.unknown);
    return (uint8_t)((r.unknown >> 31 ? FLAG_N : 0) | (zero ? FLAG_Z : 0));
}

/* Is it open whether a < b? */
static bool undecided(Word a, Word b) { return least(a) < most(b) && most(a) >= least(b); }

/* The flags of a - b. */
static uint8_t compared(Word a, Word b)
{
    const uint32_t sign = 1u << 31;
    bool apart = most(a) < least(b) || most(b) < least(a) || ((a.value ^ b.value) & ~(a.unknown | b.unknown));
    Word signed_a = {a.value ^ sign, a.unknown}, signed_b = {b.value ^ sign, b.unknown};
    return (uint8_t)((apart ? 0 : FLAG_Z) | (undecided(a, b) ? FLAG_C : 0) | (undecided(b, a) ? FLAG_HI : 0) |
                     (undecided(signed_a, signed_b) ? FLAG_N | FLAG_V : 0) | (undecided(signed_b, signed_a) ? FLAG_GT : 0));
}

/* HI and GT look at several flags: without a comparison each of these counts. */
static uint8_t combined(uint8_t flags)
{
    return (uint8_t)(flags | (flags & (FLAG_C | FLAG_Z) ? FLAG_HI : 0) | (flags & (FLAG_N | FLAG_Z | FLAG_V) ? FLAG_GT : 0));
}

static uint8_t carried(Word a, Word b, Word r)
{
    bool carry = ((uint64_t)least(a) + least(b)) >> 32 != ((uint64_t)most(a) + most(b)) >> 32;
    return (uint8_t)(flags_of(r) | (carry ? FLAG_C : 0) | (r.unknown >> 31 ? FLAG_V : 0));
}

static Word sum(Word a, Word b)
{
    return (Word){a.value + b.value, upward(a.unknown | b.unknown)};
}

static Word negated(Word w) { return (Word){-w.value, upward(w.unknown)}; }

static Word bitwise(FlowOp op, Word a, Word b)
{
    uint32_t either = a.unknown | b.unknown;
    if (op == FLOW_AND) /* where one is a defined 0 so is the result */
        return (Word){a.value & b.value, either & most(a) & most(b)};
    if (op == FLOW_ORR)
        return (Word){a.value | b.value, either & ~least(a) & ~least(b)};
    return (Word){a.value ^ b.value, either};
}

static Word product(Word a, Word b)
{
    bool zero = most(a) == 0 || most(b) == 0;
    return (Word){a.value * b.value, zero ? 0 : upward(a.unknown | b.unknown)};
}

static Word extended(Word w, const Flow *f)
{
    uint32_t empty = 32u - f->width, type = f->negative ? SHIFT_ASR : SHIFT_LSR;
    w.value = shift(shift(w.value, SHIFT_ROR, f->lowest, 0) << empty, type, empty, 0);
    w.unknown = shift(shift(w.unknown, SHIFT_ROR, f->lowest, 0) << empty, type, empty, 0);
    return w;
}

/* REV, REV16, RBIT, REVSH, A7.7.111 to A7.7.114. */
static uint32_t reversed(uint32_t x, uint32_t kind)
{
    uint32_t swapped = x >> 24 | (x >> 8 & 0xFF00) | (x << 8 & 0xFF0000) | x << 24;
    uint32_t bits = 0;
    switch (kind) {
    case 0: return swapped;
    case 1: return swapped >> 16 | swapped << 16;
    case 3: return (uint32_t)(int32_t)(int16_t)(swapped >> 16);
    }
    for (int n = 0; n < 32; n++)
        bits |= (x >> n & 1) << (31 - n);
    return bits;
}

static Word inserted(Word field, Word around, const Flow *f)
{
    uint32_t mask = (f->width < 32 ? (1u << f->width) - 1 : ~0u) << f->lowest;
    return (Word){(around.value & ~mask) | (field.value << f->lowest & mask),
                  (around.unknown & ~mask) | (field.unknown << f->lowest & mask)};
}

static Word shifted_by_register(Word a, Word by, uint8_t type, uint8_t *carry)
{
    uint32_t amount = by.value & 0xFF;
    if (by.unknown & 0xFF)
        return (Word){shift(a.value, type, amount, 0), ~0u};
    *carry = shifted_out(a.unknown, type, amount) ? FLAG_C : 0;
    return (Word){shift(a.value, type, amount, 0), shift(a.unknown, type, amount, 0)};
}

/* The undefined bits of what an instruction computes, and the flags that it leaves undefined if it sets them. */
uint32_t uninit_result(Uninit *u, const Flow *f, uint8_t *flags)
{
    Word a = word(u, f->rn), b = second(u, f), added = word(u, f->added), r = {0, 0};
    uint8_t carry = f->rm >= 0 && f->op <= FLOW_EOR && shifted_out(word(u, f->rm).unknown, f->shift, f->amount) ? FLAG_C : 0;
    bool any = a.unknown | b.unknown | added.unknown;
    switch ((FlowOp)f->op) {
    case FLOW_DEFINED: break;
    case FLOW_SECOND: r = b; break;
    case FLOW_AND: case FLOW_ORR: case FLOW_EOR: r = bitwise((FlowOp)f->op, a, b); break;
    case FLOW_ADD: case FLOW_ADC: r = sum(a, b); break;
    case FLOW_SUB: case FLOW_SBC: r = sum(a, negated(b)); break;
    case FLOW_RSB: r = sum(b, negated(a)); break;
    case FLOW_SHIFT: r = shifted_by_register(a, b, f->shift, &carry); break;
    case FLOW_EXTEND: r = f->rn >= 0 ? sum(a, extended(b, f)) : extended(b, f); break;
    case FLOW_INSERT: r = inserted(a, b, f); break;
    case FLOW_TOP: r = (Word){0, a.unknown & 0xFFFF}; break;
    case FLOW_MULTIPLY: r = sum(product(a, b), added); break;
    case FLOW_LONG: r.unknown = product(a, b).unknown || (f->sources & f->targets & u->dirty) ? ~0u : 0; break;
    case FLOW_REVERSE: r = (Word){reversed(b.value, f->lowest), reversed(b.unknown, f->lowest)}; break;
    case FLOW_ALL: r.unknown = any ? ~0u : 0; break;
    }
    *flags = f->op == FLOW_ADD || f->op == FLOW_ADC ? combined(carried(a, b, r))
             : f->op == FLOW_SUB || f->op == FLOW_SBC ? compared(a, b)
             : f->op == FLOW_RSB ? compared(b, a) : combined((uint8_t)(flags_of(r) | carry));
    return r.unknown;
}

/* Is it open whether a register is zero? */
bool uninit_zero(Uninit *u, int n) { return flags_of(word(u, n)) & FLAG_Z; }
