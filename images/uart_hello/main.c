/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The smallest image: one line on USART2, then every byte received goes back. Runs from the HSI. */
#include "console.h"

int main(void)
{
    console_start();
    console_printf("hello from uart_hello: USART2, 115200 8N1\n");
    for (;;) {
        int byte = console_read();
        if (byte >= 0) {
            char echo = (char)byte;
            console_write(&echo, 1);
        }
    }
}
