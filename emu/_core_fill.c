/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The virtual TLB's fill hook: what may be done with a page, and where it lies. */
#include "_core.h"

bool core_unprivileged(Core *c)
{
    if (c->ipsr == 0 && (core_reg(c, UC_REG_CONTROL) & CONTROL_NPRIV))
        return true;
    return thumb_is_unprivileged_access(c, core_reg(c, UC_REG_PC));
}

/* Whether the part of a page of mixed permissions that is accessed now allows it. */
static bool part_allows(Core *c, uint32_t page, int wanted, bool privileged)
{
    uint32_t pc = core_reg(c, UC_REG_PC), end = page + PAGE;
    Access a;
    if (wanted == UC_PROT_EXEC)
        return mpu_permissions(c, pc - page < PAGE ? pc : page, privileged) & wanted;
    if (!thumb_access(c, pc, &a))
        return true;
    uint32_t from = a.address > page ? a.address : page, to = a.address + a.length < end ? a.address + a.length : end;
    return mpu_first_denied(c, from, to, wanted, privileged) == to;
}

/* What the MPU leaves of the permissions of a page; 0 when it denies the access at hand. */
static int mpu_grants(Core *c, uint32_t page, int type)
{
    int wanted = type == UC_MEM_FETCH ? UC_PROT_EXEC : type == UC_MEM_WRITE ? UC_PROT_WRITE : UC_PROT_READ;
    if (!c->mpu_on || page >= EXC_RETURN_PAGE || page - STOP_PAGE < 0x1000)
        return UC_PROT_READ | UC_PROT_WRITE | UC_PROT_EXEC;
    bool mixed, privileged = !core_unprivileged(c);
    int permissions = mpu_page(c, page, privileged, &mixed);
    if (mixed && part_allows(c, page, wanted, privileged))
        permissions |= wanted;
    return permissions & wanted ? permissions : 0;
}

static bool refuse(Core *c, uint32_t page, int type, bool protection)
{
    c->fault_protection = protection;
    c->access_fault = true;
    c->fault_page = page;
    c->fault_type = type;
    return false;
}

/* RAM that was not written yet gets no write permission, which tells what changes (_core_idle.c). RAM that never ran gets no
 * execute permission, which keeps its stores on Unicorn's fast path; a page that did run
 * gets both when written, so that Unicorn drops stale translations. */
static int ram_permissions(Core *c, Region *r, uint32_t page, int type)
{
    uint32_t index = (page - r->base) / PAGE;
    if (type == UC_MEM_FETCH) {
        r->executed[index] = 1;
        return UC_PROT_READ | UC_PROT_EXEC;
    }
    if (type == UC_MEM_WRITE && !r->written[index]) {
        r->written[index] = 1;
        core_idle_written(c, r, page);
    }
    return UC_PROT_READ | (r->written[index] ? UC_PROT_WRITE : 0) | (r->executed[index] ? UC_PROT_EXEC : 0);
}

static bool fill_region(Core *c, Region *r, uint32_t page, int type, uc_tlb_entry *entry)
{
    switch (r->kind) {
    case KIND_RAM:
        entry->perms = ram_permissions(c, r, page, type);
        return true;
    case KIND_MMIO:
        entry->perms = UC_PROT_READ | UC_PROT_WRITE;
        return type != UC_MEM_FETCH;
    case KIND_FLASH:
        if (type == UC_MEM_WRITE) {
            entry->paddr = FLASH_PORT + (page - r->base);
            entry->perms = UC_PROT_WRITE;
            return true;
        }
        /* fall through */
    default:
        entry->perms = UC_PROT_READ | UC_PROT_EXEC;
        return type != UC_MEM_WRITE;
    }
}

static bool fill(Core *c, uint32_t page, int type, uc_tlb_entry *entry)
{
    entry->paddr = page;
    if (page >= EXC_RETURN_PAGE || (page == (STOP_ADDRESS & ~(PAGE - 1)) && type == UC_MEM_FETCH)) {
        entry->perms = UC_PROT_READ | UC_PROT_EXEC;
        return type == UC_MEM_FETCH || (page == CLREX_STUB && type == UC_MEM_READ); /* the stub has a literal */
    }
    if ((page >> 28) == 0xE && core_unprivileged(c)) /* the PPB is privileged, B3.1.1 */
        return false;
    Region *r = core_region(c, page, 1);
    if (r == NULL) {
        entry->perms = UC_PROT_READ | UC_PROT_WRITE;
        return core_mmio_at(c, page) != NULL && type != UC_MEM_FETCH;
    }
    if (r->target != r->base) {
        entry->paddr = page = r->target + (page - r->base);
        r = core_region(c, page, 1);
    }
    return fill_region(c, r, page, type, entry);
}

/* Before it calls this hook Unicorn restores the CPU state of the instruction, IT bits included. When the access then
 * goes on, nobody clears them again, and instructions after the IT block are skipped: so that is done here. */
bool core_on_fill(uc_engine *uc, uint64_t address, int type, uc_tlb_entry *entry, void *user)
{
    (void)uc;
    Core *c = user;
    uint32_t page = (uint32_t)address & ~(PAGE - 1);
    if (c->low.entered != NULL && page < LOW_END && type != UC_MEM_FETCH && !c->low.entered(c->low.self, page))
        core_callback_failed(c);
    int granted = mpu_grants(c, page, type);
    if (c->traps.status || !granted || !fill(c, page, type, entry))
        return refuse(c, page, type, !granted);
    entry->perms &= granted;
    if (type != UC_MEM_FETCH)
        core_set_reg(c, UC_REG_EPSR, XPSR_T);
    return true;
}

/* Let the next access to a low page come to the fill hook. */
void core_hide_low(Core *c)
{
    c->low_shown = false;
    c->api.ctl(c->uc, UC_CTL_TLB_FLUSH);
}
