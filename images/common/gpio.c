/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pin multiplexing (RM0090 8.3). */
#include "gpio.h"
#include "stm32f407.h"

static void set_field(volatile uint32_t *reg, unsigned index, unsigned width, uint32_t value)
{
    uint32_t mask = (BIT(width) - 1) << (index * width);
    *reg = (*reg & ~mask) | value << (index * width);
}

void gpio_alternate(unsigned port, unsigned pin, uint32_t function)
{
    RCC_AHB1ENR |= RCC_AHB1ENR_GPIO(port);
    (void)RCC_AHB1ENR; /* two cycles before the port answers (STM32F40x errata 2.1.13) */
    set_field(&GPIO_AFR(port, pin), pin % 8, 4, function);
    set_field(&GPIO_OSPEEDR(port), pin, 2, GPIO_SPEED_VERY_HIGH);
    set_field(&GPIO_MODER(port), pin, 2, GPIO_MODE_ALTERNATE);
}
