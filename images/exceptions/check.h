/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stdint.h>

/* Report `what` on the console unless it holds; the image's verdict is the sum of all checks. */
void check(bool holds, const char *what);

void check_switches(void);
void check_nesting(void);
void check_masks(void);
void check_frames(void);
void check_faults(void);
void check_traps(void);

/* Fill registers with values made from `seed`, spin, execute SVC 0 if `call`, and compare: 0 if nothing changed.
 * Integers: r4-r12, LR, APSR.Q and GE. Floats: s0-s31 and FPSCR. */
uint32_t hold_integers(uint32_t seed, uint32_t spins, bool call);
uint32_t hold_floats(uint32_t seed, uint32_t spins, bool call);

/* What the SVC handler saw on its last call from outside the tasks. */
struct svc_record {
    uint32_t number;      /* the immediate of the SVC instruction */
    uint32_t exc_return;  /* LR on entry */
    uint32_t *frame;      /* where the exception frame begins */
    uint32_t xpsr;        /* as stacked */
};
extern volatile struct svc_record last_svc;

#endif
