#!/usr/bin/env bash
# Runs the load of scenario.xml against a server and prints what Tsung counted, to compare with the
# server's total. The same script runs on a machine with Tsung installed and as
# process 1 of the image.
#
#   settings ─> wait for the server ─> Tsung, with steer.eval ─> tsung.log ─> summary.awk ─> stdout
#
# Invariants: only the summary goes to standard output; Tsung never outlives this script; every wait
# has a timeout.
# Exit codes: 0 every request was answered 200 · 1 not all · 2 usage · 3 server not reachable ·
# 127 Tsung is missing · 130, 143 stopped by SIGINT, SIGTERM, the users on their way counted.
set -uo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
reachableSeconds=60 # a server may build or recover first; a wrong address should not take minutes
graceSeconds=60     # how long Tsung may outlast the duration: beyond the timeouts in scenario.xml
stopSeconds=8       # how long stopping may take: within `docker stop`, beyond the 5 s of steer.eval
openFilesMost=65536 # Erlang sizes tables by this limit, and a container's can be a billion

usage() {
  cat <<'USAGE'
usage: load.sh [--json]

Sends the challenge's load to a server, and prints what Tsung counted (--json: as one line of JSON).

  RETO3_LOAD_USERS_PER_SECOND    500         users that arrive per second, each with a connection
  RETO3_LOAD_REQUESTS_PER_USER   10          requests that each user sends over its connection
  RETO3_LOAD_DURATION            600         how long users arrive: seconds, or 15s, 10min, 1h …
  RETO3_LOAD_HOST                127.0.0.1   the server's name or IPv4 address (image: server)
  RETO3_LOAD_PORT                8080        its port
  RETO3_LOAD_LOG_DIR             none        where to keep Tsung's logs, a folder for each run
  RETO3_LOAD_WITHOUT             none        the command to start without the load, for the log
USAGE
}

say() { printf 'load: %s\n' "$*" >&2; }
fail() { local code=$1; shift; say "$*"; exit "$code"; }

# --- settings -------------------------------------------------------------------------------------

format=text
for argument in "$@"; do
  case $argument in
    --json) format=json ;;
    -h | --help) usage; exit 0 ;;
    *) fail 2 "got the argument '$argument', want --json or none; --help says more" ;;
  esac
done

# whole NAME DEFAULT LEAST MOST: prints the setting's value, a whole number in that range
whole() {
  local name=$1 value=${!1:-$2} least=$3 most=$4
  if [[ ! $value =~ ^[1-9][0-9]{0,8}$ ]] || ((value < least || value > most)); then
    fail 2 "$name: got '$value', want a whole number from $least to $most; without it, it is $2"
  fi
  printf '%s' "$value"
}

# seconds NAME DEFAULT MOST: prints the setting's value in seconds
seconds() {
  local name=$1 value=${!1:-$2} most=$3 unit=1
  if [[ $value =~ ^([1-9][0-9]{0,6})(s|m|min|h)?$ ]]; then
    case ${BASH_REMATCH[2]} in m | min) unit=60 ;; h) unit=3600 ;; esac
    value=$((BASH_REMATCH[1] * unit))
    ((value <= most)) && { printf '%s' "$value"; return; }
  fi
  fail 2 "$name: got '${!1}', want a time up to ${most}s, such as 600, 15s or 10min;" \
    "without it, it is $2"
}

usersPerSecond=$(whole RETO3_LOAD_USERS_PER_SECOND 500 1 10000) || exit
requestsPerUser=$(whole RETO3_LOAD_REQUESTS_PER_USER 10 1 1000000) || exit
durationSeconds=$(seconds RETO3_LOAD_DURATION 600 604800) || exit
port=$(whole RETO3_LOAD_PORT 8080 1 65535) || exit
host=${RETO3_LOAD_HOST:-127.0.0.1}
[[ $host =~ ^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$ ]] ||
  fail 2 "RETO3_LOAD_HOST: got '$host', want a host name or an IPv4 address and nothing else"

# docker-compose starts this load with the server, which may surprise you.
[[ -n ${RETO3_LOAD_WITHOUT:-} ]] &&
  say "sends $((usersPerSecond * requestsPerUser)) requests/s for $durationSeconds s to $host:$port;" \
    "to start without this load: $RETO3_LOAD_WITHOUT"

# --- Tsung ----------------------------------------------------------------------------------------

missing="apt-get install --no-install-recommends tsung (Debian 12), or use the image"
script=$(command -v tsung) || fail 127 "cannot find tsung: not on PATH; $missing"
command -v erl >/dev/null || fail 127 "cannot find erl, which runs Tsung: not on PATH; $missing"
# Tsung's start script knows where its code is, but it needs a name server (epmd), a cookie file in
# the home folder, a host name that resolves, and a node name that is unique on the machine. A
# single process needs none of these, so start Erlang here; runs can then go side by side.
code=$(sed -n 's/^INSTALL_DIR=//p' "$script")
version=$(sed -n 's/^VERSION=//p' "$script")
controllerCode=$code/tsung_controller-$version/ebin
clientCode=$code/tsung-$version/ebin
[[ -d $controllerCode && -d $clientCode ]] ||
  fail 127 "cannot find Tsung's code: got '$controllerCode' from $script, want a folder; $missing"

if [[ -n ${RETO3_LOAD_LOG_DIR:-} ]]; then
  runDir=$(mkdir -p "$RETO3_LOAD_LOG_DIR" 2>/dev/null &&
    cd "$RETO3_LOAD_LOG_DIR" && mktemp -d "$PWD/$(date -u +%Y%m%dT%H%M%SZ)-XXXXXX" 2>/dev/null) ||
    fail 2 "RETO3_LOAD_LOG_DIR: cannot make a folder in '$RETO3_LOAD_LOG_DIR';" \
      "want a folder that user $(id -u) may write to"
  say "logs: $runDir"
else
  # /dev/shm is writable even in a container with a read-only file system.
  runDir=$(mktemp -d "${TMPDIR:-/tmp}/reto3-load-XXXXXX" 2>/dev/null ||
    mktemp -d /dev/shm/reto3-load-XXXXXX 2>/dev/null) ||
    fail 1 "cannot make a temporary folder: neither in ${TMPDIR:-/tmp} nor in /dev/shm;" \
      "point TMPDIR to a folder that user $(id -u) may write to"
  trap 'rm -rf "$runDir"' EXIT
fi

# --- signals --------------------------------------------------------------------------------------

stoppedBy=0 # the exit code of the first signal
stopInput=  # the descriptor whose end tells steer.eval to stop

# shellcheck disable=SC2317 # the traps call it
stop() {
  if ((stoppedBy)); then # asked twice: at once
    deadline=$SECONDS
    return
  fi
  stoppedBy=$1
  [[ -n $stopInput ]] || exit "$stoppedBy"
  say "stopping: no more users, those on their way finish"
  deadline=$((SECONDS + stopSeconds))
  exec {stopInput}>&-
}
trap 'stop 130' INT
trap 'stop 143' TERM HUP

# --- the server -----------------------------------------------------------------------------------

# Use the address, since Tsung would resolve a name for every connection.
reason="does not resolve"
deadline=$((SECONDS + reachableSeconds))
until address=$(getent ahostsv4 "$host") && address=${address%%[[:space:]]*} &&
  reason="does not accept connections" &&
  timeout 2 bash -c "exec 3<>/dev/tcp/$address/$port" 2>/dev/null; do
  ((SECONDS < deadline)) ||
    fail 3 "cannot reach $host:$port: it $reason, tried for $reachableSeconds s;" \
      "start the server, or set RETO3_LOAD_HOST and RETO3_LOAD_PORT"
  sleep 0.2
done

# --- the run --------------------------------------------------------------------------------------

scenario=$(<"$here/scenario.xml")
scenario=${scenario//@ADDRESS@/$address}
scenario=${scenario//@PORT@/$port}
scenario=${scenario//@USERS_PER_SECOND@/$usersPerSecond}
scenario=${scenario//@REQUESTS_PER_USER@/$requestsPerUser}
scenario=${scenario//@DURATION_SECONDS@/$durationSeconds}
printf '%s\n' "$scenario" >"$runDir/scenario.xml"

openFiles=$(ulimit -Hn)
[[ $openFiles != unlimited ]] && ((openFiles < openFilesMost)) || openFiles=$openFilesMost
ulimit -Sn "$openFiles"

erlang=(
  erl -noshell +Bi +A 8 +K true +P 250000
  # Tsung's controller needs a node with a name; this one has no port and no name server.
  -sname tsung_controller@localhost -dist_listen false -start_epmd false -setcookie unused
  # Reset connections at their end, so that their port is free at once. Tsung binds each connection
  # to a port; with 500 a second waiting in TIME_WAIT for a minute, Linux ran out of ports and the
  # rate fell to 200 users/s after 28 s.
  -kernel inet_default_connect_options '[{linger,{true,0}}]'
  -pa "$clientCode" -pa "$controllerCode"
  -sasl sasl_error_logger false
  -tsung_controller config_file "\"$runDir/scenario.xml\""
  -tsung_controller log_dir "\"$runDir/\"" -tsung_controller mon_file "\"$runDir/tsung.log\""
  -tsung_controller exclude_tag '""' -tsung_controller web_gui false -tsung_controller debug_level 5
  # Dump once a second, for the progress. No warm-up: Tsung would subtract its second from the
  # duration.
  -tsung_controller dumpstats_interval 1000 -tsung_controller warm_time 0
  -eval "{ok, [[Steer]]} = init:get_argument(steer), ok = file:eval(Steer)."
  -steer "$here/steer.eval"
  -s tsung_controller
)

say "$usersPerSecond users/s x $requestsPerUser requests for $durationSeconds s to $host:$port"
coproc VM {
  export HOME=$runDir ERL_CRASH_DUMP=$runDir/erl_crash.dump
  exec "${erlang[@]}" >"$runDir/console.log" 2>&1
}
vm=$VM_PID
stopInput=${VM[1]}
deadline=$((SECONDS + durationSeconds + graceSeconds))

summarize() {
  local runningMs
  runningMs=$(sed -n 's/^running_ms //p' "$runDir/console.log")
  awk -v format="$1" -v requests_per_user="$requestsPerUser" -v running_ms="$runningMs" \
    -v stopped=$((stoppedBy > 0)) -f "$here/summary.awk" "$runDir/tsung.log"
}

# On a terminal, update one line every second; elsewhere print a line every ten seconds.
progressSeconds=10 lineStart='' lineEnd='\n'
[[ -t 2 ]] && progressSeconds=1 lineStart='\r' lineEnd='\033[K'
nextProgress=$((SECONDS + progressSeconds))
while kill -0 "$vm" 2>/dev/null; do
  sleep 1 &
  wait -n "$vm" $! 2>/dev/null
  if ((SECONDS >= deadline)); then
    say "Tsung did not end in time, so it was killed"
    kill -KILL "$vm" 2>/dev/null
    wait "$vm" 2>/dev/null
  elif ((SECONDS >= nextProgress)) && [[ -s $runDir/tsung.log ]]; then
    nextProgress=$((nextProgress + progressSeconds))
    # shellcheck disable=SC2059 # the two are formats
    { printf "$lineStart"; summarize progress; printf "$lineEnd"; } >&2
  fi
done
[[ -t 2 ]] && printf '\n' >&2

[[ -s $runDir/tsung.log ]] || {
  sed 's/^/load: tsung: /' "$runDir/console.log" >&2
  fail 1 "cannot run Tsung: it wrote no statistics; its own words are above"
}
summarize "$format"
summarized=$?
((stoppedBy)) && exit "$stoppedBy"
exit "$summarized"
