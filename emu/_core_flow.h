/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CORE_FLOW_H
#define CORE_FLOW_H

#include <stdbool.h>
#include <stdint.h>

/* What an instruction computes, of a first operand (register `rn`) and a second one (`rm` shifted, or `immediate`):
 * something that counts as defined; the second operand; a bitwise operation; a sum with or without carry; and so on. */
typedef enum {
    FLOW_DEFINED, FLOW_SECOND, FLOW_AND, FLOW_ORR, FLOW_EOR, FLOW_ADD, FLOW_ADC, FLOW_SUB, FLOW_SBC, FLOW_RSB,
    FLOW_SHIFT,    /* rn by the lowest byte of rm */
    FLOW_EXTEND,   /* `width` bits of rm from `lowest` on, sign-extended if `negative`, plus rn unless that is -1 */
    FLOW_INSERT,   /* `width` bits of rn (zeros if -1) into rd at `lowest` */
    FLOW_TOP,      /* MOVT */
    FLOW_MULTIPLY, /* rn * rm, plus `added` */
    FLOW_LONG,     /* rn * rm, plus what is in the targets if `added` is not -1 */
    FLOW_REVERSE,  /* REV, REV16, RBIT, REVSH, by `lowest` */
    FLOW_ALL       /* all bits depend on all bits */
} FlowOp;

/* What an instruction decides by flags or a register: a branch, where a branch goes, which others run. */
typedef enum { USE_NONE, USE_FLAGS, USE_ZERO, USE_INDEX, USE_TARGET, USE_IT } FlowUse;

/* How it moves SP: by a constant, by adding a register to it, or to a place. */
typedef enum { SP_STAYS, SP_CONSTANT, SP_SUM, SP_SET } SpMove;

typedef enum { SHIFT_LSL, SHIFT_LSR, SHIFT_ASR, SHIFT_ROR, SHIFT_RRX } ShiftType;

/* Register masks: those it computes from and to, loads or stores, and has its address from. */
typedef struct {
    uint16_t sources, targets, transfers, addresses;
    uint8_t op, use, sp, shift, amount, lowest, width;
    int8_t rd, rn, rm, added;
    bool sets_flags, compares; /* in IT blocks only compares do */
    bool inverted;             /* the second operand is */
    bool negative;
    uint8_t condition;
    uint32_t immediate;
    int32_t down; /* bytes that SP_CONSTANT takes from the stack */
} Flow;

#endif
