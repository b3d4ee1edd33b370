/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Single-precision floating point: a chain of 2x2 rotations with multiply, add, subtract, divide and square root. */
#include <string.h>

#include "bench.h"

#define ROUNDS 24000000

static float square_root(float x)
{
    __asm("vsqrt.f32 %0, %0" : "+t"(x));
    return x;
}

uint32_t bench_work(void)
{
    float x = 1.0f, y = 0.5f, c = 0.8f, s = 0.6f, sum = 0.0f;
    for (int round = 0; round < ROUNDS; round++) {
        float rotated = c * x - s * y;
        y = s * x + c * y;
        x = rotated;
        sum += x / (1.0f + y * y);
        if ((round & 255) == 0) {
            float length = square_root(x * x + y * y);
            x /= length;
            y /= length;
        }
    }
    uint32_t bits;
    memcpy(&bits, &sum, sizeof bits);
    return bits;
}
