/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory protection unit, ARMv7-M ARM B3.5: eight regions with sub-regions over the default memory map.
 *
 * The virtual TLB's fill hook asks per page of 1 KB. Where a page is not of one kind, because a region or sub-region is
 * smaller than that, it decides for the access at hand, and the slow exact mode of _core_exact.c guards the later ones. */
#include "_core.h"

#define PAGE 0x400u
#define GRANULE 32u /* the smallest region */
#define CTRL_ENABLE 1u
#define CTRL_HFNMIENA 2u
#define CTRL_PRIVDEFENA 4u
#define RASR_ENABLE 1u
#define RASR_XN (1u << 28)
#define BACKGROUND (-1)

static uint32_t log2_size(uint32_t rasr) { return (rasr >> 1 & 31) + 1; }

static bool enabled(uint32_t rasr) { return (rasr & RASR_ENABLE) && log2_size(rasr) >= 5; }

/* The region that decides about an address, B3.5.3: the highest number wins; disabled sub-regions are no part of it. */
static int region_at(const Core *c, uint32_t address)
{
    for (int n = 7; n >= 0; n--) {
        uint32_t rasr = c->scs.mpu_rasr[n], bits = log2_size(rasr);
        if (!enabled(rasr))
            continue;
        uint32_t mask = bits < 32 ? ~((1u << bits) - 1) : 0;
        bool hit = ((address ^ c->scs.mpu_rbar[n]) & mask) == 0;
        if (hit && bits >= 8 && (rasr >> (8 + (address >> (bits - 3) & 7)) & 1))
            hit = false;
        if (hit)
            return n;
    }
    return BACKGROUND;
}

/* B3.1: peripheral, device and system space are execute-never in the default memory map. */
bool mpu_never_executes(uint32_t address)
{
    return address >> 29 == 2 || address >= 0xA0000000u;
}

/* The AP field, table B3-15, and XN. */
static int region_permissions(uint32_t rasr, bool privileged)
{
    static const uint8_t readers[8] = {0, 2, 3, 3, 0, 2, 3, 3}, writers[8] = {0, 2, 2, 3, 0, 0, 0, 0};
    uint32_t ap = rasr >> 24 & 7, who = privileged ? 2 : 1;
    int permissions = (readers[ap] & who ? UC_PROT_READ : 0) | (writers[ap] & who ? UC_PROT_WRITE : 0);
    return permissions & UC_PROT_READ && !(rasr & RASR_XN) ? permissions | UC_PROT_EXEC : permissions;
}

/* What may be done at an address: UC_PROT bits. The private peripheral bus is outside the MPU, B3.5. */
int mpu_permissions(const Core *c, uint32_t address, bool privileged)
{
    const int all = UC_PROT_READ | UC_PROT_WRITE | UC_PROT_EXEC;
    if (!c->mpu_on || (address >> 20) == 0xE00)
        return all;
    int region = region_at(c, address);
    if (region == BACKGROUND)
        return privileged && (c->scs.mpu_ctrl & CTRL_PRIVDEFENA) ? all : 0;
    return region_permissions(c->scs.mpu_rasr[region], privileged);
}

/* The first address of a range that may not be accessed in this way; `end` when all may. */
uint32_t mpu_first_denied(const Core *c, uint32_t address, uint32_t end, int wanted, bool privileged)
{
    while (address < end && mpu_permissions(c, address, privileged) & wanted)
        address = (address & ~(GRANULE - 1)) + GRANULE;
    return address < end ? address : end;
}

/* The permissions of a page: those of all its parts. `*mixed` tells that some have more. */
int mpu_page(const Core *c, uint32_t page, bool privileged, bool *mixed)
{
    int all = mpu_permissions(c, page, privileged), some = all;
    for (uint32_t n = GRANULE; c->mpu_fine && n < PAGE; n += GRANULE) {
        int part = mpu_permissions(c, page + n, privileged);
        all &= part;
        some |= part;
    }
    *mixed = all != some;
    return all;
}

/* Whether some boundary lies within a page. */
static bool is_fine(const Core *c)
{
    bool fine = false;
    for (int n = 0; n < 8; n++) {
        uint32_t rasr = c->scs.mpu_rasr[n], bits = log2_size(rasr);
        fine = fine || (enabled(rasr) && (bits < 10 || (bits < 13 && (rasr & 0xFF00))));
    }
    return fine && (c->scs.mpu_ctrl & CTRL_ENABLE);
}

/* The MPU is off in NMI, HardFault and under FAULTMASK unless HFNMIENA, B3.5.5: called where that may have changed. */
void mpu_follow(Core *c)
{
    uint32_t ctrl = c->scs.mpu_ctrl;
    if (!(ctrl & CTRL_ENABLE) && !c->mpu_on)
        return;
    bool on = (ctrl & CTRL_ENABLE) && ((ctrl & CTRL_HFNMIENA) || nvic_execution_priority(c) >= 0);
    if (on != c->mpu_on || c->mpu_changed)
        c->api.ctl(c->uc, UC_CTL_TLB_FLUSH);
    c->mpu_on = on;
    c->mpu_changed = false;
}

uint32_t mpu_read(const Core *c, uint32_t offset)
{
    uint32_t region = c->scs.mpu_rnr;
    switch (offset) {
    case 0xD90: return 8u << 8; /* TYPE: eight regions */
    case 0xD94: return c->scs.mpu_ctrl;
    case 0xD98: return region;
    }
    return (offset - 0xD9C) & 4 ? c->scs.mpu_rasr[region] : c->scs.mpu_rbar[region] | region;
}

/* RBAR.VALID chooses the region, B3.5.8. What is written takes effect at the next natural boundary, such as an ISB. */
void mpu_write(Core *c, uint32_t offset, uint32_t value)
{
    if (offset == 0xD94)
        c->scs.mpu_ctrl = value & 7;
    else if (offset == 0xD98)
        c->scs.mpu_rnr = value & 7;
    else if ((offset - 0xD9C) & 4)
        c->scs.mpu_rasr[c->scs.mpu_rnr] = value & 0x173FFF3F;
    else {
        if (value & 16)
            c->scs.mpu_rnr = value & 7;
        c->scs.mpu_rbar[c->scs.mpu_rnr] = value & ~31u;
    }
    c->mpu_fine = is_fine(c);
    exact_follow(c);
    c->mpu_changed = true;
    core_attend(c);
}
