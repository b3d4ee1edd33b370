/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PAGE_H
#define PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_MAX 512

struct page_facts {
    uint32_t uptime_ms;
    unsigned handshakes;
    size_t free_heap;
    const char *ciphersuite;
};

/* How far into the end of a request the bytes seen so far are; starts zeroed. */
struct request_end {
    bool on_empty_line;
};

/* Whether the blank line that ends an HTTP request is among these bytes. */
bool request_ends(struct request_end *end, const unsigned char *bytes, size_t length);

/* Write an HTTP response with a page about the device; returns its length. */
size_t page_write(char text[PAGE_MAX], const struct page_facts *facts);

#endif
