/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device's mbedTLS on another machine: its assembly there is for 64-bit limbs. */
#include "mbedtls_config.h"

#define MBEDTLS_HAVE_INT32
#undef MBEDTLS_HAVE_ASM
#undef MBEDTLS_PADLOCK_C
