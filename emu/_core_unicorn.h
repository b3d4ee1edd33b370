/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of Unicorn's C API that the core uses, reached through pointers into the library that Python has loaded:
 * no link-time dependency, and any supported version runs with the same binary. */
#ifndef CORE_UNICORN_H
#define CORE_UNICORN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct uc_struct uc_engine;
typedef size_t uc_hook;
typedef int uc_err;

typedef struct {
    uint64_t paddr;
    int perms;
} uc_tlb_entry;

typedef struct {
    uint64_t pc;
    uint16_t icount, size;
} uc_tb;

typedef uint64_t (*uc_mmio_read_cb)(uc_engine *, uint64_t offset, unsigned size, void *user);
typedef void (*uc_mmio_write_cb)(uc_engine *, uint64_t offset, unsigned size, uint64_t value, void *user);

typedef struct {
    uc_err (*open)(int arch, int mode, uc_engine **uc);
    uc_err (*close)(uc_engine *);
    uc_err (*ctl)(uc_engine *, int control, ...);
    uc_err (*emu_start)(uc_engine *, uint64_t begin, uint64_t until, uint64_t timeout, size_t count);
    uc_err (*emu_stop)(uc_engine *);
    uc_err (*reg_write)(uc_engine *, int id, const void *value);
    uc_err (*reg_read_batch)(uc_engine *, int *ids, void **values, int count);
    uc_err (*reg_write_batch)(uc_engine *, int *ids, void *const *values, int count);
    uc_err (*mem_map_ptr)(uc_engine *, uint64_t address, size_t size, uint32_t perms, void *host);
    uc_err (*mmio_map)(uc_engine *, uint64_t address, size_t size, uc_mmio_read_cb, void *, uc_mmio_write_cb, void *);
    uc_err (*hook_add)(uc_engine *, uc_hook *, int type, void *callback, void *user, uint64_t begin, uint64_t end, ...);
    uc_err (*hook_del)(uc_engine *, uc_hook);
    const char *(*strerror)(uc_err);
} UnicornApi;

enum { UC_ARCH_ARM = 1, UC_MODE_THUMB = 1 << 4, UC_CPU_ARM_CORTEX_M4 = 9 };
enum { UC_PROT_READ = 1, UC_PROT_WRITE = 2, UC_PROT_EXEC = 4 };
enum { UC_HOOK_INTR = 1 << 0, UC_HOOK_CODE = 1 << 2, UC_HOOK_BLOCK = 1 << 3, UC_HOOK_INSN_INVALID = 1 << 14,
       UC_HOOK_EDGE_GENERATED = 1 << 15, UC_HOOK_TLB_FILL = 1 << 17 };
enum { UC_MEM_READ = 16, UC_MEM_WRITE = 17, UC_MEM_FETCH = 18 };
enum { UC_TLB_VIRTUAL = 1 };
enum { UC_ERR_OK = 0 };

#define UC_CTL_WRITE(type, count) ((int)((unsigned)(type) | ((unsigned)(count) << 26) | (1u << 30)))
#define UC_CTL_CPU_MODEL UC_CTL_WRITE(7, 1)
#define UC_CTL_TB_REMOVE_CACHE UC_CTL_WRITE(9, 2)
#define UC_CTL_TB_FLUSH UC_CTL_WRITE(10, 0)
#define UC_CTL_TLB_FLUSH UC_CTL_WRITE(11, 0)
#define UC_CTL_TLB_TYPE UC_CTL_WRITE(12, 1)

enum {
    UC_REG_APSR_NZCV = 2,
    UC_REG_FPSCR = 6,
    UC_REG_LR = 10,
    UC_REG_PC = 11,
    UC_REG_SP = 12,
    UC_REG_R0 = 66,
    UC_REG_S0 = 79,
    UC_REG_IPSR = 114,
    UC_REG_MSP = 115,
    UC_REG_PSP = 116,
    UC_REG_CONTROL = 117,
    UC_REG_XPSR = 120,
    UC_REG_EPSR = 121,
    UC_REG_PRIMASK = 123,
    UC_REG_BASEPRI = 124,
    UC_REG_FAULTMASK = 126,
    UC_REG_XPSR_NZCVQG = 138,
};

#endif
