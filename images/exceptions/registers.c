/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Register patterns that any exception must leave alone. In assembly, as no register may be the compiler's. */
#include "check.h"

/* r3 collects differences: OR in (register - seed) ^ n, which is 0 while the register still holds seed + n. */
#define FILL(reg, n) "add " reg ", r0, #" #n "\n"
#define COMPARE(reg, n) "sub " reg ", r0\n eor " reg ", #" #n "\n orr r3, " reg "\n"

__attribute__((naked)) uint32_t hold_integers(uint32_t seed, uint32_t spins, bool call)
{
    (void)seed, (void)spins, (void)call;
    __asm volatile(
        "push {r4-r11, lr}\n"
        "and r3, r0, #15\n"
        "lsl r3, #16\n"
        "orr r3, #0x08000000\n" /* Q, and GE from the seed */
        "msr apsr_nzcvqg, r3\n"
        FILL("r4", 4) FILL("r5", 5) FILL("r6", 6) FILL("r7", 7) FILL("r8", 8) FILL("r9", 9) FILL("r10", 10)
        FILL("r11", 11) FILL("r12", 12) FILL("lr", 14)
        "1: subs r1, #1\n"
        "bne 1b\n"
        "cbz r2, 2f\n"
        "svc 0\n"
        "2: mrs r1, apsr\n"
        "eor r3, r1\n"
        "movw r1, #0\n"
        "movt r1, #0x080F\n"
        "and r3, r1\n"
        COMPARE("r4", 4) COMPARE("r5", 5) COMPARE("r6", 6) COMPARE("r7", 7) COMPARE("r8", 8) COMPARE("r9", 9)
        COMPARE("r10", 10) COMPARE("r11", 11) COMPARE("r12", 12) COMPARE("lr", 14)
        "mov r0, r3\n"
        "pop {r4-r11, pc}\n");
}

#define FILL_S(n) "add r3, r0, #" #n "\n vmov s" #n ", r3\n"
#define COMPARE_S(n) "vmov r1, s" #n "\n sub r1, r0\n eor r1, #" #n "\n orr r3, r1\n"
#define ALL_S(EACH) \
    EACH(0) EACH(1) EACH(2) EACH(3) EACH(4) EACH(5) EACH(6) EACH(7) EACH(8) EACH(9) EACH(10) EACH(11) EACH(12) \
    EACH(13) EACH(14) EACH(15) EACH(16) EACH(17) EACH(18) EACH(19) EACH(20) EACH(21) EACH(22) EACH(23) EACH(24) \
    EACH(25) EACH(26) EACH(27) EACH(28) EACH(29) EACH(30) EACH(31)

__attribute__((naked)) uint32_t hold_floats(uint32_t seed, uint32_t spins, bool call)
{
    (void)seed, (void)spins, (void)call;
    __asm volatile(
        "push {r4, lr}\n"
        "vpush {s16-s31}\n"
        "and r4, r0, #15\n"
        "orr r4, r4, r4, lsl #6\n"
        "lsl r4, #22\n" /* rounding mode, FZ, DN and the flags, from the seed */
        "bic r4, #0x0C000000\n"
        "vmsr fpscr, r4\n"
        ALL_S(FILL_S)
        "1: subs r1, #1\n"
        "bne 1b\n"
        "cbz r2, 2f\n"
        "svc 0\n"
        "2: vmrs r3, fpscr\n"
        "eor r3, r4\n"
        ALL_S(COMPARE_S)
        "movs r1, #0\n"
        "vmsr fpscr, r1\n"
        "mov r0, r3\n"
        "vpop {s16-s31}\n"
        "pop {r4, pc}\n");
}
