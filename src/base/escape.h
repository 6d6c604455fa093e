/*
 * escape: text from traces (names of hosts, events, threads and files), to be shown to people.
 *
 * It may hold what whoever shows it acts on: a terminal's escapes, control characters of one byte
 * or of U+0080 to U+009F, marks that turn the direction of text around, bytes that are no UTF-8.
 * What is shown instead says which it is: \x1b, \u202e.
 */
#ifndef VMSCOPE_BASE_ESCAPE_H
#define VMSCOPE_BASE_ESCAPE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { ESCAPE_SIZE = 8 /* bytes that stand for one, at most, with the NUL */ };

/*
 * Return: how many of the n >= 1 bytes at `at` are one thing that must not be shown as it is; 0:
 * the character there may be.
 */
size_t escape_unsafe(const uint8_t *at, size_t n);

/* Writes what is shown instead of the `length` bytes that escape_unsafe() found. */
void escape_name(char to[ESCAPE_SIZE], const uint8_t *at, size_t length);

/* To a FILE; lines and tabs stay. */
void escape_write(FILE *f, const char *text, size_t n);
void escape_print(FILE *f, const char *text);

#endif
