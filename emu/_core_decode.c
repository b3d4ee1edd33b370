/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Just enough Thumb decoding (ARMv7-M ARM A5): instruction lengths, and the address a load or store accesses, which
 * Unicorn's virtual TLB tells only to the page. */
#include "_core.h"

int thumb_size(uint16_t first) { return first >> 11 >= 0x1D ? 4 : 2; }

/* ITAdvance(), A7.3.3, and what the IT instruction itself sets. */
uint8_t thumb_it_after(uint8_t it, uint16_t op)
{
    if ((op & 0xFF00) == 0xBF00 && (op & 0xF))
        return (uint8_t)op;
    return it & 7 ? (uint8_t)((it & 0xE0) | (it << 1 & 0x1F)) : 0;
}

/* ConditionPassed(), A7.3.1, by the flags of an xPSR. */
bool thumb_passes(uint32_t condition, uint32_t flags)
{
    bool n = flags >> 31, z = flags >> 30 & 1, carry = flags >> 29 & 1, v = flags >> 28 & 1;
    const bool holds[] = {z, carry, n, v, carry && !z, n == v, n == v && !z, true};
    return holds[condition >> 1] != (condition & 1) || condition == 15;
}

/* The last of the instructions between two places, the first of which must be an instruction's start; its size, 0 when
 * there is none. ITSTATE is followed from the first to behind the last. */
int thumb_last(const uint8_t *from, const uint8_t *to, uint16_t op[2], uint8_t *it)
{
    while (from < to) {
        op[0] = op[1] = 0;
        memcpy(op, from, 2);
        int size = thumb_size(op[0]);
        *it = thumb_it_after(*it, op[0]);
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

static void transfers_list(Form *f, uint32_t list)
{
    for (uint8_t n = 0; n < 16; n++)
        if (list >> n & 1)
            f->regs[f->count++] = n;
    f->length = (uint16_t)(4 * f->count);
}

static void transfers_one(Form *f, uint32_t rt, uint32_t unit)
{
    f->regs[f->count++] = (uint8_t)rt;
    f->unit = (uint8_t)unit;
    f->length = (uint16_t)unit;
}

static const uint8_t register_units[8] = {4, 2, 1, 1, 4, 2, 1, 2}; /* STR, STRH, STRB, LDRSB, LDR, LDRH, LDRB, LDRSH */

/* A5.2: the 16-bit loads and stores. */
static void form16(uint16_t op, Form *f)
{
    int32_t imm5 = op >> 6 & 31;
    f->store = !(op & 0x0800);
    f->base = op >> 3 & 7;
    switch (op >> 12) {
    case 0x4: case 0x9: /* literals, and relative to SP */
        if (op >> 12 == 4 && !(op & 0x0800))
            break;
        f->base = op >> 12 == 4 ? 15 : 13;
        f->offset = (op & 0xFF) * 4;
        transfers_one(f, op >> 8 & 7, 4);
        break;
    case 0x5:
        f->index = (int8_t)(op >> 6 & 7);
        f->store = (op >> 9 & 7) < 3;
        f->negative = (op >> 9 & 3) == 3;
        transfers_one(f, op & 7, register_units[op >> 9 & 7]);
        break;
    case 0x6: f->offset = imm5 * 4, transfers_one(f, op & 7, 4); break;
    case 0x7: f->offset = imm5, transfers_one(f, op & 7, 1); break;
    case 0x8: f->offset = imm5 * 2, transfers_one(f, op & 7, 2); break;
    case 0xB: /* PUSH, POP: the ninth is LR or PC */
        if ((op & 0x0600) != 0x0400)
            break;
        f->base = 13;
        transfers_list(f, (op & 0xFFu) | (op & 0x100u) << (f->store ? 6 : 7));
        f->offset = f->store ? -f->length : 0;
        break;
    case 0xC: f->base = op >> 8 & 7, transfers_list(f, op & 0xFF); break;
    }
}

/* Offset forms shared by LDRD/STRD, VLDR/VSTR and coprocessor transfers: imm8*4, P and U bits. */
static int32_t indexed(uint16_t first, int32_t offset)
{
    if (!(first & 0x0100)) /* post-indexed */
        return 0;
    return first & 0x0080 ? offset : -offset;
}

/* A5.3.7 to A5.3.10: single loads and stores. */
static void single32(uint16_t first, uint16_t second, Form *f)
{
    uint32_t size = first >> 5 & 3, rt = second >> 12;
    int32_t imm8 = second & 0xFF, imm12 = second & 0xFFF;
    if (size == 3 || (!f->store && rt == 15 && size != 2)) /* undefined, or a hint */
        return;
    if (f->base == 15 || (first & 0x0080))
        f->offset = first & 0x0080 ? imm12 : -imm12;
    else if (!(second & 0x0800)) {
        f->index = second & 15;
        f->shift = second >> 4 & 3;
    } else if (second & 0x0400)
        f->offset = second & 0x0200 ? imm8 : -imm8;
    f->negative = first & 0x0100;
    transfers_one(f, rt, 1u << size);
}

/* TBB, TBH, and the exclusive accesses, A5.3.6. */
static void exclusive32(uint16_t first, uint16_t second, Form *f)
{
    bool table = (first & 0xFFF0) == 0xE8D0 && (second & 0xFFE0) == 0xF000;
    if (table) {
        f->index = second & 15;
        f->table = true;
        f->shift = second >> 4 & 1;
    } else if (!(first & 0x0080))
        f->offset = (second & 0xFF) * 4;
    transfers_one(f, table ? 15 : second >> 12, first & 0x0080 ? 1u << (second >> 4 & 1) : 4);
}

static void fp32(uint16_t first, uint16_t second, Form *f)
{
    int32_t imm8 = second & 0xFF;
    bool one = (first & 0x0120) == 0x0100; /* VLDR, VSTR have P and no W; VLDM, VSTM, VPUSH the rest */
    f->length = (uint16_t)(one ? (second & 0x0100 ? 8 : 4) : 4 * imm8);
    f->offset = (first & 0x0120) == 0x0120 ? -4 * imm8 : indexed(first, imm8 * 4);
}

static void form32(uint16_t first, uint16_t second, Form *f)
{
    f->base = first & 15;
    f->store = !(first & 0x0010);
    if ((first & 0xFE00) == 0xF800)
        single32(first, second, f);
    else if ((first & 0xFE40) == 0xE800) { /* LDM, STM: decrement-before forms start below the base */
        transfers_list(f, second);
        f->offset = first & 0x0100 ? -f->length : 0;
    } else if ((first & 0xFFE0) == 0xE840 || (first & 0xFFE0) == 0xE8C0)
        exclusive32(first, second, f);
    else if ((first & 0xFE40) == 0xE840) {
        f->offset = indexed(first, (second & 0xFF) * 4);
        transfers_one(f, second >> 12, 4);
        f->regs[f->count++] = second >> 8 & 15;
        f->length = 8;
    } else if ((first & 0xFE00) == 0xEC00 && (first & 0x01A0))
        fp32(first, second, f);
}

/* How a load or store finds its address, and what it transfers; false when it is none. */
bool thumb_form(const uint16_t op[2], Form *f)
{
    *f = (Form){.index = -1, .unit = 4};
    if (thumb_size(op[0]) == 2)
        form16(op[0], f);
    else
        form32(op[0], op[1], f);
    return f->length != 0;
}

uint32_t thumb_form_address(Core *c, uint32_t pc, const Form *f)
{
    uint32_t base = f->table && f->base == 15 ? pc + 4 : reg(c, f->base, pc); /* a table is not aligned, A7.7.182 */
    return base + (uint32_t)f->offset + (f->index >= 0 ? reg(c, (unsigned)f->index, pc) << f->shift : 0);
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

/* What the load or store at `pc` accesses; false when it is none. */
bool thumb_access(Core *c, uint32_t pc, Access *a)
{
    uint16_t op[2] = {0, 0};
    Form f;
    if (!traps_fetch(c, pc, op) || !thumb_form(op, &f))
        return false;
    *a = (Access){thumb_form_address(c, pc, &f), f.length, f.unit, f.store};
    return true;
}

/* The address that the instruction at `pc` accesses within `page`, or the page itself when it only crosses into it. */
uint32_t thumb_access_address(Core *c, uint32_t pc, uint32_t page)
{
    Access a;
    return thumb_access(c, pc, &a) && a.address >= page && a.address - page < 0x400 ? a.address : page;
}
