/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory map: regions, the virtual TLB's fill hook that decides permissions, bit-banding, and the way from a load
 * or store to a Python model. */
#include "_core.h"

Region *core_region(Core *c, uint32_t address, uint32_t length)
{
    for (int n = 0; n < c->region_count; n++) {
        Region *r = &c->regions[n];
        if (address - r->base < r->size && r->size - (address - r->base) >= length)
            return r;
    }
    return NULL;
}

/* The region whose host memory a range shows, with `address` moved into it; NULL for MMIO and holes. */
Region *core_backing(Core *c, uint32_t *address, uint32_t length)
{
    Region *r = core_region(c, *address, length);
    if (r != NULL && r->target != r->base) {
        *address = r->target + (*address - r->base);
        r = core_region(c, *address, length);
    }
    return r != NULL && r->host != NULL ? r : NULL;
}

bool core_load(Core *c, uint32_t address, void *to, uint32_t length)
{
    Region *r = core_backing(c, &address, length);
    if (r == NULL)
        return false;
    memcpy(to, r->host + (address - r->base), length);
    return true;
}

bool core_store(Core *c, uint32_t address, const void *from, uint32_t length)
{
    Region *r = core_backing(c, &address, length);
    if (r == NULL || r->kind != KIND_RAM)
        return false;
    memcpy(r->host + (address - r->base), from, length);
    return true;
}

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

/* Stores to flash go to the programming port: the same page under FLASH_PORT, where MMIO callbacks catch them. */
#define FLASH_PORT 0xF0000000u
#define FLASH_PORT_SIZE 0x00400000u

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

static Mmio *mmio_at(Core *c, uint32_t address)
{
    for (int n = 0; n < c->mmio_count; n++)
        if (address - c->mmio[n]->base < c->mmio[n]->size)
            return c->mmio[n];
    return NULL;
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
        return mmio_at(c, page) != NULL && type != UC_MEM_FETCH;
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

void core_callback_failed(Core *c)
{
    if (!c->failed)
        PyErr_Fetch(&c->error_type, &c->error_value, &c->error_trace);
    else
        PyErr_Clear();
    c->failed = c->stop = true;
    core_attend(c);
}

void core_restore_error(Core *c)
{
    c->failed = c->stop = false;
    PyErr_Restore(c->error_type, c->error_value, c->error_trace);
    c->error_type = c->error_value = c->error_trace = NULL;
}

/* A block's table of plain reads has this where the word shown is to be stored behind the block's words; 1 else. */
#define READ_NOTED 2

static uint64_t mmio_read(uc_engine *uc, uint64_t offset, unsigned size, void *user)
{
    (void)uc;
    Mmio *m = user;
    m->core->accesses++;
    uint8_t kind = m->plain.buf != NULL ? ((uint8_t *)m->plain.buf)[offset >> 2] : 0;
    if (kind) {
        uint32_t *words = m->words.buf, word = words[offset >> 2];
        if (kind == READ_NOTED)
            words[(offset >> 2) + (uint64_t)m->plain.len] = word;
        word >>= 8 * (offset & 3);
        return size == 4 ? word : word & ((1u << 8 * size) - 1);
    }
    m->core->idle.effects = true;
    PyObject *args[] = {NULL, PyLong_FromUnsignedLong((unsigned long)offset), PyLong_FromLong((long)size)};
    PyObject *result = PyObject_Vectorcall(m->read, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    Py_DECREF(args[1]);
    Py_DECREF(args[2]);
    uint64_t value = result != NULL ? PyLong_AsUnsignedLongLongMask(result) : 0;
    Py_XDECREF(result);
    if (PyErr_Occurred())
        core_callback_failed(m->core);
    return value;
}

static void mmio_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *user)
{
    (void)uc;
    Mmio *m = user;
    m->core->accesses++;
    m->core->idle.effects = true;
    PyObject *args[] = {NULL, PyLong_FromUnsignedLong((unsigned long)offset), PyLong_FromLong((long)size),
                        PyLong_FromUnsignedLongLong(value)};
    PyObject *result = PyObject_Vectorcall(m->write, args + 1, 3 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    for (int n = 1; n < 4; n++)
        Py_DECREF(args[n]);
    if (result == NULL)
        core_callback_failed(m->core);
    Py_XDECREF(result);
}

/* Bit-banding, B3.1 and PM0214 2.2.5: each bit of the first megabyte is a word of the alias, 32 MB further on. */
static uint32_t band_target(uint32_t alias_base, uint64_t offset, unsigned *bit)
{
    *bit = (unsigned)(offset >> 2 & 7);
    return alias_base - 0x02000000u + (uint32_t)(offset >> 5);
}

static uint64_t band_read(Core *c, uint32_t alias, uint64_t offset)
{
    unsigned bit;
    uint32_t address = band_target(alias, offset, &bit);
    uint8_t byte = 0;
    Mmio *m = mmio_at(c, address & ~3u);
    if (m != NULL) /* the bus sees a word access at the word that holds the bit */
        return mmio_read(NULL, (address & ~3u) - m->base, 4, m) >> ((address & 3) * 8 + bit) & 1;
    core_load(c, address, &byte, 1);
    return byte >> bit & 1;
}

static void band_write(Core *c, uint32_t alias, uint64_t offset, uint64_t value)
{
    unsigned bit;
    c->idle.effects = true;
    uint32_t address = band_target(alias, offset, &bit);
    Mmio *m = mmio_at(c, address & ~3u);
    if (m != NULL) {
        unsigned shift = (address & 3) * 8 + bit;
        uint32_t word = (uint32_t)mmio_read(NULL, (address & ~3u) - m->base, 4, m);
        mmio_write(NULL, (address & ~3u) - m->base, 4, (word & ~(1u << shift)) | (uint32_t)(value & 1) << shift, m);
        return;
    }
    uint8_t byte = 0;
    core_load(c, address, &byte, 1);
    byte = (uint8_t)((byte & ~(1u << bit)) | (unsigned)(value & 1) << bit);
    core_store(c, address, &byte, 1);
}

static uint64_t ram_band_read(uc_engine *uc, uint64_t offset, unsigned size, void *core)
{
    (void)uc, (void)size;
    return band_read(core, 0x22000000u, offset);
}

static void ram_band_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *core)
{
    (void)uc, (void)size;
    band_write(core, 0x22000000u, offset, value);
}

static uint64_t io_band_read(uc_engine *uc, uint64_t offset, unsigned size, void *core)
{
    (void)uc, (void)size;
    return band_read(core, 0x42000000u, offset);
}

static void io_band_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *core)
{
    (void)uc, (void)size;
    band_write(core, 0x42000000u, offset, value);
}

static uint64_t flash_port_read(uc_engine *uc, uint64_t offset, unsigned size, void *core)
{
    (void)uc, (void)offset, (void)size, (void)core;
    return 0; /* the port is never readable: the fill hook gives it write permission only */
}

static void flash_port_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *user)
{
    (void)uc;
    Core *c = user;
    c->idle.effects = true;
    if (c->on_program == NULL)
        return;
    PyObject *result = PyObject_CallFunction(c->on_program, "IIK", (unsigned)offset, size, (unsigned long long)value);
    if (result == NULL)
        core_callback_failed(c);
    Py_XDECREF(result);
}

static Region *add_region(Core *c, uint32_t base, uint32_t size, RegionKind kind, uint32_t target)
{
    if (c->region_count == MAX_REGIONS)
        return NULL;
    Region *r = &c->regions[c->region_count++];
    *r = (Region){.base = base, .size = size, .kind = kind, .target = target};
    return r;
}

const char *core_map_system(Core *c)
{
    static const struct {
        uint32_t base, size;
        uc_mmio_read_cb read;
        uc_mmio_write_cb write;
    } blocks[] = {
        {0xE000E000u, 0x1000, scs_read, scs_write},
        {0xE0000000u, 0x4000, trace_read, trace_write},
        {0x22000000u, 0x02000000, ram_band_read, ram_band_write},
        {0x42000000u, 0x02000000, io_band_read, io_band_write},
        {FLASH_PORT, FLASH_PORT_SIZE, flash_port_read, flash_port_write},
    };
    const uint16_t svc = SVC_0;
    for (uint32_t n = 0; n < 0x1000; n += 2)
        memcpy(c->pages + n, &svc, 2);
    uc_err err = 0;
    for (size_t n = 0; n < sizeof blocks / sizeof *blocks && !err; n++) {
        err = c->api.mmio_map(c->uc, blocks[n].base, blocks[n].size, blocks[n].read, c, blocks[n].write, c);
        if (blocks[n].base != FLASH_PORT)
            add_region(c, blocks[n].base, blocks[n].size, KIND_MMIO, blocks[n].base);
    }
    return err ? c->api.strerror(err) : NULL;
}

/* A range that shows another one: only a translation in the fill hook. RAM that is seen twice may be run at one place
 * and written at the other, so that it gets both permissions from now on. */
static void add_alias(Core *c, Region *alias)
{
    for (int n = 0; n < c->region_count; n++) {
        Region *r = &c->regions[n];
        if (r->executed != NULL && r->kind == KIND_RAM && alias->target - r->base < r->size)
            memset(r->executed, 1, r->size / PAGE);
        if (r->base == alias->target)
            alias->watched = r->watched;
    }
    core_mind_marks(c);
    c->coverage.size = 0; /* look anew */
    c->flush = true;
    core_attend(c);
}

/* The alias at `base`, whose place a new one takes. */
static Region *old_alias(Core *c, uint32_t base)
{
    Region *r = core_region(c, base, 1);
    if (r == NULL || r->base != base || r->target == base)
        return NULL;
    PyBuffer_Release(&r->view);
    return r;
}

int core_add_memory(Core *c, uint32_t base, PyObject *buffer, RegionKind kind, uint32_t target)
{
    Py_buffer view;
    if (PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE | PyBUF_WRITABLE) < 0)
        return -1;
    Region *r = target != base ? old_alias(c, base) : NULL;
    if (r == NULL)
        r = add_region(c, base, (uint32_t)view.len, kind, target);
    if (r == NULL || view.len % 0x1000 || base % 0x1000) {
        PyBuffer_Release(&view);
        PyErr_SetString(PyExc_ValueError, "memory must be in whole 4 KB pages, and there is a limit of 32 regions");
        return -1;
    }
    *r = (Region){.base = base, .size = (uint32_t)view.len, .kind = kind, .target = target, .view = view};
    if (target != base) {
        add_alias(c, r);
        return 0;
    }
    r->host = view.buf;
    r->executed = PyMem_Calloc((size_t)view.len / PAGE, 1);
    r->written = PyMem_Calloc((size_t)view.len / PAGE, 1);
    uc_err err = c->api.mem_map_ptr(c->uc, base, (size_t)view.len, 7, r->host);
    if (err || r->executed == NULL || r->written == NULL) {
        PyErr_Format(PyExc_RuntimeError, "Unicorn cannot map memory at 0x%x: %s", base, c->api.strerror(err));
        return -1;
    }
    return 0;
}

static void release_handlers(Mmio *m)
{
    Py_CLEAR(m->read);
    Py_CLEAR(m->write);
    PyBuffer_Release(&m->words);
    PyBuffer_Release(&m->plain);
    m->words.buf = m->plain.buf = NULL;
}

/* Who serves a block from now on. */
static int take_handlers(Mmio *m, PyObject *read, PyObject *write, PyObject *words, PyObject *plain)
{
    release_handlers(m);
    m->read = Py_NewRef(read);
    m->write = Py_NewRef(write);
    if (words == Py_None)
        return 0;
    if (PyObject_GetBuffer(words, &m->words, PyBUF_WRITABLE) < 0 || PyObject_GetBuffer(plain, &m->plain, PyBUF_SIMPLE) < 0)
        return -1;
    bool notes = memchr(m->plain.buf, READ_NOTED, (size_t)m->plain.len) != NULL;
    if (m->plain.len * 4 < (Py_ssize_t)m->size || m->words.len < m->plain.len * (notes ? 8 : 4)) {
        PyErr_SetString(PyExc_ValueError, "the word array or its table of plain reads is shorter than the block");
        return -1;
    }
    return 0;
}

static Mmio *map_block(Core *c, uint32_t base, uint32_t size)
{
    Mmio *m = PyMem_Calloc(1, sizeof *m);
    if (m == NULL || c->mmio_count == MAX_MMIO) {
        PyMem_Free(m);
        PyErr_SetString(PyExc_ValueError, "too many peripheral blocks");
        return NULL;
    }
    *m = (Mmio){.core = c, .base = base, .size = size};
    c->mmio[c->mmio_count++] = m;
    uint32_t mapped = (size + PAGE - 1) & ~(PAGE - 1);
    uc_err err = c->api.mmio_map(c->uc, base, mapped, mmio_read, m, mmio_write, m);
    if (err) {
        PyErr_Format(PyExc_RuntimeError, "Unicorn cannot map a block at 0x%x: %s", base, c->api.strerror(err));
        return NULL;
    }
    return m;
}

int core_add_mmio(Core *c, uint32_t base, uint32_t size, PyObject *read, PyObject *write, PyObject *words, PyObject *plain)
{
    Mmio *m = mmio_at(c, base);
    if (m == NULL || m->base != base)
        m = map_block(c, base, size);
    return m == NULL ? -1 : take_handlers(m, read, write, words, plain);
}

void core_release_memory(Core *c)
{
    for (int n = 0; n < c->region_count; n++) {
        PyMem_Free(c->regions[n].executed);
        PyMem_Free(c->regions[n].written);
        PyMem_Free(c->regions[n].ran);
        if (c->regions[n].base == c->regions[n].target) /* aliases share it */
            PyMem_Free(c->regions[n].watched);
        if (c->regions[n].view.obj != NULL)
            PyBuffer_Release(&c->regions[n].view);
    }
    for (int n = 0; n < c->mmio_count; n++) {
        Mmio *m = c->mmio[n];
        release_handlers(m);
        PyMem_Free(m);
    }
    c->region_count = c->mmio_count = 0;
}
