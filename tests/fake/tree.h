/*
 * tree: builds a captured tree (sysfs, procfs, dev, udev's database) in a temporary folder from a
 *small text file. Its own words, one line each, spell out how the kernel lays such a stack out:
 *
 *	dir PATH			file PATH TEXT		link PATH TARGET
 *	disk NAME MAJ:MIN DIR SECTORS	a disk below /sys/devices/DIR/block; DIR "virtual": no
 *hardware nvme NAME MAJ:MIN DIR SECTORS	a namespace below the controller's or subsystem's
 *folder DIR part NAME MAJ:MIN DISK NUMBER START SECTORS set NAME ATTRIBUTE TEXT		an
 *attribute of a node hold BELOW ABOVE		a holder, linked both ways proc PID COMM NAMESPACE
 *a process; NAMESPACE is the number in "mnt:[...]" fd PID NUMBER PATH		what it has open
 *	mount PID LINE			a line of its mountinfo
 *	swap PATH TYPE			a line of /proc/swaps
 *
 * "\n" in a TEXT is a line end; '#' begins a comment line.
 */
#pragma once
#include "device/sysroot.h"

struct xp_tree {
	char dir[256];
	struct xp_sysroot root;
};

/* An empty tree. What cannot be built ends the test program. */
void xp_tree_new(struct xp_tree *tree);
/* Adds a manifest below tests/data/trees, or lines of text. */
void xp_tree_add_manifest(struct xp_tree *tree, const char *manifest);
void xp_tree_add(struct xp_tree *tree, const char *text);
void xp_tree_remove(struct xp_tree *tree);
