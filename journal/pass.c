/* One pass over an entry of the journal: the fields wanted are copied while libsystemd
 * enumerates them, once, and cross to Go in one buffer.
 *
 * A record is two 64 bit numbers, realtime and monotonic µs, then items: 32 bits, the
 * field in the upper 8 and the length in the others, and the value. The cursor comes
 * first. All numbers are in the machine's own order. */

#include "pass.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The functions of libsystemd, found at run time: who reads no journal need not load it. */
static struct {
	__typeof__(sd_journal_next) *next;
	__typeof__(sd_journal_previous) *previous;
	__typeof__(sd_journal_get_realtime_usec) *get_realtime_usec;
	__typeof__(sd_journal_get_monotonic_usec) *get_monotonic_usec;
	__typeof__(sd_journal_get_cursor) *get_cursor;
	__typeof__(sd_journal_restart_data) *restart_data;
	__typeof__(sd_journal_enumerate_available_data) *enumerate_available_data;
} lib;

#define FIND(name) \
	if (!(lib.name = (__typeof__(lib.name)) dlsym(library, "sd_journal_" #name))) \
		return "sd_journal_" #name

void pass_preload(void) {
	dlopen("libsystemd.so.0", RTLD_LAZY);
}

const char *pass_load(void) {
	/* The very library that sdjournal has loaded, never a second one. */
	void *library = dlopen("libsystemd.so.0", RTLD_LAZY | RTLD_NOLOAD);
	if (!library)
		return "libsystemd.so.0";
	FIND(next);
	FIND(previous);
	FIND(get_realtime_usec);
	FIND(get_monotonic_usec);
	FIND(get_cursor);
	FIND(restart_data);
	FIND(enumerate_available_data);
	return NULL;
}

/* The fields wanted, by the length of their names; each list ends with an empty one. */
enum { LENGTHS = 32, SAME_LENGTH = 16 };

static struct want {
	const char *name;
	uint32_t field;
	uint32_t max;
} wanted[LENGTHS][SAME_LENGTH];

int pass_want(unsigned field, const char *name, size_t length, size_t max) {
	struct want *w;
	if (length >= LENGTHS)
		return 0;
	for (w = wanted[length]; w->name; w++)
		if (w == &wanted[length][SAME_LENGTH - 2])
			return 0;
	*w = (struct want) { name, field, max };
	return 1;
}

static const struct want *find(const char *name, size_t length) {
	if (length >= LENGTHS)
		return NULL;
	for (const struct want *w = wanted[length]; w->name; w++)
		if (memcmp(w->name, name, length) == 0)
			return w;
	return NULL;
}

struct record {
	uint8_t *start;
	size_t size, room;
	uint64_t has; /* a bit for each field */
};

/* drop takes out the item of a field. */
static void drop(struct record *r, uint32_t field) {
	size_t at = 2 * sizeof(uint64_t);
	while (at < r->size) {
		uint32_t head;
		memcpy(&head, r->start + at, sizeof head);
		size_t whole = sizeof head + (head & 0xffffff);
		if (head >> 24 == field) {
			memmove(r->start + at, r->start + at + whole, r->size - at - whole);
			r->size -= whole;
			return;
		}
		at += whole;
	}
}

/* put appends an item. Of a field that comes again, the last value stays. */
static void put(struct record *r, uint32_t field, const void *value, size_t length) {
	uint32_t head = field << 24 | (uint32_t) length;
	uint64_t bit = UINT64_C(1) << field;
	if (r->has & bit)
		drop(r, field);
	if (r->room - r->size < sizeof head + length)
		return; /* there is room for the longest of each */
	memcpy(r->start + r->size, &head, sizeof head);
	memcpy(r->start + r->size + sizeof head, value, length);
	r->size += sizeof head + length;
	r->has |= bit;
}

/* take copies a datum, NAME=value, if it is wanted. */
static void take(struct record *r, const char *datum, size_t length) {
	const char *equals = memchr(datum, '=', length < LENGTHS ? length : LENGTHS);
	if (!equals)
		return;
	const struct want *w = find(datum, equals - datum);
	if (!w)
		return;
	size_t rest = length - (equals + 1 - datum);
	put(r, w->field, equals + 1, rest < w->max ? rest : w->max);
}

static int read_entry(sd_journal *j, uint8_t *start, size_t room) {
	struct record r = { start, 2 * sizeof(uint64_t), room, 0 };
	uint64_t realtime, monotonic;
	sd_id128_t boot;
	char *cursor;
	const void *datum;
	size_t length;
	int e;

	if ((e = lib.get_realtime_usec(j, &realtime)) < 0 ||
	    (e = lib.get_monotonic_usec(j, &monotonic, &boot)) < 0 ||
	    (e = lib.get_cursor(j, &cursor)) < 0)
		return e;
	memcpy(start, &realtime, sizeof realtime);
	memcpy(start + sizeof realtime, &monotonic, sizeof monotonic);
	length = strlen(cursor);
	put(&r, 0, cursor, length < 512 ? length : 512);
	free(cursor);

	lib.restart_data(j);
	/* It passes over single fields that cannot be read (sd_journal_get_data(3)). */
	while ((e = lib.enumerate_available_data(j, &datum, &length)) > 0)
		take(&r, datum, length);
	return e < 0 ? e : (int) r.size;
}

struct passed pass_entry(sd_journal *j, int move, uint8_t *record, size_t room) {
	struct passed p = { 1, 0 };
	if (move != 0)
		p.moved = move > 0 ? lib.next(j) : lib.previous(j);
	if (p.moved > 0)
		p.size = read_entry(j, record, room);
	return p;
}
