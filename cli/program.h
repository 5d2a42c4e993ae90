/* program: what a record says of the program that wrote it, and of the boot it ran in. */
#pragma once

/* The kernel's boot id, or zeros. */
void xp_program_boot_id(char out[37]);
/* SHA-256 of the program file that runs; empty where it cannot be read. */
void xp_program_sha256(char out[65]);
