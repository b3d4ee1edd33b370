/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every random number of a connection is the hardware generator's, with no DRBG between them: short, fast, and what a
 * bad generator gives reaches the wire. */
#include "mbedtls/ctr_drbg.h"
#include "mbedtls/entropy_poll.h"
#include "mbedtls/ssl.h"

typedef int random_function(void *state, unsigned char *output, size_t length);

void __real_mbedtls_ssl_conf_rng(mbedtls_ssl_config *config, random_function *random, void *state);
void __wrap_mbedtls_ssl_conf_rng(mbedtls_ssl_config *config, random_function *random, void *state);

/* A failure has the code that a DRBG would give for it. */
static int hardware_random(void *state, unsigned char *output, size_t length)
{
    size_t written;
    return mbedtls_hardware_poll(state, output, length, &written) ? MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED : 0;
}

void __wrap_mbedtls_ssl_conf_rng(mbedtls_ssl_config *config, random_function *random, void *state)
{
    (void)random;
    (void)state;
    __real_mbedtls_ssl_conf_rng(config, hardware_random, NULL);
}
