#include "vm-images/boot/init.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define EXIT_STOPPED 5

static void open_terminal(const struct console *console)
{
	char path[64];
	int fd;

	setsid();
	snprintf(path, sizeof(path), "/dev/%s", console->name);
	do
		fd = open(path, O_RDWR);
	while (fd < 0 && errno == EINTR);
	if (fd < 0)
		_exit(1);
	ioctl(fd, TIOCSCTTY, 1);
	dup2(fd, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	if (fd > 2)
		close(fd);
}

/* A serial line tells no size; 24 lines of 80 fit everywhere. */
static void set_size(void)
{
	struct winsize size = {.ws_row = 24, .ws_col = 80};
	struct winsize now = {0};

	if (ioctl(0, TIOCGWINSZ, &now) == 0 && now.ws_row == 0)
		ioctl(0, TIOCSWINSZ, &size);
}

static void environment(const struct console *console, const struct words *words)
{
	bool is_screen = strncmp(console->name, "tty", 3) == 0 && console->name[3] >= '0' &&
			 console->name[3] <= '9';

	clearenv();
	setenv("PATH", "/bin", 1);
	setenv("HOME", "/run/expunge", 1);
	setenv("LANG", "C.UTF-8", 1);
	setenv("TZ", "UTC", 1);
	setenv("TERM", is_screen ? "linux" : words->term ? words->term : "vt220", 1);
}

/* Waits for Enter. False: the line was hung up. */
static bool wait_enter(void)
{
	char c = 0;
	ssize_t n;

	tcflush(0, TCIFLUSH);
	do
		n = read(0, &c, 1);
	while ((n == 1 && c != '\n' && c != '\r') || (n < 0 && errno == EINTR));
	return n == 1;
}

/* The exit code; 128 and more: it was killed. */
static int run(const char *const argv[])
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		signal(SIGINT, SIG_DFL);
		signal(SIGQUIT, SIG_DFL);
		execv(argv[0], (char *const *)(size_t)argv);
		_exit(127);
	}
	if (pid < 0)
		return 127;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 127;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_expunge(const char *command, const struct consoles *all, const struct words *words)
{
	const char *argv[10 + 2 * CONSOLES_MAX] = {"/bin/expunge", command};
	char config[4200];
	char nodes[CONSOLES_MAX][40];
	size_t n = 2;

	config_path(config, sizeof(config), words);
	if (words->config || access(config, F_OK) == 0) {
		argv[n++] = "--config";
		argv[n++] = config;
	}
	if (words->stick) {
		argv[n++] = "--keep";
		argv[n++] = STICK_PLACE;
	}
	argv[n++] = "--state";
	argv[n++] = STATE_PLACE;
	for (size_t i = 0; all && i < all->n; i++) {
		snprintf(nodes[i], sizeof(nodes[i]), "/dev/%.31s", all->list[i].name);
		argv[n++] = "--console";
		argv[n++] = nodes[i];
	}
	argv[n] = NULL;
	return run(argv);
}

/* It speaks to all consoles, so the others are idle until it has ended. */
static void run_unattended(const struct consoles *all, const struct words *words)
{
	int rc = run_expunge("unattended", all, words);

	kill(1, SIGHUP);
	if (rc == EXIT_STOPPED)
		return;
	printf("\r\nThe unattended run has ended (exit code %d). Press Enter to go on.\r\n", rc);
	fflush(stdout);
	if (!wait_enter())
		_exit(1);
}

static void run_shell(void)
{
	static const char *const shell[] = {"/bin/busybox", "sh", "-l", NULL};

	printf("\nA shell. `expunge --help` lists the commands; `exit` goes to the screen of "
	       "expunge.\n");
	fflush(stdout);
	run(shell);
}

_Noreturn void console_keep(const struct console *console, const struct consoles *all,
			    const struct words *words)
{
	open_terminal(console);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	set_size();
	environment(console, words);
	if (chdir("/run/expunge"))
		_exit(1);
	if (!console->is_main) {
		printf("\r\nexpunge runs on another console. Press Enter to use it here, too.\r\n");
		fflush(stdout);
		if (!wait_enter())
			_exit(1);
	} else if (words->is_shell) {
		run_shell();
	} else if (all->is_unattended) {
		run_unattended(all, words);
	}
	for (;;) {
		int rc = run_expunge("tui", NULL, words);

		printf("\r\nexpunge ended (exit code %d). Press Enter to go on.\r\n", rc);
		fflush(stdout);
		if (!wait_enter())
			_exit(1);
	}
}
