#include "vm-images/boot/init.h"

#include <dirent.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

bool net_is_asked(const char *config)
{
	static const char *const needs[] = {"\"upload\"", "\"ntp\"", "\"https://", NULL};

	return config_has(config, needs);
}

static void link_up(const char *name)
{
	struct ifreq request = {0};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFFLAGS, &request) == 0) {
		request.ifr_flags |= IFF_UP;
		if (ioctl(fd, SIOCSIFFLAGS, &request))
			say("the network interface %s does not come up", name);
	}
	close(fd);
}

/* Its own process: it goes on asking, renews the lease, and ends with the machine. */
static void ask_address(const char *name)
{
	pid_t pid = fork();

	if (pid)
		return;
	execl("/bin/busybox", "udhcpc", "-f", "-R", "-i", name, "-s", "/etc/udhcpc", "-t", "5",
	      "-A", "5", "-S", (char *)NULL);
	_exit(127);
}

void net_start(const struct words *words)
{
	struct dirent *entry;
	DIR *all;

	drivers_load(words, "net");
	link_up("lo");
	all = opendir("/sys/class/net");
	if (!all)
		return;
	while ((entry = readdir(all))) {
		const char *name = entry->d_name;

		if (name[0] == '.' || !strcmp(name, "lo") || strlen(name) >= IFNAMSIZ)
			continue;
		link_up(name);
		say("the network interface %s asks for an address", name);
		ask_address(name);
	}
	closedir(all);
}
