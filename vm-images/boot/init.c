#include "vm-images/boot/init.h"

#include "base/patient.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define STICK_WAIT_S 20
#define END_WAIT_S   15

static struct consoles consoles;

void say(const char *format, ...)
{
	static bool is_stuck[CONSOLES_MAX];
	char text[512];
	char path[64];
	va_list args;
	int fd;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		dprintf(fd, "<6>expunge: %s\n", text);
		close(fd);
	}
	for (size_t i = 0; i < consoles.n; i++) {
		snprintf(path, sizeof(path), "/dev/%.31s", consoles.list[i].name);
		fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0) {
			char line[sizeof(text) + 16];
			int len = snprintf(line, sizeof(line), "expunge: %s\r\n", text);

			(void)xp_write_patiently(fd, line, (size_t)len, &is_stuck[i]);
			close(fd);
		}
	}
}

static void mount_all(void)
{
	static const struct {
		const char *type;
		const char *place;
		unsigned long flags;
		const char *options;
	} all[] = {
		{"devtmpfs", "/dev", MS_NOSUID | MS_NOEXEC, "mode=0755"},
		{"proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL},
		{"sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL},
		{"securityfs", "/sys/kernel/security", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL},
		{"tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=0755"},
		{"tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777"},
		{"devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, "mode=0620"},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		mkdir(all[i].place, 0755);
		if (mount(all[i].type, all[i].place, all[i].type, all[i].flags, all[i].options))
			say("%s cannot be mounted: %s", all[i].place, strerror(errno));
	}
	mkdir("/run/expunge", 0700);
	mkdir(STATE_PLACE, 0700);
	mkdir(STICK_PLACE, 0700);
}

/* The consoles that the command line names and that are there; tty0 is the first screen. */
static void find_consoles(void)
{
	char text[256];
	char *save = NULL;

	if (!read_line(text, sizeof(text), "/sys/class/tty/console/active"))
		text[0] = '\0';
	for (char *name = strtok_r(text, " ", &save); name && consoles.n < CONSOLES_MAX;
	     name = strtok_r(NULL, " ", &save)) {
		struct console *c = &consoles.list[consoles.n++];

		snprintf(c->name, sizeof(c->name), "%.31s", strcmp(name, "tty0") ? name : "tty1");
	}
	if (!consoles.n)
		snprintf(consoles.list[consoles.n++].name, sizeof(consoles.list[0].name),
			 "console");
	consoles.list[consoles.n - 1].is_main = true;
}

static void tell_machine(void)
{
	char text[128];
	const char *lockdown = "off";

	if (read_line(text, sizeof(text), "/sys/kernel/security/lockdown") &&
	    !strstr(text, "[none]"))
		lockdown = "on";
	say("started by %s, the kernel's lockdown is %s",
	    access("/sys/firmware/efi", F_OK) == 0 ? "UEFI" : "BIOS", lockdown);
}

static pid_t start_console(const struct console *console, const struct words *words)
{
	pid_t pid = fork();
	sigset_t none;

	if (pid)
		return pid;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	console_keep(console, &consoles, words);
}

/* Those that do not run; in an unattended run the main one speaks to all of them. */
static void start_consoles(pid_t *pids, const struct words *words)
{
	for (size_t i = 0; i < consoles.n; i++)
		if (pids[i] <= 0 && (consoles.list[i].is_main || !consoles.is_unattended))
			pids[i] = start_console(&consoles.list[i], words);
}

/* Sends everybody home, waits for those that write, and ends. */
static _Noreturn void end(int how)
{
	struct timespec tenth = {.tv_nsec = 100000000};
	bool are_all_gone = false;

	say("%s", how == RB_AUTOBOOT ? "the machine starts again" : "the machine is switched off");
	kill(-1, SIGTERM);
	kill(-1, SIGCONT);
	for (int i = 0; i < END_WAIT_S * 10 && !are_all_gone; i++) {
		pid_t pid;

		do
			pid = waitpid(-1, NULL, WNOHANG);
		while (pid > 0);
		are_all_gone = pid < 0 && errno == ECHILD;
		if (!are_all_gone)
			nanosleep(&tenth, NULL);
	}
	if (!are_all_gone)
		say("a program does not end, and is killed");
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	sync();
	if (umount2(STICK_PLACE, 0) && errno != EINVAL)
		umount2(STICK_PLACE, MNT_DETACH);
	sync();
	reboot(how);
	for (;;)
		pause();
}

/* As other first programs take them: `poweroff` and `reboot` of busybox send these, too. */
static void obey_signals(int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGUSR1:
		case SIGUSR2:
		case SIGPWR:
			end(RB_POWER_OFF);
		case SIGTERM:
		case SIGINT:
			end(RB_AUTOBOOT);
		case SIGHUP:
			consoles.is_unattended = false;
			break;
		default:
			break;
		}
	}
}

static void take_signals(int fd, pid_t *pids, const struct words *words)
{
	pid_t pid;

	obey_signals(fd);
	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (size_t i = 0; i < consoles.n; i++)
			if (pids[i] == pid)
				pids[i] = 0;
	start_consoles(pids, words);
}

/* The kernel's word that something came or went. */
static int open_events(void)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
	int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}

static void drop_events(int fd)
{
	char event[4096];
	ssize_t n;

	do
		n = read(fd, event, sizeof(event));
	while (n > 0 || (n < 0 && errno == ENOBUFS));
}

static time_t seconds(void)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* USB takes its time; whoever has no stick waits STICK_WAIT_S once. */
static void wait_stick(struct stick *stick, const struct words *words, int events)
{
	struct pollfd p = {.fd = events, .events = POLLIN};
	time_t end = seconds() + STICK_WAIT_S;

	/* by the clock: forty drives that appear meanwhile are hundreds of events */
	while (words->stick && seconds() < end) {
		if (stick_look(stick, words->stick))
			return;
		if (poll(&p, 1, 250) > 0)
			drop_events(events);
	}
	if (words->stick)
		say("the stick's data partition %s is not there: nothing can be kept on it",
		    words->stick);
}

static void block_signals(int *fd)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGPWR);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_SETMASK, &set, NULL);
	*fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Half a system might do half of what it says: it does nothing, and says so. */
static void tell_broken(const struct whole *w)
{
	struct sysinfo info = {0};

	(void)sysinfo(&info);
	say("THE SYSTEM WAS NOT READ WHOLE. Nothing was touched, and nothing is erased with it");
	if (w->bad)
		say("%lu of its files are missing or damaged: %s%s", w->bad, w->first,
		    w->bad > 1 ? ", and others" : "");
	if (!w->is_listed)
		say("the list of its files, which comes last, is missing or cut short");
	say("Either the stick is damaged or was not written to its end: write it anew. Or this "
	    "machine has too little memory: it has %lu MiB",
	    (unsigned long)((unsigned long long)info.totalram * info.mem_unit >> 20));
	say("r and Enter start the machine again, p and Enter switch it off");
}

static _Noreturn void stop_broken(int signals, const struct whole *w, const struct words *words)
{
	struct pollfd p[CONSOLES_MAX + 1] = {{.fd = signals, .events = POLLIN}};
	char path[64];
	char c;

	/* a keyboard may need one of them; the kernel refuses what is cut off */
	if (!w->are_drivers_bad)
		drivers_load(words, "base");
	tell_broken(w);
	for (size_t i = 0; i < consoles.n; i++) {
		snprintf(path, sizeof(path), "/dev/%.31s", consoles.list[i].name);
		p[i + 1].fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
		p[i + 1].events = POLLIN;
		(void)tcflush(p[i + 1].fd, TCIFLUSH);
	}
	for (;;) {
		poll(p, consoles.n + 1, -1);
		obey_signals(signals);
		for (size_t i = 1; i <= consoles.n; i++) {
			if (p[i].revents & ~POLLIN)
				p[i].fd = -1;
			while ((p[i].revents & POLLIN) && read(p[i].fd, &c, 1) == 1) {
				if (c == 'r' || c == 'R')
					end(RB_AUTOBOOT);
				if (c == 'p' || c == 'P')
					end(RB_POWER_OFF);
			}
		}
	}
}

static _Noreturn void watch(int signals, int events, struct stick *stick, const struct words *words)
{
	pid_t pids[CONSOLES_MAX] = {0};

	start_consoles(pids, words);
	for (;;) {
		struct pollfd p[2] = {{.fd = signals, .events = POLLIN},
				      {.fd = events, .events = POLLIN}};

		poll(p, 2, -1);
		if (p[1].revents) {
			drop_events(events);
			stick_is_gone(stick);
			if (words->stick)
				stick_look(stick, words->stick);
		}
		take_signals(signals, pids, words);
	}
}

int main(void)
{
	static struct words words;
	static struct stick stick;
	static struct whole whole;
	static const char *const unattended[] = {"\"unattended\"", NULL};
	char config[4200];
	int signals = -1;
	int events;

	if (getpid() != 1) {
		fputs("init: this is the first program of the boot image\n", stderr);
		return 64;
	}
	umask(022);
	block_signals(&signals);
	reboot(RB_DISABLE_CAD);
	mount_all();
	find_consoles();
	if (!words_read(&words, "/proc/cmdline"))
		say("the kernel's command line cannot be read");
	tell_machine();
	if (!whole_check(&whole, ""))
		stop_broken(signals, &whole, &words);
	events = open_events();
	drivers_load(&words, "base");
	drivers_load(&words, "storage");
	wait_stick(&stick, &words, events);
	config_path(config, sizeof(config), &words);
	keyboard_set(&words, config);
	consoles.is_unattended =
		words.unattended == 1 || (words.unattended && config_has(config, unattended));
	if (words.net ? !strcmp(words.net, "dhcp") : !words.stick || net_is_asked(config))
		net_start(&words);
	watch(signals, events, &stick, &words);
}
