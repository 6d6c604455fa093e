/*
 * error: a failure with the chain of causes that led to it.
 *
 * The function that meets the failure sets the message; every caller that knows more about what
 * was wanted wraps it. The result reads from what the user asked for down to the system call:
 *
 *	cannot read trace 'host': cannot map 'host/kernel/k_0': Permission denied
 *
 * All functions here that report a failure return ERR, so that a caller can write
 * `return error_wrap(err, ...)`. A negative return value is forwarded unchanged by everyone.
 */
#ifndef VMSCOPE_BASE_ERROR_H
#define VMSCOPE_BASE_ERROR_H

enum { ERR = -1 };

struct error {
	char *text; /* owned; NULL while there is no error */
};

/* Sets the innermost message. Return: ERR. */
int error_set(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Like error_set(), followed by ": " and the text of errnum. Return: ERR. */
int error_errno(struct error *err, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "message: " before what is there already. Return: ERR. */
int error_wrap(struct error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void error_deinit(struct error *err);

#endif
