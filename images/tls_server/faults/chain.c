/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server sends its CA with its certificate, as many manuals advise: more than one record of 1024 bytes holds. */
#include "mbedtls/certs.h"
#include "mbedtls/ssl.h"

int __real_mbedtls_ssl_conf_own_cert(mbedtls_ssl_config *config, mbedtls_x509_crt *certificate,
                                     mbedtls_pk_context *key);
int __wrap_mbedtls_ssl_conf_own_cert(mbedtls_ssl_config *config, mbedtls_x509_crt *certificate,
                                     mbedtls_pk_context *key);

int __wrap_mbedtls_ssl_conf_own_cert(mbedtls_ssl_config *config, mbedtls_x509_crt *certificate,
                                     mbedtls_pk_context *key)
{
    int result = mbedtls_x509_crt_parse(certificate, (const unsigned char *)mbedtls_test_ca_crt_ec,
                                        mbedtls_test_ca_crt_ec_len);
    return result ? result : __real_mbedtls_ssl_conf_own_cert(config, certificate, key);
}
