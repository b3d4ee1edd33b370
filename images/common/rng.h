/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RNG_H
#define RNG_H

#include <stdbool.h>
#include <stdint.h>

void rng_start(void);

/* One random word; false when the generator reports a clock or seed error, or stays silent. */
bool rng_word(uint32_t *word);

#endif
