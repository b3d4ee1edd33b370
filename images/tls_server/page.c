/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HTTP/1.0, as far as one page needs it (RFC 1945). */
#include "page.h"

#include <stdio.h>

bool request_ends(struct request_end *end, const unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '\n') {
            if (end->on_empty_line) {
                return true;
            }
            end->on_empty_line = true;
        } else if (bytes[i] != '\r') {
            end->on_empty_line = false;
        }
    }
    return false;
}

static int write_body(char *text, size_t size, const struct page_facts *facts)
{
    return snprintf(text, size,
                    "STM32F407 with mbed TLS and lwIP\n"
                    "uptime: %lu.%03lu s\n"
                    "handshakes: %u\n"
                    "free heap: %u bytes\n"
                    "ciphersuite: %s\n",
                    (unsigned long)facts->uptime_ms / 1000, (unsigned long)facts->uptime_ms % 1000, facts->handshakes,
                    (unsigned)facts->free_heap, facts->ciphersuite);
}

size_t page_write(char text[PAGE_MAX], const struct page_facts *facts)
{
    int body = write_body(NULL, 0, facts);
    int head = snprintf(text, PAGE_MAX,
                        "HTTP/1.0 200 OK\r\n"
                        "Content-Type: text/plain\r\n"
                        "Content-Length: %d\r\n"
                        "Connection: close\r\n"
                        "\r\n",
                        body);
    return (size_t)(head + write_body(text + head, PAGE_MAX - (size_t)head, facts));
}
