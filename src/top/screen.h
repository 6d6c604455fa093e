/*
 * screen: what is seen live on a terminal, by ncurses; keys change what is shown.
 */
#ifndef VMSCOPE_TOP_SCREEN_H
#define VMSCOPE_TOP_SCREEN_H

#include "base/error.h"
#include "live/view.h"

struct screen;

/* Takes the terminal over. Return: 0 with *sp, owned by the caller; or ERR with err set. */
int screen_new(struct screen **sp, struct error *err);

/* Gives it back. */
void screen_free(struct screen *s);

/* As struct top_viewer's show and go_on; ctx is the screen. */
void screen_show(void *ctx, const struct view *v, const struct live *l, double rate, bool total);
bool screen_go_on(void *ctx, const struct live *l);

#endif
