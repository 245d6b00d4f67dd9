# Summarizes tsung.log: -v format=progress (one line), text or json.
#
# tsung.log has a dump per second; a counter has the increase in the interval, and its total:
#   # stats: dump at <epoch seconds>
#   stats: 200 <in the interval> <total>         one line per status code; users_count, error_… too
#   stats: request <in the interval> <mean> <deviation> <max> <min> <mean before> <total before>
# and `EndMonitor` after the last dump. Totals are Tsung's; only rates are computed here.
#
# Exits with 0 if every request was answered 200 and the totals agree, else with 1.
# Also needs requests_per_user, running_ms (empty if unknown), stopped (0 or 1).
#
# Prints numbers with %.0f, since %d is limited to 2^31 in some awks.

BEGIN {
  # Tsung gathers counts for 500 ms before it reports them, so the rate of one second may be off by
  # half, the rate of ten seconds by 5 %. Tsung's own reports use ten.
  window_dumps = 10
}

/^# stats: dump at/ { dumps++ }
/^EndMonitor/ { complete = 1 }
$1 != "stats:" { next }
$2 ~ /^[1-9][0-9][0-9]$/ { answers[$2] = $4; answered_in[dumps] += $3 }
$2 == "users" { users_active = $3 }
$2 == "users_count" { users_started = $4 }
$2 == "finish_users_count" { users_finished = $4 }
$2 == "request" { requests = $3 + $9 }
$2 ~ /^error_/ || $2 == "timeout" { errors[$2] = $4 }

function sum(counts,   name, total) {
  for (name in counts) total += counts[name]
  return total + 0
}

# Answers per second over the window that ends with this dump, or over a shorter one at the start.
function window_rate(last,   dump, total, first) {
  first = last - window_dumps + 1
  if (first < 1) first = 1
  for (dump = first; dump <= last; dump++) total += answered_in[dump]
  return last < first ? 0 : total / (last - first + 1)
}

# Sort the names, so that two runs are easy to compare.
function sorted(counts, names,   name, count, i) {
  for (name in counts) {
    for (i = count++; i > 0 && names[i] > name; i--) names[i + 1] = names[i]
    names[i + 1] = name
  }
  return count + 0
}

function json_counts(counts,   names, count, i, text) {
  count = sorted(counts, names)
  for (i = 1; i <= count; i++) {
    text = text (i > 1 ? "," : "") "\"" names[i] "\":" counts[names[i]]
  }
  return "{" text "}"
}

function json_boolean(value) { return value ? "true" : "false" }

function line(name, value) { printf "%-30s %s\n", name, value }
function line_count(name, value) { line(name, sprintf("%.0f", value)) }

function problem(text) {
  print "load: " text > "/dev/stderr"
  failed = 1
}

function print_progress() {
  printf "%5d s  users %.0f started, %.0f active", dumps, users_started, users_active
  printf "  messages %.0f  %.0f/s", messages, window_rate(dumps)
  if (others) printf "  other answers %.0f", others
  if (error_count) printf "  errors %.0f", error_count
}

function print_json() {
  printf "{\"messages\":%.0f,\"answers\":%s", messages, json_counts(answers)
  printf ",\"errors\":%s,\"unanswered\":%.0f", json_counts(errors), unanswered
  printf ",\"usersStarted\":%.0f,\"usersFinished\":%.0f", users_started, users_finished
  printf ",\"runningSeconds\":%.3f", running_seconds
  printf ",\"meanRate\":%.1f,\"highestRate\":%.1f", mean_rate, highest_rate
  printf ",\"complete\":%s,\"stopped\":%s}\n", json_boolean(complete), json_boolean(stopped)
}

function print_text(   names, error_names, count, i) {
  line_count("messages", messages)
  count = sorted(answers, names)
  for (i = 1; i <= count; i++) line_count("answers_" names[i], answers[names[i]])
  count = sorted(errors, error_names)
  for (i = 1; i <= count; i++) line_count(error_names[i], errors[error_names[i]])
  if (unanswered) line_count("unanswered", unanswered)
  line_count("users_started", users_started)
  line_count("users_finished", users_finished)
  line("running_seconds", sprintf("%.3f", running_seconds))
  line("mean_rate", sprintf("%.1f", mean_rate))
  line("highest_rate", sprintf("%.1f", highest_rate))
}

function judge() {
  if (!complete) {
    problem("Tsung ended without its final statistics; what is shown is its last interim dump")
  }
  if (others) problem("got " others " answers that were not 200, want none")
  if (error_count) problem("got " error_count " errors, want none; the error_ lines name them")
  if (unanswered) {
    problem("got " unanswered " requests unanswered, want none: their connections were closed")
  }
  if (!messages && !stopped) problem("got no answer 200 at all")
  if (failed) return
  # The totals come from different parts of Tsung: if they agree, none is truncated.
  if (users_finished != users_started || requests != users_finished * requests_per_user) {
    problem("BUG: got " users_started " users started, " users_finished " finished and " requests \
      " requests, want all finished with " requests_per_user " requests each")
  }
}

END {
  messages = answers["200"] + 0
  if (!messages) delete answers["200"]
  others = sum(answers) - messages
  unanswered = requests - messages - others
  error_count = sum(errors)
  if (format == "progress") {
    print_progress()
    exit 0
  }

  # If the running time is unknown, count the dumps, one per second.
  running_seconds = running_ms > 0 ? running_ms / 1000 : dumps > 0 ? dumps : 1
  mean_rate = messages / running_seconds
  highest_rate = mean_rate
  for (dump = window_dumps; dump <= dumps; dump++) {
    rate = window_rate(dump)
    if (rate > highest_rate) highest_rate = rate
  }

  if (format == "json") print_json()
  else print_text()
  judge()
  exit failed
}
