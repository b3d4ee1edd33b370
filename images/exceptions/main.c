/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The core's exception model, judged by code that runs the same on silicon, on QEMU and here. Prints PASS or FAIL. */
#include "check.h"
#include "console.h"

static bool failed;

void check(bool holds, const char *what)
{
    if (!holds) {
        failed = true;
        console_printf("FAIL: %s\n", what);
    }
}

int main(void)
{
    console_start();
    console_printf("exceptions: switches, nesting, masks, frames, faults\n");
    check_frames();
    check_nesting();
    check_masks();
    check_switches();
    check_faults();
    console_printf(failed ? "FAILED\n" : "PASS\n");
    failed = false;
    check_traps();
    console_printf(failed ? "traps FAILED\n" : "traps PASS\n");
    for (;;) {
    }
}
