/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A certificate for the same key and name that ran out in 2014, from mbedTLS's test set. The device has no clock, so
 * it cannot notice. */
#include "mbedtls/certs.h"
#include "mbedtls/x509_crt.h"

__asm__(".pushsection .rodata\n"
        "expired: .incbin \"build/src/mbedtls/tests/data_files/server5-expired.crt\"\n"
        "         .byte 0\n" /* mbedTLS wants PEM with its terminator */
        "expired_end:\n"
        ".popsection");
extern const unsigned char expired[], expired_end[];

int __real_mbedtls_x509_crt_parse(mbedtls_x509_crt *chain, const unsigned char *text, size_t length);
int __wrap_mbedtls_x509_crt_parse(mbedtls_x509_crt *chain, const unsigned char *text, size_t length);

int __wrap_mbedtls_x509_crt_parse(mbedtls_x509_crt *chain, const unsigned char *text, size_t length)
{
    if (text == (const unsigned char *)mbedtls_test_srv_crt_ec) {
        text = expired;
        length = (size_t)(expired_end - expired);
    }
    return __real_mbedtls_x509_crt_parse(chain, text, length);
}
