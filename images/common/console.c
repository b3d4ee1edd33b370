/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The console: USART2, polled (RM0090 30.3). */
#include "console.h"

#include <stdio.h>

#include "clock.h"
#include "gpio.h"
#include "stm32f407.h"

#define BAUD 115200UL
#define TXE_LIMIT 1000000UL /* polls; a byte takes 87 us */

__attribute__((weak)) void console_lock(void) {}
__attribute__((weak)) void console_unlock(void) {}

void console_start(void)
{
    gpio_alternate(PORT_D, 5, AF_USART2);
    gpio_alternate(PORT_D, 6, AF_USART2);
    RCC_APB1ENR |= RCC_APB1ENR_USART2EN;
    (void)RCC_APB1ENR;
    USART2_CR1 = 0;
    USART2_BRR = (clock_pclk1 + BAUD / 2) / BAUD; /* oversampling by 16: BRR is PCLK / baud (RM0090 30.3.4) */
    USART2_CR1 = USART_CR1_UE | USART_CR1_TE | USART_CR1_RE;
}

static void put(char byte)
{
    for (uint32_t polls = 0; polls < TXE_LIMIT && !(USART2_SR & USART_SR_TXE); polls++) {
    }
    USART2_DR = (uint8_t)byte;
}

void console_write(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n') {
            put('\r');
        }
        put(text[i]);
    }
}

int console_read(void)
{
    return USART2_SR & USART_SR_RXNE ? (int)(USART2_DR & 0xFF) : -1;
}

void console_printf(const char *format, ...)
{
    char line[160];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (length < 0) {
        return;
    }
    console_lock();
    console_write(line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
    console_unlock();
}
