/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of ARMv7-M (DDI 0403E.e): exceptions, and the bits of status and control registers. */
#ifndef CORE_ARCH_H
#define CORE_ARCH_H

#include <stdint.h>

enum {
    EXC_RESET = 1, EXC_NMI, EXC_HARDFAULT, EXC_MEMMANAGE, EXC_BUSFAULT, EXC_USAGEFAULT,
    EXC_SVCALL = 11, EXC_DEBUGMON, EXC_PENDSV = 14, EXC_SYSTICK, EXC_IRQ0
};
#define EXC_COUNT 256 /* 16 system exceptions and 240 interrupts, B1.5.2 */
#define EXC_WORDS (EXC_COUNT / 32)
#define IMPLEMENTED_PRIORITY 0xF0 /* STM32F4: four priority bits, PM0214 4.3.7 */

/* CFSR, HFSR, DFSR bits, B3.2.15 to B3.2.17 */
enum {
    CFSR_IACCVIOL = 1 << 0, CFSR_DACCVIOL = 1 << 1, CFSR_MUNSTKERR = 1 << 3, CFSR_MSTKERR = 1 << 4, CFSR_MLSPERR = 1 << 5,
    CFSR_MMARVALID = 1 << 7, CFSR_IBUSERR = 1 << 8, CFSR_PRECISERR = 1 << 9, CFSR_UNSTKERR = 1 << 11, CFSR_STKERR = 1 << 12,
    CFSR_LSPERR = 1 << 13, CFSR_BFARVALID = 1 << 15,
    CFSR_UNDEFINSTR = 1 << 16, CFSR_INVSTATE = 1 << 17, CFSR_INVPC = 1 << 18, CFSR_NOCP = 1 << 19, CFSR_UNALIGNED = 1 << 24,
    CFSR_DIVBYZERO = 1 << 25
};
#define HFSR_VECTTBL (1u << 1)
#define HFSR_FORCED (1u << 30)
#define HFSR_DEBUGEVT (1u << 31)
#define DFSR_BKPT (1u << 1)
#define DFSR_DWTTRAP (1u << 2)

/* CONTROL, B1.4.4; xPSR, B1.4.2 */
enum { CONTROL_NPRIV = 1, CONTROL_SPSEL = 2, CONTROL_FPCA = 4 };
#define XPSR_T (1u << 24)
#define XPSR_IT 0x0600FC00u
/* ITSTATE<7:0> and its two places in xPSR */
static inline uint8_t xpsr_to_it(uint32_t xpsr) { return (uint8_t)((xpsr >> 8 & 0xFC) | (xpsr >> 25 & 3)); }
static inline uint32_t it_to_xpsr(uint8_t it) { return (it & 0xFCu) << 8 | (it & 3u) << 25; }
#define XPSR_REALIGNED (1u << 9)
#define XPSR_IPSR 0x1FFu
#define CCR_NONBASETHRDENA 1u
#define CCR_USERSETMPEND 2u
#define CCR_STKALIGN (1u << 9)
#define CCR_UNALIGN_TRP (1u << 3)
#define CCR_DIV_0_TRP (1u << 4)
#define SCR_SLEEPONEXIT 2u
#define SCR_SEVONPEND 16u
#define FPCCR_ASPEN (1u << 31)
#define FPCCR_LSPEN (1u << 30)
enum {
    FPCCR_LSPACT = 1 << 0, FPCCR_USER = 1 << 1, FPCCR_THREAD = 1 << 3, FPCCR_HFRDY = 1 << 4, FPCCR_MMRDY = 1 << 5,
    FPCCR_BFRDY = 1 << 6, FPCCR_MONRDY = 1 << 8
};
#define DEMCR_MON_EN (1u << 16)
#define DEMCR_MON_PEND (1u << 17)
#define DEMCR_TRCENA (1u << 24)

#define STIR 0xE000EF00u
#define EXC_RETURN_BASE 0xFFFFFFE0u

#endif
