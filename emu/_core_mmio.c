/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way from a load or store to a model: Python's registers, those of the core, bit-banding, the flash's programming port. */
#include "_core.h"

Mmio *core_mmio_at(Core *c, uint32_t address)
{
    for (int n = 0; n < c->mmio_count; n++)
        if (address - c->mmio[n]->base < c->mmio[n]->size)
            return c->mmio[n];
    return NULL;
}

/* A callback raised: the first error is kept until run() returns. */
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

/* A block's table of plain reads has one of these where the core may serve an access itself. */
enum {
    READ_PLAIN = 1,      /* the word */
    READ_NOTED = 2,      /* the word, which is to be stored behind the block's words too */
    READ_MOVING = 3,     /* a count, by the block's ramp */
    WRITE_SET_RESET = 4, /* stores here set and reset bits of the word before */
};

/* A count that moves with time, as its model described it (peripherals/ramp.py): true from cycle `since` to `until`. */
typedef struct {
    int64_t since, until, hz, cpu_hz, rest, phase, divider, start, step;
} Ramp;

static bool on_ramp(const Mmio *m, uint32_t *count)
{
    const Ramp *r = m->ramp.buf;
    int64_t now = m->core->cycles;
    if (r == NULL || now < r->since || now >= r->until)
        return false;
    int64_t ticks = ((now - r->since) * r->hz + r->rest) / r->cpu_hz;
    *count = (uint32_t)(r->start + r->step * ((r->phase + ticks) / r->divider));
    return true;
}

static uint8_t kind_of(const Mmio *m, uint64_t index)
{
    return m->plain.buf != NULL ? ((uint8_t *)m->plain.buf)[index] : 0;
}

/* Whether the core knows what the word at `index` reads. */
static bool is_known(const Mmio *m, uint64_t index, uint32_t *word)
{
    uint32_t *words = m->words.buf;
    switch (kind_of(m, index)) {
    case READ_NOTED:
        words[index + (uint64_t)m->plain.len] = words[index];
        /* fall through */
    case READ_PLAIN:
        *word = words[index];
        return true;
    case READ_MOVING:
        m->core->idle.effects = true; /* it differs the next time round */
        return on_ramp(m, word);
    default:
        return false;
    }
}

/* A store by which a superloop sets its pins to what they are. */
static bool changes_nothing(const Mmio *m, uint64_t index, unsigned size, uint64_t value)
{
    if (size != 4 || kind_of(m, index) != WRITE_SET_RESET)
        return false;
    uint32_t before = ((uint32_t *)m->words.buf)[index - 1], set = value & 0xFFFF, reset = (uint32_t)(value >> 16);
    return ((before & ~reset) | set) == before;
}

static uint64_t mmio_read(uc_engine *uc, uint64_t offset, unsigned size, void *user)
{
    (void)uc;
    Mmio *m = user;
    m->core->accesses++;
    uint32_t word;
    if (is_known(m, offset >> 2, &word)) {
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
    if (changes_nothing(m, offset >> 2, size, value))
        return;
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
    Mmio *m = core_mmio_at(c, address & ~3u);
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
    Mmio *m = core_mmio_at(c, address & ~3u);
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
            core_add_region(c, blocks[n].base, blocks[n].size, KIND_MMIO, blocks[n].base);
    }
    return err ? c->api.strerror(err) : NULL;
}

static void release_handlers(Mmio *m)
{
    Py_CLEAR(m->read);
    Py_CLEAR(m->write);
    PyBuffer_Release(&m->words);
    PyBuffer_Release(&m->plain);
    PyBuffer_Release(&m->ramp);
    m->words.buf = m->plain.buf = m->ramp.buf = NULL;
}

/* Who serves a block from now on: read, write, and what lets the core serve reads itself: words, plain, ramp or None. */
static int take_handlers(Mmio *m, PyObject *handlers[5])
{
    release_handlers(m);
    m->read = Py_NewRef(handlers[0]);
    m->write = Py_NewRef(handlers[1]);
    if (handlers[2] == Py_None)
        return 0;
    if (PyObject_GetBuffer(handlers[2], &m->words, PyBUF_WRITABLE) < 0 ||
        PyObject_GetBuffer(handlers[3], &m->plain, PyBUF_SIMPLE) < 0 ||
        (handlers[4] != Py_None && PyObject_GetBuffer(handlers[4], &m->ramp, PyBUF_SIMPLE) < 0))
        return -1;
    bool notes = memchr(m->plain.buf, READ_NOTED, (size_t)m->plain.len) != NULL;
    if (m->plain.len * 4 < (Py_ssize_t)m->size || m->words.len < m->plain.len * (notes ? 8 : 4) ||
        (m->ramp.buf != NULL && m->ramp.len < (Py_ssize_t)sizeof(Ramp))) {
        PyErr_SetString(PyExc_ValueError, "the words, their table of plain reads or the ramp are too short");
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

int core_add_mmio(Core *c, uint32_t base, uint32_t size, PyObject *handlers[5])
{
    Mmio *m = core_mmio_at(c, base);
    if (m == NULL || m->base != base)
        m = map_block(c, base, size);
    return m == NULL ? -1 : take_handlers(m, handlers);
}

void core_release_mmio(Core *c)
{
    for (int n = 0; n < c->mmio_count; n++) {
        Mmio *m = c->mmio[n];
        release_handlers(m);
        PyMem_Free(m);
    }
    c->mmio_count = 0;
}
