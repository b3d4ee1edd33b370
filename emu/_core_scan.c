/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an instruction is to the traps of _core_traps.c (ARMv7-M ARM A5, A3.2.1), and which registers it may change. */
#include "_core.h"

static bool wide(uint16_t first) { return thumb_size(first) == 4; }

/* Loads and stores that must be word-aligned whatever CCR.UNALIGN_TRP says, A3.2.1: the base register, or -1. Their
 * offsets are whole words, so the base decides. PUSH and POP are left out: SP is always aligned, B1.4.1. */
int thumb_multiword_base(const uint16_t op[2])
{
    if (!wide(op[0]))
        return op[0] >> 12 == 0xC ? op[0] >> 8 & 7 : -1;
    bool multiple = (op[0] & 0xFE40) == 0xE800 && (op[0] & 0x0180) != 0 && (op[0] & 0x0180) != 0x0180;
    bool dual = (op[0] & 0xFE40) == 0xE840 && (op[0] & 0x0120) != 0;
    bool fp = (op[0] & 0xFE00) == 0xEC00 && (op[1] & 0x0E00) == 0x0A00 && (op[0] & 0x01A0) != 0;
    return multiple || dual || fp ? op[0] & 15 : -1;
}

/* The divisor's register of SDIV and UDIV, or -1. */
int thumb_divisor(const uint16_t op[2])
{
    return wide(op[0]) && (op[0] & 0xFFD0) == 0xFB90 && (op[1] & 0x00F0) == 0x00F0 ? op[1] & 15 : -1;
}

/* STREX and STREXH, which Unicorn lets fail before it looks at the alignment: the base register, or -1; `mask` gets the
 * address bits that must be clear. */
int thumb_store_exclusive(const uint16_t op[2], uint32_t *mask)
{
    bool halfword = (op[0] & 0xFFF0) == 0xE8C0 && (op[1] & 0x00F0) == 0x0050;
    *mask = halfword ? 1 : 3;
    return halfword || (op[0] & 0xFFF0) == 0xE840 ? op[0] & 15 : -1;
}

/* The FP extension is coprocessors 10 and 11, A6.2. */
bool thumb_is_fp(const uint16_t op[2])
{
    return wide(op[0]) && (op[0] & 0xEC00) == 0xEC00 && (op[0] & 0x0F00) != 0x0F00 && (op[1] & 0x0E00) == 0x0A00;
}

/* IT: the number of instructions it covers, else 0. */
int thumb_it_length(const uint16_t op[2])
{
    return (op[0] & 0xFF00) == 0xBF00 && (op[0] & 15) ? 4 - __builtin_ctz(op[0] & 15) : 0;
}

/* Whether what follows may start a block of its own: branches, and loads of PC. */
bool thumb_may_branch(const uint16_t op[2])
{
    if (wide(op[0]))
        return ((op[0] & 0xF800) == 0xF000 && (op[1] & 0x8000)) || ((op[0] & 0xFE50) == 0xE810 && (op[1] & 0x8000)) ||
               (op[0] & 0xFFF0) == 0xE8D0 || ((op[0] & 0xFF70) == 0xF850 && op[1] >> 12 == 15);
    return op[0] >> 12 >= 0xD || (op[0] & 0xFF00) == 0x4700 || (op[0] & 0xF500) == 0xB100 || (op[0] & 0xFF00) == 0xBD00;
}

/* ISB, CPS, MSR, WFI: what comes behind starts at a natural boundary. */
bool thumb_is_boundary(const uint16_t op[2])
{
    if (!wide(op[0]))
        return (op[0] & 0xFFE8) == 0xB660 || op[0] == 0xBF30;
    return (op[0] == 0xF3BF && (op[1] & 0xFFF0) == 0x8F60) || ((op[0] & 0xFFE0) == 0xF380 && (op[1] & 0xD000) == 0x8000);
}

static uint32_t writes16(uint16_t op)
{
    uint32_t low = 1u << (op & 7), middle = 1u << (op >> 8 & 7);
    switch (op >> 12) {
    case 0x0: case 0x1: return low;
    case 0x2: case 0x3: case 0xA: return middle;
    case 0x4:
        if (op & 0x0800)
            return middle;
        return op & 0x0400 ? 1u << ((op & 7) | (op >> 4 & 8)) : low;
    case 0x5: return (op & 0x0E00) >= 0x0600 ? low : 0;
    case 0x6: case 0x7: case 0x8: return op & 0x0800 ? low : 0;
    case 0x9: return op & 0x0800 ? middle : 0;
    case 0xB: return op & 0x0800 ? op & 0xFF : low;
    case 0xC: return op & 0x0800 ? op & 0xFF : 0; /* write-back adds whole words */
    }
    return 0;
}

/* A mask of the core registers that the instruction may change by other than whole words; it may hold too many. */
uint32_t thumb_writes(const uint16_t op[2])
{
    if (!wide(op[0]))
        return writes16(op[0]);
    uint32_t high = 1u << (op[1] >> 12), middle = 1u << (op[1] >> 8 & 15);
    if ((op[0] & 0xFE40) == 0xE800)
        return op[0] & 0x0010 ? op[1] : 0;
    if ((op[0] & 0xFE00) == 0xF800) /* single loads and stores, and their write-back */
        return (op[0] & 0x0010 ? high : 0) | (op[0] & 0x0080 ? 0 : 1u << (op[0] & 15));
    if ((op[0] & 0xEC00) == 0xEC00 || (op[0] & 0xFF00) == 0xE800) /* VMOV of two registers; STREX and its kin */
        return high | middle | 1u << (op[0] & 15) | 1u << (op[1] & 15);
    return high | middle;
}

/* ADD Rd, SP, #imm and MOV Rd, SP, whose result is a multiple of four: a mask of Rd, else 0. */
uint32_t thumb_copies_sp(const uint16_t op[2])
{
    if (wide(op[0]))
        return (op[0] & 0xFBFF) == 0xF10D && !(op[1] & 0x7003) ? 1u << (op[1] >> 8 & 15) : 0;
    if ((op[0] & 0xF800) == 0xA800)
        return 1u << (op[0] >> 8 & 7);
    return (op[0] & 0xFF78) == 0x4668 ? 1u << ((op[0] & 7) | (op[0] >> 4 & 8)) : 0;
}
