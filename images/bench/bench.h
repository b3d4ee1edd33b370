/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>

/* What an image of this folder measures: a fixed amount of work. The result depends on all of it, so that no compiler
 * drops any, and is printed, so that two machines can be seen to have done the same. */
uint32_t bench_work(void);

#endif
