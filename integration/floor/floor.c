/* floor is the least that a follower of systemd can cost: a bare reader on sd-bus and
 * sd-journal. It asks for the same signals as sdwhy (watcher/link.go, rules) and the
 * same journal entries (journal/match.go, followTerms), walks through them, takes the
 * same properties and fields out, and throws all away. One process, one poll.
 *
 *   gcc -O2 -o floor floor.c -lsystemd
 *
 * On SIGUSR1 and at its end it prints "jobs=N signals=N entries=N" to stdout: the
 * JobRemoved of units whose name begins with "storm", all signals, all entries.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>

#define SYSTEMD "org.freedesktop.systemd1"
#define PROPERTIES "org.freedesktop.DBus.Properties"

static unsigned long jobs, signals, entries;
static int removed; /* a JobRemoved came: its closing entry can be read already */
static volatile sig_atomic_t asked, ended;

static void on_signal(int n) { *(n == SIGUSR1 ? &asked : &ended) = 1; }

static void must(int r, const char *what) {
    if (r < 0) { fprintf(stderr, "floor: %s: %s\n", what, strerror(-r)); exit(1); }
}

/* property reads one value if it is wanted, and skips it if not. */
static int property(sd_bus_message *m, const char *name) {
    static const struct { const char *name, *type; } wanted[] = {
        {"ActiveState", "s"}, {"SubState", "s"}, {"InvocationID", "ay"}, {"Job", "(uo)"},
        {"StateChangeTimestampMonotonic", "t"}, {"StateChangeTimestamp", "t"},
        {"InactiveExitTimestampMonotonic", "t"}, {"ActiveEnterTimestampMonotonic", "t"},
        {"ActiveExitTimestampMonotonic", "t"}, {"InactiveEnterTimestampMonotonic", "t"},
        {"ConditionResult", "b"}, {"ConditionTimestampMonotonic", "t"}, {"AssertResult", "b"}, {"AssertTimestampMonotonic", "t"},
        {"Result", "s"}, {"ReloadResult", "s"}, {"NRestarts", "u"}, {"MainPID", "u"}, {"ControlPID", "u"},
        {"ExecMainPID", "u"}, {"ExecMainCode", "i"}, {"ExecMainStatus", "i"},
        {"ExecMainStartTimestampMonotonic", "t"}, {"ExecMainExitTimestampMonotonic", "t"}, {"LastTriggerUSecMonotonic", "t"},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        if (strcmp(name, wanted[i].name)) continue;
        const char *type = wanted[i].type, *text;
        uint64_t number;
        const void *bytes;
        size_t n;
        int r = sd_bus_message_enter_container(m, 'v', type);
        if (r < 0) return r;
        if (*type == '(') r = sd_bus_message_read(m, "(uo)", (uint32_t *)&number, &text);
        else if (*type == 'a') r = sd_bus_message_read_array(m, 'y', &bytes, &n);
        else if (*type == 's') r = sd_bus_message_read_basic(m, 's', &text);
        else r = sd_bus_message_read_basic(m, *type, &number);
        return r < 0 ? r : sd_bus_message_exit_container(m);
    }
    return sd_bus_message_skip(m, "v");
}

static int properties(sd_bus_message *m) {
    const char *iface, *name;
    int r = sd_bus_message_read(m, "s", &iface);
    if (r < 0 || (r = sd_bus_message_enter_container(m, 'a', "{sv}")) < 0) return r;
    while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0)
        if ((r = sd_bus_message_read_basic(m, 's', &name)) < 0 || (r = property(m, name)) < 0 ||
            (r = sd_bus_message_exit_container(m)) < 0) return r;
    return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* message sees all that arrives on the bus. */
static int message(sd_bus_message *m, void *data, sd_bus_error *error) {
    const char *member = sd_bus_message_get_member(m), *unit, *path, *result;
    uint32_t id;
    int r = 0;
    (void)data, (void)error;
    if (sd_bus_message_is_signal(m, PROPERTIES, "PropertiesChanged") > 0) {
        r = properties(m);
    } else if (sd_bus_message_is_signal(m, SYSTEMD ".Manager", NULL) > 0) {
        if (!strcmp(member, "JobNew")) r = sd_bus_message_read(m, "uos", &id, &path, &unit);
        else if (!strncmp(member, "Unit", 4)) r = sd_bus_message_read(m, "so", &unit, &path);
        else if (!strcmp(member, "JobRemoved")) {
            r = sd_bus_message_read(m, "uoss", &id, &path, &unit, &result);
            if (r >= 0 && !strncmp(unit, "storm", 5)) jobs++;
            removed = 1;
        }
    } else return 0;
    must(r, member);
    signals++;
    return 1;
}

static sd_bus *subscribe(void) {
    static const char *ifaces[] = {"Unit", "Service", "Timer", "Socket", "Path", "Mount", "Swap", "Scope", "Automount"};
    static const char *add[] = {"org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "AddMatch"};
    sd_bus *bus;
    char rule[512];
    must(sd_bus_open_system(&bus), "open the system bus");
    must(sd_bus_add_filter(bus, NULL, message, NULL), "add a filter");
    must(sd_bus_call_method(bus, add[0], add[1], add[2], add[3], NULL, NULL, "s", "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='" SYSTEMD "'"), "add a match");
    must(sd_bus_call_method(bus, add[0], add[1], add[2], add[3], NULL, NULL, "s", "type='signal',sender='" SYSTEMD "',path='/org/freedesktop/systemd1',interface='" SYSTEMD ".Manager'"), "add a match");
    for (size_t i = 0; i < sizeof ifaces / sizeof *ifaces; i++) {
        snprintf(rule, sizeof rule, "type='signal',sender='" SYSTEMD "',path_namespace='/org/freedesktop/systemd1/unit',interface='" PROPERTIES "',member='PropertiesChanged',arg0='" SYSTEMD ".%s'", ifaces[i]);
        must(sd_bus_call_method(bus, add[0], add[1], add[2], add[3], NULL, NULL, "s", rule), "add a match");
    }
    must(sd_bus_call_method(bus, SYSTEMD, "/org/freedesktop/systemd1", SYSTEMD ".Manager", "Subscribe", NULL, NULL, NULL), "subscribe");
    return bus;
}

static sd_journal *follow(void) {
    /* "+" begins an alternative. */
    static const char *terms[] = {"_PID=1",
        "+", "MESSAGE_ID=641257651c1b4ec9a8624d7a40a9e1e7",
        "+", "MESSAGE_ID=fc2e22bc6ee647b6b90729ab34a250b1",
        "+", "_SYSTEMD_UNIT=systemd-oomd.service", "+", "_SYSTEMD_UNIT=systemd-logind.service",
        "+", "MESSAGE_ID=6bbd95ee977941e497c48be27c254128", "MESSAGE_ID=8811e6df2a8e40f58a94cea26f8ebf14", "_UID=0",
        "+", "_TRANSPORT=kernel", "SYSLOG_IDENTIFIER=kernel", "PRIORITY=3", "PRIORITY=6",
        "+", "_TRANSPORT=driver", "MESSAGE_ID=f77379a8490b408bbe5f6940505a777b", "MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e",
        "+", "_TRANSPORT=kernel", "SYSLOG_IDENTIFIER=systemd",
        "+", "_SYSTEMD_UNIT=dbus.service", "SYSLOG_IDENTIFIER=dbus-daemon",
        "+", "SYSLOG_IDENTIFIER=sudo", "_COMM=sudo"};
    sd_journal *j;
    must(sd_journal_open(&j, SD_JOURNAL_LOCAL_ONLY), "open the journal");
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++)
        must(*terms[i] == '+' ? sd_journal_add_disjunction(j) : sd_journal_add_match(j, terms[i], 0), terms[i]);
    must(sd_journal_get_fd(j), "watch the journal");
    must(sd_journal_seek_tail(j), "seek the journal's end");
    must(sd_journal_previous(j), "seek the journal's end");
    return j;
}

/* entry takes out the fields that sdwhy uses. */
static void entry(sd_journal *j) {
    static const char *wanted[] = {"MESSAGE=", "MESSAGE_ID=", "PRIORITY=", "_PID=", "_BOOT_ID=", "_SOURCE_REALTIME_TIMESTAMP=",
        "_TRANSPORT=", "_SYSTEMD_UNIT=", "_SYSTEMD_CGROUP=", "_UID=", "_COMM=", "SYSLOG_IDENTIFIER=", "CODE_FUNC=", "UNIT=", "INVOCATION_ID=",
        "JOB_ID=", "JOB_TYPE=", "JOB_RESULT=", "EXIT_CODE=", "EXIT_STATUS=", "COMMAND=", "UNIT_RESULT=", "N_RESTARTS=", "ERRNO=", "EXECUTABLE="};
    static char taken[sizeof wanted / sizeof *wanted][512];
    const void *data;
    size_t n;
    uint64_t realtime, monotonic;
    sd_id128_t boot;
    char *cursor;
    if (sd_journal_get_realtime_usec(j, &realtime) < 0 || sd_journal_get_monotonic_usec(j, &monotonic, &boot) < 0 ||
        sd_journal_get_cursor(j, &cursor) < 0) return;
    free(cursor);
    sd_journal_restart_data(j);
    while (sd_journal_enumerate_available_data(j, &data, &n) > 0)
        for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
            size_t k = strlen(wanted[i]);
            if (n < k || memcmp(data, wanted[i], k)) continue;
            n = n - k < sizeof taken[i] ? n - k : sizeof taken[i];
            memcpy(taken[i], (const char *)data + k, n);
            break;
        }
    entries++;
}

static void tell(void) {
    asked = 0;
    printf("jobs=%lu signals=%lu entries=%lu\n", jobs, signals, entries);
    fflush(stdout);
}

/* rest waits for the bus, the journal or a signal, whichever is first. */
static int rest(sd_bus *bus, sd_journal *j, const sigset_t *open) {
    struct pollfd fds[] = {{sd_bus_get_fd(bus), sd_bus_get_events(bus), 0}, {sd_journal_get_fd(j), sd_journal_get_events(j), 0}};
    if (ppoll(fds, 2, NULL, open) < 0 && errno != EINTR) must(-errno, "poll");
    return fds[1].revents != 0;
}

int main(void) {
    struct sigaction act = {.sa_handler = on_signal};
    sigset_t held, open;
    sigemptyset(&held);
    sigaddset(&held, SIGUSR1);
    sigaddset(&held, SIGTERM);
    sigprocmask(SIG_BLOCK, &held, &open);
    sigaction(SIGUSR1, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    sd_journal *j = follow();
    sd_bus *bus = subscribe();
    sd_notify(0, "READY=1");
    for (int more = 1; !ended; more = rest(bus, j, &open)) {
        int r;
        while ((r = sd_bus_process(bus, NULL)) > 0);
        must(r, "read the bus");
        if (more) must(sd_journal_process(j), "read the journal");
        while ((more || removed) && sd_journal_next(j) > 0) entry(j);
        removed = 0;
        if (asked) tell();
    }
    tell();
    return 0;
}
