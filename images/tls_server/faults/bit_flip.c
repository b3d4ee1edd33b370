/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A multiplication that is wrong by one bit, once in FLIP_ONE_IN calls on average: worn silicon, an overclocked core, a
 * wrong assembler routine. */
#include "mbedtls/bignum.h"
#include "rng.h"

int __real_mbedtls_mpi_mul_mpi(mbedtls_mpi *product, const mbedtls_mpi *a, const mbedtls_mpi *b);
int __wrap_mbedtls_mpi_mul_mpi(mbedtls_mpi *product, const mbedtls_mpi *a, const mbedtls_mpi *b);

/* xorshift32 (Marsaglia, 2003), begun by the device's own generator: another --seed flips other bits. */
static uint32_t chance(void)
{
    static uint32_t state;
    while (state == 0) {
        rng_word(&state);
    }
    state ^= state << 13;
    state ^= state >> 17;
    return state ^= state << 5;
}

int __wrap_mbedtls_mpi_mul_mpi(mbedtls_mpi *product, const mbedtls_mpi *a, const mbedtls_mpi *b)
{
    int result = __real_mbedtls_mpi_mul_mpi(product, a, b);
    size_t bits = mbedtls_mpi_bitlen(product);
    if (result == 0 && bits && chance() % FLIP_ONE_IN == 0) {
        size_t bit = chance() % bits;
        result = mbedtls_mpi_set_bit(product, bit, !mbedtls_mpi_get_bit(product, bit));
    }
    return result;
}
