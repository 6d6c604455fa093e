/*
 * clock_origin: what a time of 0 means, from the recording to the screen.
 *
 * Few tracers know the time of day; most count from about when the machine was booted. Only times
 * since the Epoch are ever shown as dates or times of day, or read as such; all others are seconds.
 */
#ifndef VMSCOPE_BASE_CLOCK_ORIGIN_H
#define VMSCOPE_BASE_CLOCK_ORIGIN_H

enum clock_origin {
	CLOCK_ORIGIN_UNKNOWN, /* only differences of times mean something */
	CLOCK_ORIGIN_BOOT,    /* about when the machine was switched on */
	CLOCK_ORIGIN_EPOCH,   /* 1970-01-01 UTC: a wall clock */
};

/* Return: "epoch" or "boot", as results files have it; NULL where it is not known. */
const char *clock_origin_name(enum clock_origin origin);

/* Return: the origin of that name; unknown for NULL and all other words. */
enum clock_origin clock_origin_of_name(const char *name);

/* Return: what a time in seconds is followed by, " after boot"; "" where that is not known, or
 * where it is a date. */
const char *clock_origin_words(enum clock_origin origin);

#endif
