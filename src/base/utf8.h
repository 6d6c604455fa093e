/*
 * utf8: text that comes from anywhere, to be put where only UTF-8 is allowed.
 */
#ifndef VMSCOPE_BASE_UTF8_H
#define VMSCOPE_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* What stands for a byte that is no UTF-8: U+FFFD. */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/* Return: how many of the n >= 1 bytes the sound sequence at `at` has; 0 if there is none. */
size_t utf8_length(const uint8_t *at, size_t n);

#endif
