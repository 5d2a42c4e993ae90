#include "tests/fake/put_lab.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SERVER "tests/cli/put_server.py"
/* one certificate is authority and server: for the address that it listens at */
#define MAKE_CERT                                                                                  \
	"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout %s/key "     \
	"-out %s/cert -subj /CN=put-lab -days 2 -addext basicConstraints=critical,CA:TRUE "        \
	"-addext subjectAltName=IP:127.0.0.1 2>%s/errors"

static void run_server(const struct put_lab *lab, int out, bool old)
{
	char files[96], cert[96], key[96], mode[96], errors[96];

	snprintf(files, sizeof(files), "%s/files", lab->dir);
	snprintf(cert, sizeof(cert), "%s/cert", lab->dir);
	snprintf(key, sizeof(key), "%s/key", lab->dir);
	snprintf(mode, sizeof(mode), "%s/mode", lab->dir);
	snprintf(errors, sizeof(errors), "%s/errors", lab->dir);
	/* a test that ends early leaves no server behind */
	if (dup2(out, STDOUT_FILENO) < 0 || !freopen(errors, "a", stderr) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		_exit(1);
	execlp("python3", "python3", "-W", "ignore", SERVER, files, cert, key, mode, "127.0.0.1",
	       old ? "old" : NULL, NULL);
	_exit(1);
}

void put_lab_open(struct put_lab *lab, bool old)
{
	char command[512];
	char port[16] = "";
	int fds[2];

	*lab = (struct put_lab){0};
	snprintf(lab->dir, sizeof(lab->dir), "/tmp/xp-put-XXXXXX");
	if (!mkdtemp(lab->dir))
		abort();
	snprintf(command, sizeof(command), MAKE_CERT, lab->dir, lab->dir, lab->dir);
	if (system(command) != 0 || pipe(fds) != 0)
		abort();
	lab->pid = fork();
	if (lab->pid == 0)
		run_server(lab, fds[1], old);
	close(fds[1]);
	if (lab->pid < 0 || read(fds[0], port, sizeof(port) - 1) <= 0)
		abort();
	close(fds[0]);
	port[strcspn(port, "\n")] = 0;
	snprintf(lab->url, sizeof(lab->url), "https://127.0.0.1:%s", port);
	snprintf(lab->ca, sizeof(lab->ca), "%s/cert", lab->dir);
}

void put_lab_close(struct put_lab *lab)
{
	char command[96];

	kill(lab->pid, SIGKILL);
	waitpid(lab->pid, NULL, 0);
	snprintf(command, sizeof(command), "rm -rf '%s'", lab->dir);
	if (system(command) != 0)
		abort();
}

void put_lab_mode(const struct put_lab *lab, const char *mode)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/mode", lab->dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, mode, strlen(mode)) != (ssize_t)strlen(mode) || close(fd))
		abort();
}

char *put_lab_file(const struct put_lab *lab, const char *path, size_t *len)
{
	char name[512];
	char *data = NULL;

	snprintf(name, sizeof(name), "%s/files/%s", lab->dir, path);
	return xp_file_read(&data, len, name, 64u << 20, NULL) == XP_OK ? data : NULL;
}
