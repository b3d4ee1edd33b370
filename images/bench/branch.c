/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Branches: an interpreter for a little stack machine, by switch and by calls through pointers. */
#include "bench.h"

#define ROUNDS 3000000

enum { PUSH, ADD, XOR, ROTATE, SKIP_IF_ODD, CALL, END };

static const uint8_t program[] = {PUSH, 7, ADD, SKIP_IF_ODD, XOR, CALL, 0, ROTATE, PUSH, 13, XOR, CALL, 1, SKIP_IF_ODD,
                                  ADD, CALL, 2, ROTATE, END};

static uint32_t twice(uint32_t x) { return x * 2; }
static uint32_t less(uint32_t x) { return x - 3; }
static uint32_t mixed(uint32_t x) { return x & 4 ? twice(x) : less(x); }

static uint32_t (*const functions[])(uint32_t) = {twice, less, mixed};

static uint32_t interpret(uint32_t top)
{
    uint32_t below = 1;
    for (const uint8_t *at = program;; at++) {
        switch (*at) {
        case PUSH: below = top; top = *++at; break;
        case ADD: top += below; break;
        case XOR: top ^= below; break;
        case ROTATE: top = top << 5 | top >> 27; break;
        case SKIP_IF_ODD: at += top & 1; break;
        case CALL: top = functions[*++at](top); break;
        default: return top ^ below;
        }
    }
}

uint32_t bench_work(void)
{
    uint32_t x = 1;
    for (int round = 0; round < ROUNDS; round++) {
        x = interpret(x) + (uint32_t)round;
    }
    return x;
}
