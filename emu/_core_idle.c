/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Busy idle loops: found, proved to stand still, and skipped.
 *
 * A loop is one that comes back to its head, a natural boundary, with
 *   - every register of the CPU as it was the last time round,
 *   - every byte of memory as it was,
 *   - no event, exception, watch or WFE in between, and
 *   - no access to a register but reads of plain words (mmio_read), which neither do anything nor change by themselves.
 * Such a loop goes round the same way until an event changes memory or a plain word. So whole rounds are skipped, the
 * last one ending before the next event; what is left of the way there runs as ever, and the event finds the very state
 * it would have found. Not considered: a STREX that depends on a LDREX of the round before.
 *
 * Memory is compared where it was written since the TLB was flushed last: stores go through TLB entries whose write
 * permission the fill hook granted. Looking costs little because it is rare: after a fruitless look the next one comes
 * later, after a skip the next one comes soon. */
#include "_core.h"

#define SOON 64
#define SELDOM (1 << 18)
#define MOST_BOUNDARIES 1024 /* of one round */

static void look_at(Core *c, int64_t cycle)
{
    c->idle.phase = IDLE_AWAY;
    c->idle.look_at = c->idle.wanted ? cycle : INT64_MAX;
    core_update_deadline(c);
}

static void look_later(Core *c)
{
    c->idle.wait = c->idle.wait < SELDOM ? 2 * c->idle.wait : SELDOM;
    look_at(c, c->cycles + c->idle.wait);
}

static void look_soon(Core *c, int64_t after)
{
    c->idle.wait = SOON;
    look_at(c, after + SOON);
}

/* Something happened that ends the round: an event, an exception, a new run. */
void core_idle_disturbed(Core *c)
{
    if (c->idle.phase != IDLE_AWAY)
        look_at(c, c->cycles + c->idle.wait);
}

void core_idle_look_for(Core *c, bool wanted)
{
    c->idle.wanted = wanted;
    look_soon(c, c->cycles);
}

static void read_registers(Core *c, IdleRegisters *r)
{
    int ids[33];
    void *values[33];
    for (int n = 0; n < 33; n++) {
        ids[n] = n < 32 ? UC_REG_S0 + n : UC_REG_FPSCR;
        values[n] = &r->fp[n];
    }
    core_snapshot(c, &r->core);
    c->api.reg_read_batch(c->uc, ids, values, 33);
    r->core.cycle = c->event_register;
}

/* Stores to this page go unseen from now on. */
void core_idle_written(Core *c, Region *r, uint32_t page)
{
    if (c->idle.written_count < MOST_WRITTEN)
        c->idle.written[c->idle.written_count] = r->host + (page - r->base);
    c->idle.written_count++;
}

static void forget_written(Core *c)
{
    for (int n = 0; n < c->region_count; n++)
        if (c->regions[n].written != NULL)
            memset(c->regions[n].written, 0, c->regions[n].size / PAGE);
    c->idle.written_count = 0;
    c->api.ctl(c->uc, UC_CTL_TLB_FLUSH);
}

static bool copy_memory(Core *c)
{
    if (c->idle.written_count > MOST_WRITTEN) {
        forget_written(c);
        return false;
    }
    for (uint32_t n = 0; n < c->idle.written_count; n++)
        memcpy(c->idle.copy[n], c->idle.written[n], PAGE);
    c->idle.copied = c->idle.written_count;
    return true;
}

static bool memory_is_same(const Core *c)
{
    if (c->idle.written_count != c->idle.copied)
        return false;
    for (uint32_t n = 0; n < c->idle.copied; n++)
        if (memcmp(c->idle.copy[n], c->idle.written[n], PAGE))
            return false;
    return true;
}

/* The last boundaries, as if the skipped rounds had run too. */
static void repeat_ring(Core *c, int64_t rounds)
{
    uint32_t length = c->idle.boundaries;
    if (length > RING_SIZE)
        return;
    for (uint32_t n = 0; n < length * (rounds < RING_SIZE ? (uint32_t)rounds : RING_SIZE); n++, c->ring_next++)
        c->ring[c->ring_next % RING_SIZE] = c->ring[(c->ring_next - length) % RING_SIZE];
}

/* Skip whole rounds of the loop that the CPU stands at the head of, so that the last ends before cycle `until`. */
void core_idle_skip(Core *c, int64_t until)
{
    int64_t rounds = (until - 1 - c->cycles) / c->idle.period;
    if (rounds > 0) {
        repeat_ring(c, rounds);
        c->cycles += rounds * c->idle.period;
    }
    look_soon(c, until);
}

/* The loop is proved to stand still. True when the run is to be left, for the caller to wait and skip. */
static bool found(Core *c)
{
    int64_t event = core_wake_at(c);
    if (event > c->idle.until && event - 1 - c->cycles >= c->idle.period) {
        look_soon(c, c->cycles);
        c->reason = RUN_IDLE;
        c->stop = true;
        return true;
    }
    core_idle_skip(c, event < c->limit ? event : c->limit);
    return false;
}

/* A natural boundary on the way round, or the head. The first look takes note of the registers; if they are the same a
 * round later, of memory; if both are the same one more round later, the loop stands still. */
bool core_idle_look(Core *c, uint32_t address)
{
    IdleRegisters now;
    if (c->idle.phase != IDLE_AWAY && (address != c->idle.head || c->cycles == c->idle.since)) {
        if (++c->idle.boundaries >= MOST_BOUNDARIES)
            look_later(c);
        return false;
    }
    read_registers(c, &now);
    if (c->idle.phase == IDLE_AWAY) {
        c->idle.head = address;
        c->idle.registers = now;
        c->idle.phase = IDLE_REGISTERS;
        c->idle.look_at = 0;
        core_update_deadline(c);
    } else if (c->idle.effects || memcmp(&now, &c->idle.registers, sizeof now)) {
        look_later(c);
    } else if (c->idle.phase == IDLE_MEMORY) {
        if (memory_is_same(c)) {
            c->idle.period = c->cycles - c->idle.since;
            return found(c);
        }
        look_later(c);
    } else if (copy_memory(c))
        c->idle.phase = IDLE_MEMORY;
    c->idle.since = c->cycles;
    c->idle.boundaries = 1;
    c->idle.effects = false;
    return false;
}
