/* put_lab: tests/cli/put_server.py beside a unit test: an https server that fails as it is told. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct put_lab {
	char dir[64];
	char url[64]; /* "https://127.0.0.1:PORT" */
	char ca[96];  /* the authority that vouches for it, a PEM file */
	pid_t pid;
};

/* OLD: no TLS that is newer than 1.1. What cannot be started ends the test program. */
void put_lab_open(struct put_lab *lab, bool old);
void put_lab_close(struct put_lab *lab);
/* What goes wrong from now on: the words of put_server.py; "" for nothing. */
void put_lab_mode(const struct put_lab *lab, const char *mode);
/* The file that the server holds under PATH: malloc'ed with a NUL behind it; NULL: none. */
char *put_lab_file(const struct put_lab *lab, const char *path, size_t *len);
