// SPDX-License-Identifier: GPL-2.0-only
/* The bus and its processes; see fake-bus.h. What the server says: fake-server.c. */
#include "fake-bus.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "fake-server.h"
#include "test.h"

static const char config[] =
	"<busconfig><type>session</type><listen>unix:path=%s/bus</listen>"
	"<auth>EXTERNAL</auth><policy context='default'><allow user='*'/><allow send_destination='*'/>"
	"<allow receive_sender='*'/><allow own='*'/></policy>"
	"<limit name='max_message_size'>67108864</limit></busconfig>";

/* In a child that does not outlive the test. */
static void begin_child(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
}

void fake_bus_start(struct fake_bus *b)
{
	char file[300], option[320], line[256];
	int fds[2];

	(void)snprintf(file, sizeof(file), "%s/bus.conf", b->dir);
	(void)snprintf(option, sizeof(option), "--config-file=%s", file);
	if (pipe(fds) < 0)
		abort();
	fflush(NULL);
	b->bus = fork();
	if (b->bus == 0) {
		begin_child();
		if (dup2(fds[1], 3) < 0)
			_exit(99);
		(void)fcntl(3, F_SETFD, 0);
		(void)!freopen("/dev/null", "w", stderr);	/* it may say that it may not raise limits */
		execlp("dbus-daemon", "dbus-daemon", option, "--nofork", "--nopidfile",
		       "--nosyslog", "--print-address=3", NULL);
		_exit(98);
	}
	close(fds[1]);
	/* The address is printed when it listens. */
	if (b->bus < 0 || read(fds[0], line, sizeof(line)) <= 0) {
		fprintf(stderr, "no dbus-daemon\n");
		abort();
	}
	close(fds[0]);
}

static void end(pid_t *pid)
{
	if (*pid > 0) {
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
	}
	*pid = 0;
}

void fake_bus_stop(struct fake_bus *b)
{
	char socket[300];

	end(&b->bus);
	(void)snprintf(socket, sizeof(socket), "%s/bus", b->dir);
	unlink(socket);
}

void fake_bus_init(struct fake_bus *b)
{
	char text[512];
	FILE *f;

	*b = (struct fake_bus){ .commands = -1 };
	(void)snprintf(b->dir, sizeof(b->dir), "%s", test_dir());
	b->shared = mmap(NULL, sizeof(*b->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	(void)snprintf(text, sizeof(text), "%s/bus.conf", b->dir);
	f = fopen(text, "we");
	if (b->shared == MAP_FAILED || !f)
		abort();
	fprintf(f, config, b->dir);
	fclose(f);
	(void)snprintf(text, sizeof(text), "unix:path=%s/bus", b->dir);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", text, 1);
	fake_bus_start(b);
}

void fake_server_start(struct fake_bus *b)
{
	int commands[2], ready[2];
	char c;

	if (pipe2(commands, O_CLOEXEC) < 0 || pipe2(ready, O_CLOEXEC) < 0)
		abort();
	fflush(NULL);
	b->server = fork();
	if (b->server == 0) {
		begin_child();
		close(commands[1]);
		close(ready[0]);
		fake_server_run(b->shared, commands[0], ready[1]);
	}
	close(commands[0]);
	close(ready[1]);
	if (b->server < 0 || read(ready[0], &c, 1) != 1)
		abort();
	close(ready[0]);
	safe_close(b->commands);
	b->commands = commands[1];
}

void fake_server_kill(struct fake_bus *b)
{
	end(&b->server);
}

void fake_server_emit(struct fake_bus *b, char what, uint64_t id)
{
	struct fake_command c = { .id = id, .what = what };

	if (write(b->commands, &c, sizeof(c)) != sizeof(c))
		abort();
}

void fake_bus_done(struct fake_bus *b)
{
	fake_server_kill(b);
	fake_bus_stop(b);
	safe_close(b->commands);
	munmap(b->shared, sizeof(*b->shared));
}
