/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Long multiplication of 1024-bit numbers, the inner loop of public-key cryptography: multiply, add with carry. */
#include "bench.h"

#define LIMBS 32
#define ROUNDS 200000

static void multiply(uint32_t product[2 * LIMBS], const uint32_t a[LIMBS], const uint32_t b[LIMBS])
{
    for (int i = 0; i < 2 * LIMBS; i++) {
        product[i] = 0;
    }
    for (int i = 0; i < LIMBS; i++) {
        uint32_t carry = 0;
        for (int j = 0; j < LIMBS; j++) {
            uint64_t sum = (uint64_t)a[i] * b[j] + product[i + j] + carry;
            product[i + j] = (uint32_t)sum;
            carry = (uint32_t)(sum >> 32);
        }
        product[i + LIMBS] = carry;
    }
}

uint32_t bench_work(void)
{
    uint32_t a[LIMBS], b[LIMBS], product[2 * LIMBS];
    for (int i = 0; i < LIMBS; i++) {
        a[i] = 0x9E3779B9u * (uint32_t)(i + 1);
        b[i] = 0x85EBCA6Bu * (uint32_t)(i + 3);
    }
    for (int round = 0; round < ROUNDS; round++) {
        multiply(product, a, b);
        for (int i = 0; i < LIMBS; i++) {
            a[i] += product[i] ^ product[LIMBS + i];
        }
    }
    return a[0] ^ a[LIMBS - 1];
}
