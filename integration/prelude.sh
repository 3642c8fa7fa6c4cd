# What every scenario's script begins with.
set -eu
# wait_for CMD...: polls until CMD succeeds, 10 s at most.
wait_for() {
	local i
	for i in $(seq 500); do
		if "$@" >/dev/null 2>&1; then return; fi
		sleep 0.02
	done
	echo "waited in vain: $*" >&2
	return 1
}
# is UNIT SUBSTATE
is() { [ "$(systemctl show -P SubState "$1")" = "$2" ]; }
# prop UNIT PROPERTY VALUE
prop() { [ "$(systemctl show -P "$2" "$1")" = "$3" ]; }
# queued UNIT: a job is queued or running
queued() { ! jobless "$1"; }
# jobless UNIT: no job is queued or running
jobless() { [ -z "$(systemctl show -P Job "$1")" ]; }
# logged TEXT: PID 1 said so in this scenario
logged() { journalctl -q --since "@$SCENARIO_SINCE" _PID=1 -o cat | grep -qF -- "$*"; }
