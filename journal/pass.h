#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-journal.h>

/* How a step went: moved is 1, 0 at the journal's end, or a negative errno; size is
 * that of the record, or a negative errno when the entry cannot be read. */
struct passed {
	int moved;
	int size;
};

/* pass_load finds libsystemd, which must have been loaded; it gives the name of what
 * is missing, or NULL. */
const char *pass_load(void);

/* pass_preload loads libsystemd, as sdjournal would when it is first used. */
void pass_preload(void);

/* pass_want adds a field to those read: at most max bytes of it. The name must stay.
 * False when there is no room for it. */
int pass_want(unsigned field, const char *name, size_t length, size_t max);

/* pass_entry moves on (1), back (-1) or not at all (0), and reads the entry there. */
struct passed pass_entry(sd_journal *j, int move, uint8_t *record, size_t room);
