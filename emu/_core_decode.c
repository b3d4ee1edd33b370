/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Just enough Thumb decoding (ARMv7-M ARM A5): instruction lengths, and the address a load or store accesses, which
 * Unicorn's virtual TLB tells only to the page. */
#include "_core.h"

int thumb_size(uint16_t first) { return first >> 11 >= 0x1D ? 4 : 2; }

/* ITAdvance(), A7.3.3, and what the IT instruction itself sets. */
static uint8_t it_after(uint8_t it, uint16_t op)
{
    if ((op & 0xFF00) == 0xBF00 && (op & 0xF))
        return (uint8_t)op;
    return it & 7 ? (uint8_t)((it & 0xE0) | (it << 1 & 0x1F)) : 0;
}

/* The last of the instructions between two places, the first of which must be an instruction's start; its size, 0 when
 * there is none. ITSTATE is followed from the first to behind the last. */
int thumb_last(const uint8_t *from, const uint8_t *to, uint16_t op[2], uint8_t *it)
{
    while (from < to) {
        op[0] = op[1] = 0;
        memcpy(op, from, 2);
        int size = thumb_size(op[0]);
        *it = it_after(*it, op[0]);
        if (from + size >= to) {
            memcpy(op, from, (size_t)(to - from));
            return size;
        }
        from += size;
    }
    return 0;
}

/* B (T2, T4), BL, BX and BLX: branches that are always taken. */
bool thumb_is_branch(const uint16_t *op, int size)
{
    if (size == 2)
        return (op[0] & 0xF800) == 0xE000 || (op[0] & 0xFF00) == 0x4700;
    return size == 4 && (op[0] & 0xF800) == 0xF000 && (op[1] & 0x9000) == 0x9000;
}

int thumb_register(int n) { return n == 13 ? UC_REG_SP : n == 14 ? UC_REG_LR : UC_REG_R0 + n; }

static uint32_t reg(Core *c, unsigned n, uint32_t pc)
{
    return n == 15 ? (pc + 4) & ~3u : core_reg(c, thumb_register((int)n));
}

/* A5.2: the 16-bit loads and stores. */
static uint32_t address16(Core *c, uint32_t pc, uint16_t op)
{
    uint32_t base = reg(c, op >> 3 & 7, pc), imm5 = op >> 6 & 31;
    switch (op >> 12) {
    case 0x4: return (op & 0x0800) ? ((pc + 4) & ~3u) + (op & 0xFF) * 4u : 0;
    case 0x5: return base + reg(c, op >> 6 & 7, pc);
    case 0x6: return base + imm5 * 4;
    case 0x7: return base + imm5;
    case 0x8: return base + imm5 * 2;
    case 0x9: return reg(c, 13, pc) + (op & 0xFF) * 4u;
    case 0xB: return op & 0x0800 ? reg(c, 13, pc) : reg(c, 13, pc) - 4u * (unsigned)__builtin_popcount(op & 0x1FF);
    case 0xC: return reg(c, op >> 8 & 7, pc);
    }
    return 0;
}

/* Offset forms shared by LDRD/STRD, VLDR/VSTR and coprocessor transfers: imm8*4, P and U bits. */
static uint32_t indexed(uint32_t base, uint16_t first, uint32_t offset)
{
    if (!(first & 0x0100)) /* post-indexed */
        return base;
    return first & 0x0080 ? base + offset : base - offset;
}

/* A5.3.7 to A5.3.10: single loads and stores. */
static uint32_t single32(Core *c, uint32_t pc, uint16_t first, uint16_t second, uint32_t base)
{
    uint32_t imm8 = second & 0xFF;
    if ((first & 0xF) == 15)
        return first & 0x0080 ? base + (second & 0xFFF) : base - (second & 0xFFF);
    if (first & 0x0080)
        return base + (second & 0xFFF);
    if (!(second & 0x0800))
        return base + (reg(c, second & 15, pc) << (second >> 4 & 3));
    if (!(second & 0x0400))
        return base;
    return second & 0x0200 ? base + imm8 : base - imm8;
}

static uint32_t address32(Core *c, uint32_t pc, uint16_t first, uint16_t second)
{
    uint32_t base = reg(c, first & 15, pc), imm8 = second & 0xFF;
    if ((first & 0xFE00) == 0xF800)
        return single32(c, pc, first, second, base);
    if ((first & 0xFE40) == 0xE800) /* LDM/STM: decrement-before forms start below the base */
        return first & 0x0100 ? base - 4u * (unsigned)__builtin_popcount(second) : base;
    if ((first & 0xFFF0) == 0xE8D0 && (second & 0xFFE0) == 0xF000) /* TBB, TBH */
        return base + (reg(c, second & 15, pc) << (second >> 4 & 1));
    if ((first & 0xFFE0) == 0xE840) /* LDREX, STREX */
        return base + imm8 * 4;
    if ((first & 0xFFE0) == 0xE8C0)
        return base;
    if ((first & 0xFE40) == 0xE840) /* LDRD, STRD */
        return indexed(base, first, imm8 * 4);
    if ((first & 0xFE00) == 0xEC00) { /* VLDR/VSTR have P and no W; VLDM/VSTM/VPUSH the rest */
        if ((first & 0x0120) == 0x0120)
            return base - imm8 * 4;
        return (first & 0x0100) ? indexed(base, first, imm8 * 4) : base;
    }
    return 0;
}

/* LDRT, STRT and their narrow forms (A5.3.7 to A5.3.10) access memory without privilege, whoever executes them. */
bool thumb_is_unprivileged_access(Core *c, uint32_t pc)
{
    uint16_t op[2];
    return core_load(c, pc, op, 4) && (op[0] & 0xFE80) == 0xF800 && (op[1] & 0x0F00) == 0x0E00 && (op[0] & 0xF) != 15;
}

/* STR without writeback: the register's value. */
bool thumb_stored_word(Core *c, uint32_t pc, uint32_t *value)
{
    uint16_t op[2];
    if (!core_load(c, pc, op, 4))
        return false;
    if ((op[0] & 0xF800) == 0x6000 || (op[0] & 0xFE00) == 0x5000) /* A5.2.4 */
        *value = reg(c, op[0] & 7, pc);
    else if ((op[0] & 0xFFF0) == 0xF8C0 || ((op[0] & 0xFFF0) == 0xF840 && !(op[1] & 0x0FC0))) /* A5.3.10 */
        *value = reg(c, op[1] >> 12, pc);
    else
        return false;
    return true;
}

static const uint8_t register_units[8] = {4, 2, 1, 1, 4, 2, 1, 2}; /* STR, STRH, STRB, LDRSB, LDR, LDRH, LDRB, LDRSH */

static uint32_t words_in(uint32_t list) { return 4u * (uint32_t)__builtin_popcount(list); }

/* `unit` and `length` of a 16-bit instruction; length 0: it is no access. */
static void measure16(uint16_t op, Access *a)
{
    a->unit = 4;
    a->length = 0;
    a->store = !(op & 0x0800);
    switch (op >> 12) {
    case 0x4: a->length = op & 0x0800 ? 4 : 0; break;
    case 0x5:
        a->length = a->unit = register_units[op >> 9 & 7];
        a->store = (op >> 9 & 7) < 3;
        break;
    case 0x6: case 0x9: a->length = 4; break;
    case 0x7: a->length = a->unit = 1; break;
    case 0x8: a->length = a->unit = 2; break;
    case 0xB: a->length = (op & 0x0600) == 0x0400 ? words_in(op & 0x1FF) : 0; break;
    case 0xC: a->length = words_in(op & 0xFF); break;
    }
}

static void measure32(uint16_t first, uint16_t second, Access *a)
{
    a->unit = 4;
    a->length = 0;
    a->store = !(first & 0x0010);
    uint32_t size = first >> 5 & 3;
    if ((first & 0xFE00) == 0xF800)
        a->length = a->unit = size < 3 && (a->store || second >> 12 != 15 || size == 2) ? 1u << size : 0; /* else a hint */
    else if ((first & 0xFE40) == 0xE800)
        a->length = words_in(second);
    else if ((first & 0xFFE0) == 0xE8C0)
        a->length = a->unit = 1u << (second >> 4 & 1); /* TBB, TBH, and the narrow exclusives */
    else if ((first & 0xFFE0) == 0xE840)
        a->length = 4;
    else if ((first & 0xFE40) == 0xE840)
        a->length = 8;
    else if ((first & 0xFE00) == 0xEC00 && (first & 0x01A0))
        a->length = (first & 0x0120) == 0x0100 ? (second & 0x0100 ? 8 : 4) : 4 * (second & 0xFF);
}

/* What the load or store at `pc` accesses; false when it is none. */
bool thumb_access(Core *c, uint32_t pc, Access *a)
{
    uint16_t op[2] = {0, 0};
    if (!core_load(c, pc, op, 2) || (thumb_size(op[0]) == 4 && !core_load(c, pc, op, 4)))
        return false;
    if (thumb_size(op[0]) == 2)
        measure16(op[0], a);
    else
        measure32(op[0], op[1], a);
    if (a->length == 0)
        return false;
    a->address = thumb_size(op[0]) == 2 ? address16(c, pc, op[0]) : address32(c, pc, op[0], op[1]);
    return true;
}

/* The address that the instruction at `pc` accesses within `page`, or the page itself when it only crosses into it. */
uint32_t thumb_access_address(Core *c, uint32_t pc, uint32_t page)
{
    Access a;
    return thumb_access(c, pc, &a) && a.address >= page && a.address - page < 0x400 ? a.address : page;
}
