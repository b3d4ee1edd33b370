/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The System Control Space, ARMv7-M ARM B3.2 (SCB), B3.4 (NVIC), B3.5 (MPU), and the FPU's registers of B3.2.20. */
#include "_core.h"

#define CPUID 0x410FC241u /* Cortex-M4 r0p1 */
#define SCS 0xE000E000u
#define AIRCR_KEY 0x05FAu
#define AIRCR_READ_KEY 0xFA05u

static const uint32_t id_registers[] = { /* 0xE000ED40: PFR0 to ISAR4, Cortex-M4 TRM table 4-1 */
    0x00000030, 0x00000200, 0x00100000, 0x00000000, 0x00100030, 0x00000000, 0x01000000, 0x00000000,
    0x01101110, 0x02112000, 0x21232231, 0x01111131, 0x01310132};

/* A system reset. DEMCR, DFSR, DWT and ITM belong to the debugger: only a power-on reset clears them, C1.6.2, C1.6.5. */
void scs_reset(Core *c)
{
    const Scs old = c->scs;
    c->scs = (Scs){
        .ccr = CCR_STKALIGN, .fpccr = FPCCR_ASPEN | FPCCR_LSPEN, .demcr = old.demcr, .dfsr = old.dfsr,
        .dwt_ctrl = old.dwt_ctrl | 4u << 28 /* NUMCOMP */, .itm_ter = old.itm_ter, .itm_tcr = old.itm_tcr,
        .itm_tpr = old.itm_tpr, .cyccnt_base = old.cyccnt_base};
    memcpy(c->scs.dwt, old.dwt, sizeof old.dwt);
    c->mpu_on = c->mpu_fine = false;
    exact_follow(c);
    c->traps.restart = c->flush = true;
}

static uint32_t icsr(Core *c)
{
    int pending = nvic_best_pending(c);
    bool irq = false;
    for (int n = EXC_IRQ0; n < EXC_COUNT && !irq; n++)
        irq = nvic_bit(c->nvic.pending, n);
    return c->ipsr | (uint32_t)(nvic_active_count(&c->nvic) <= 1) << 11 | (uint32_t)pending << 12 | (uint32_t)irq << 22 |
           (uint32_t)nvic_bit(c->nvic.pending, EXC_SYSTICK) << 26 | (uint32_t)nvic_bit(c->nvic.pending, EXC_PENDSV) << 28 |
           (uint32_t)nvic_bit(c->nvic.pending, EXC_NMI) << 31;
}

static void icsr_write(Core *c, uint32_t value)
{
    if (value & 1u << 31)
        nvic_pend(c, EXC_NMI);
    if (value & 1u << 28)
        nvic_pend(c, EXC_PENDSV);
    else if (value & 1u << 27)
        nvic_unpend(c, EXC_PENDSV);
    if (value & 1u << 26)
        nvic_pend(c, EXC_SYSTICK);
    else if (value & 1u << 25)
        nvic_unpend(c, EXC_SYSTICK);
}

static void aircr_write(Core *c, uint32_t value)
{
    if (value >> 16 != AIRCR_KEY)
        return;
    c->scs.prigroup = value >> 8 & 7;
    if (value & 4) { /* SYSRESETREQ */
        c->reason = RUN_RESET;
        c->stop = true;
        core_attend(c);
    }
}

static const struct {
    uint8_t bit, exception;
    bool pending;
} shcsr_bits[] = {{0, EXC_MEMMANAGE, false}, {1, EXC_BUSFAULT, false}, {3, EXC_USAGEFAULT, false}, {7, EXC_SVCALL, false},
                  {8, EXC_DEBUGMON, false}, {10, EXC_PENDSV, false}, {11, EXC_SYSTICK, false}, {12, EXC_USAGEFAULT, true},
                  {13, EXC_MEMMANAGE, true}, {14, EXC_BUSFAULT, true}, {15, EXC_SVCALL, true}};

static uint32_t shcsr_read(Core *c)
{
    uint32_t value = c->scs.shcsr;
    for (size_t n = 0; n < sizeof shcsr_bits / sizeof *shcsr_bits; n++) {
        uint32_t *bits = shcsr_bits[n].pending ? c->nvic.pending : c->nvic.active;
        value |= (uint32_t)nvic_bit(bits, shcsr_bits[n].exception) << shcsr_bits[n].bit;
    }
    return value;
}

static void shcsr_write(Core *c, uint32_t value)
{
    c->scs.shcsr = value & 7u << 16;
    for (int n = 0; n < 3; n++)
        nvic_assign(c->nvic.enabled, EXC_MEMMANAGE + n, value >> (16 + n) & 1);
    for (size_t n = 0; n < sizeof shcsr_bits / sizeof *shcsr_bits; n++) {
        uint32_t *bits = shcsr_bits[n].pending ? c->nvic.pending : c->nvic.active;
        nvic_assign(bits, shcsr_bits[n].exception, value >> shcsr_bits[n].bit & 1);
    }
    core_attend(c);
}

/* A word of bits per interrupt: ISER, ICER, ISPR, ICPR, IABR. */
static uint32_t irq_word(const uint32_t *bits, uint32_t offset)
{
    uint32_t value = 0;
    int first = EXC_IRQ0 + (int)(offset & 0x7C) * 8;
    for (int n = 0; n < 32 && first + n < EXC_COUNT; n++)
        value |= (uint32_t)nvic_bit(bits, first + n) << n;
    return value;
}

static void irq_word_write(Core *c, uint32_t offset, uint32_t value)
{
    int first = EXC_IRQ0 + (int)(offset & 0x7C) * 8;
    for (; value; value &= value - 1) {
        int exception = first + __builtin_ctz(value);
        if (exception >= EXC_COUNT)
            return;
        if (offset < 0x200) {
            nvic_assign(c->nvic.enabled, exception, offset < 0x180);
            core_attend(c);
        } else if (offset < 0x280)
            nvic_pend(c, exception);
        else
            nvic_unpend(c, exception);
    }
}

/* Priorities are bytes: SHPR1-3 from exception 4 at 0xD18, IPR from exception 16 at 0x400. */
static uint32_t priorities(const Core *c, int first)
{
    uint32_t value = 0;
    for (int n = 0; n < 4; n++)
        if (first + n < EXC_COUNT)
            value |= (uint32_t)(c->nvic.priority[first + n] & 0xFF) << 8 * n;
    return value;
}

static void priorities_write(Core *c, int first, uint32_t value)
{
    for (int n = 0; n < 4; n++)
        if (first + n < EXC_COUNT)
            c->nvic.priority[first + n] = (int16_t)(value >> 8 * n & IMPLEMENTED_PRIORITY);
    core_attend(c);
}

static int priority_base(uint32_t offset)
{
    if (offset >= 0x400 && offset < 0x4F0)
        return EXC_IRQ0 + (int)(offset - 0x400);
    return offset >= 0xD18 && offset < 0xD24 ? EXC_MEMMANAGE + (int)(offset - 0xD18) : 0;
}

/* Registers that only hold what was written, with their writable bits. */
static uint32_t *stored(Core *c, uint32_t offset, uint32_t *mask)
{
    Scs *s = &c->scs;
    *mask = 0xFFFFFFFFu;
    switch (offset) {
    case 0x008: *mask = 0x307; return &s->actlr;
    case 0xD08: *mask = 0xFFFFFF80u; return &s->vtor;
    case 0xD10: *mask = 0x16; return &s->scr;
    case 0xD14: *mask = 0x31B; return &s->ccr;
    case 0xD34: return &s->mmfar;
    case 0xD38: return &s->bfar;
    case 0xD3C: return &s->afsr;
    case 0xD88: *mask = 0x00F00000; return &s->cpacr;
    case 0xF34: *mask = 0xC000017Bu; return &s->fpccr;
    case 0xF38: *mask = 0xFFFFFFF8u; return &s->fpcar;
    case 0xF3C: *mask = 0x07C00000; return &s->fpdscr;
    }
    return NULL;
}

static uint32_t read_word(Core *c, uint32_t offset)
{
    uint32_t mask, *word = stored(c, offset, &mask);
    if (word != NULL)
        return *word;
    int base = priority_base(offset);
    if (base)
        return priorities(c, base);
    if (offset >= 0x10 && offset < 0x20)
        return systick_read(c, offset);
    if (offset >= 0x100 && offset < 0x200)
        return irq_word(c->nvic.enabled, offset);
    if (offset >= 0x200 && offset < 0x300)
        return irq_word(c->nvic.pending, offset);
    if (offset >= 0x300 && offset < 0x380)
        return irq_word(c->nvic.active, offset);
    if (offset >= 0xD40 && offset < 0xD74)
        return id_registers[(offset - 0xD40) / 4];
    if (offset >= 0xD90 && offset <= 0xDB8)
        return mpu_read(c, offset);
    switch (offset) {
    case 0x004: return 2; /* ICTR: 96 interrupts */
    case 0xD00: return CPUID;
    case 0xD04: return icsr(c);
    case 0xD0C: return AIRCR_READ_KEY << 16 | c->scs.prigroup << 8;
    case 0xD24: return shcsr_read(c);
    case 0xD28: return c->scs.cfsr;
    case 0xDFC: return demcr_read(c);
    case 0xD2C: return c->scs.hfsr;
    case 0xD30: return c->scs.dfsr;
    case 0xF40: return 0x10110021; /* MVFR0, MVFR1 */
    case 0xF44: return 0x11000011;
    }
    return 0;
}

static void write_word(Core *c, uint32_t offset, uint32_t value)
{
    uint32_t mask, *word = stored(c, offset, &mask);
    core_check_limit(c, SCS + offset, value);
    if (word != NULL) {
        uint32_t changed = (*word ^ value) & mask;
        *word ^= changed;
        if (changed && (offset == 0xD14 || offset == 0xD88)) { /* CCR and CPACR say which instructions trap */
            c->traps.restart = c->flush = true;
            core_attend(c);
            exact_follow(c);
        }
        if (offset == 0xF34)
            fp_set_control(c, *word);
        return;
    }
    int base = priority_base(offset);
    if (base)
        priorities_write(c, base, value);
    else if (offset >= 0x10 && offset < 0x20)
        systick_write(c, offset, value);
    else if (offset > 0xD90 && offset <= 0xDB8)
        mpu_write(c, offset, value);
    else if (offset >= 0x100 && offset < 0x300)
        irq_word_write(c, offset, value);
    else
        switch (offset) {
        case 0xD04: icsr_write(c, value); break;
        case 0xD0C: aircr_write(c, value); break;
        case 0xD24: shcsr_write(c, value); break;
        case 0xD28: c->scs.cfsr &= ~value; break;
        case 0xDFC: demcr_write(c, value); break;
        case 0xD2C: c->scs.hfsr &= ~value; break;
        case 0xD30: c->scs.dfsr &= ~value; break;
        case 0xF00: nvic_pend(c, EXC_IRQ0 + (int)(value & 0xFF) % (EXC_COUNT - EXC_IRQ0)); break; /* STIR */
        }
}

uint64_t scs_read(uc_engine *uc, uint64_t offset, unsigned size, void *core)
{
    (void)uc;
    ((Core *)core)->accesses++;
    ((Core *)core)->idle.effects = true;
    uint32_t word = read_word(core, (uint32_t)offset & ~3u) >> 8 * (offset & 3);
    return size == 4 ? word : word & ((1u << 8 * size) - 1);
}

/* Byte and halfword writes are for the priorities and the fault status (B3.1.1); there the other lanes must not change:
 * priorities keep their value, write-one-to-clear lanes see zeros. */
void scs_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *core)
{
    (void)uc;
    ((Core *)core)->accesses++;
    ((Core *)core)->idle.effects = true;
    uint32_t aligned = (uint32_t)offset & ~3u, written = (uint32_t)value;
    if (size < 4) {
        unsigned shift = 8 * (offset & 3);
        uint32_t lanes = ((1u << 8 * size) - 1) << shift;
        uint32_t rest = priority_base(aligned) ? read_word(core, aligned) & ~lanes : 0;
        written = (written << shift & lanes) | rest;
    }
    write_word(core, aligned, written);
}
