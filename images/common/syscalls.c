/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What newlib asks of a system. There are no files and no newlib heap: malloc fails, output goes to the console. */
#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>

#include "console.h"

int _close(int file);
int _fstat(int file, struct stat *status);
int _isatty(int file);
long _lseek(int file, long offset, int whence);
int _read(int file, char *buffer, int length);
void *_sbrk(ptrdiff_t increment);
int _write(int file, const char *text, int length);
void _exit(int status);
int _kill(int pid, int signal);
int _getpid(void);

static int unsupported(void)
{
    errno = ENOSYS;
    return -1;
}

int _close(int file) { (void)file; return unsupported(); }
int _isatty(int file) { (void)file; return 1; }
long _lseek(int file, long offset, int whence) { (void)file; (void)offset; (void)whence; return unsupported(); }
int _read(int file, char *buffer, int length) { (void)file; (void)buffer; (void)length; return unsupported(); }
int _kill(int pid, int signal) { (void)pid; (void)signal; return unsupported(); }
int _getpid(void) { return 1; }

int _fstat(int file, struct stat *status)
{
    (void)file;
    status->st_mode = S_IFCHR;
    return 0;
}

void *_sbrk(ptrdiff_t increment)
{
    (void)increment;
    errno = ENOMEM;
    return (void *)-1;
}

int _write(int file, const char *text, int length)
{
    (void)file;
    console_write(text, (size_t)length);
    return length;
}

void _exit(int status)
{
    console_printf("exit %d\n", status);
    for (;;) {
    }
}
