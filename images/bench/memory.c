/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads and stores: copies by word and by byte, a linked list in random order, all over 64 KB of SRAM. */
#include <string.h>

#include "bench.h"

#define NODES 8192
#define ROUNDS 8000

struct node {
    uint32_t next, value;
};

static struct node nodes[NODES];
static uint32_t copy[NODES];

static uint32_t walk(uint32_t at)
{
    uint32_t sum = 0;
    for (int n = 0; n < NODES; n++) {
        sum += nodes[at].value++;
        at = nodes[at].next;
    }
    return sum;
}

static void copy_bytes(uint8_t *to, const uint8_t *from, uint32_t length)
{
    while (length--) {
        *to++ = *from++;
    }
}

uint32_t bench_work(void)
{
    uint32_t sum = 0;
    for (uint32_t n = 0; n < NODES; n++) {
        nodes[n] = (struct node){(n * 5 + 3) % NODES, n}; /* a full cycle: Knuth's conditions for modulus 2^13 hold */
    }
    for (int round = 0; round < ROUNDS; round++) {
        sum = sum * 31 + walk((uint32_t)round);
        memcpy(copy, nodes, sizeof copy);
        copy_bytes((uint8_t *)nodes + sizeof copy, (const uint8_t *)copy, sizeof copy / 4);
        nodes[NODES / 2].next = (NODES / 2 * 5 + 3) % NODES;
        sum ^= copy[round];
    }
    return sum;
}
