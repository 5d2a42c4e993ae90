#include "vm-images/boot/init.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* MS_LAZYTIME, which not every C library names */
#define LAZYTIME (1ul << 25)

#define MBR_BYTES      512
#define MBR_DISK_ID    0x1b8
#define MBR_ENTRY(n)   (0x1be + 16 * ((n)-1))
#define MBR_ENTRY_LBA  8
#define MBR_SIGNATURE  0x1fe
#define MBR_PARTITIONS 4

static uint32_t le32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* "1234abcd-01": the disk's number and the partition's. */
static bool take_partuuid(uint32_t *id, unsigned *part, const char *text)
{
	char *end;
	unsigned long value;

	if (strlen(text) != 11 || text[8] != '-' || strspn(text, "0123456789abcdef") != 8 ||
	    strspn(text + 9, "0123456789abcdef") != 2)
		return false;
	value = strtoul(text, &end, 16);
	*id = (uint32_t)value;
	*part = (unsigned)strtoul(text + 9, &end, 16);
	return *part >= 1 && *part <= MBR_PARTITIONS;
}

static bool number_of(unsigned long *out, const char *format, const char *sys, const char *disk,
		      const char *node)
{
	char path[512];
	char text[32];
	char *end;

	snprintf(path, sizeof(path), "%s/class/block/%s/%s/%s", sys, disk, node, format);
	if (!read_line(text, sizeof(text), path))
		return false;
	*out = strtoul(text, &end, 10);
	return end != text && !*end;
}

/* Whether PART of DISK begins, by the disk's own table, where the kernel has NODE. */
static bool is_it(const char *disk, const char *node, uint32_t id, unsigned part, const char *sys,
		  const char *dev)
{
	unsigned char mbr[MBR_BYTES];
	unsigned long number;
	unsigned long start;
	char path[512];
	ssize_t n;
	int fd;

	if (!number_of(&number, "partition", sys, disk, node) || number != part ||
	    !number_of(&start, "start", sys, disk, node))
		return false;
	snprintf(path, sizeof(path), "%s/%s", dev, disk);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = pread(fd, mbr, sizeof(mbr), 0);
	close(fd);
	return n == MBR_BYTES && mbr[MBR_SIGNATURE] == 0x55 && mbr[MBR_SIGNATURE + 1] == 0xaa &&
	       le32(mbr + MBR_DISK_ID) == id &&
	       le32(mbr + MBR_ENTRY(part) + MBR_ENTRY_LBA) == start;
}

enum stick_found stick_find(char *node, size_t size, const char *partuuid, const char *sys,
			    const char *dev)
{
	enum stick_found found = STICK_NONE;
	struct dirent *entry;
	char path[512];
	uint32_t id;
	unsigned part;
	DIR *disks;

	node[0] = '\0';
	if (!take_partuuid(&id, &part, partuuid))
		return STICK_NONE;
	snprintf(path, sizeof(path), "%s/class/block", sys);
	disks = opendir(path);
	if (!disks)
		return STICK_NONE;
	while ((entry = readdir(disks))) {
		const char *disk = entry->d_name;
		size_t len = strlen(disk);
		char name[32];

		if (disk[0] == '.' || len > 20)
			continue;
		snprintf(name, sizeof(name), "%.20s%s%u", disk,
			 disk[len - 1] >= '0' && disk[len - 1] <= '9' ? "p" : "", part);
		if (!is_it(disk, name, id, part, sys, dev))
			continue;
		found = found == STICK_NONE ? STICK_ONE : STICK_MANY;
		snprintf(node, size, "%s", name);
	}
	closedir(disks);
	if (found == STICK_MANY)
		node[0] = '\0';
	return found;
}

/* What udev would make: expunge knows by this name which disk it must never erase. */
static void name_it(const char *node, const char *partuuid)
{
	char link[128];
	char target[64];

	mkdir("/dev/disk", 0755);
	mkdir("/dev/disk/by-partuuid", 0755);
	snprintf(link, sizeof(link), "/dev/disk/by-partuuid/%.16s", partuuid);
	snprintf(target, sizeof(target), "../../%.32s", node);
	unlink(link);
	if (symlink(target, link))
		say("%s cannot be made: %s", link, strerror(errno));
}

bool stick_look(struct stick *stick, const char *partuuid)
{
	static const char *const options = "umask=0077,utf8=1,codepage=437,iocharset=ascii,tz=UTC,"
					   "shortname=mixed,errors=remount-ro";
	/* lazytime: the folder in which the boxes stand is not written each time that they are */
	const unsigned long flags = MS_NODEV | MS_NOSUID | MS_NOEXEC | MS_NOATIME | LAZYTIME;
	char dev[64];
	char node[32];
	enum stick_found found;

	if (stick->is_mounted)
		return true;
	found = stick_find(node, sizeof(node), partuuid, "/sys", "/dev");
	if (found == STICK_MANY && !stick->is_told) {
		say("two sticks of this image are plugged in: none of them is used. Pull one out");
		stick->is_told = true;
	}
	if (found != STICK_ONE)
		return false;
	snprintf(dev, sizeof(dev), "/dev/%.32s", node);
	name_it(node, partuuid);
	mkdir(STICK_PLACE, 0700);
	if (mount(dev, STICK_PLACE, "vfat", flags, options) &&
	    mount(dev, STICK_PLACE, "vfat", MS_RDONLY | flags, options)) {
		say("the stick's data partition %s cannot be read: %s", dev, strerror(errno));
		return false;
	}
	stick->is_mounted = true;
	snprintf(stick->node, sizeof(stick->node), "%s", node);
	say("the stick's data partition is %s", dev);
	return true;
}

bool stick_is_gone(struct stick *stick)
{
	char path[128];

	if (!stick->is_mounted)
		return false;
	snprintf(path, sizeof(path), "/sys/class/block/%.32s", stick->node);
	if (access(path, F_OK) == 0)
		return false;
	umount2(STICK_PLACE, MNT_DETACH);
	stick->is_mounted = false;
	stick->is_told = false;
	stick->node[0] = '\0';
	say("the stick was pulled out; what is kept on it waits until it is back");
	return true;
}
