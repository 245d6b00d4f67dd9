#!/bin/bash
# The image's health check: requests /readyz of this container's server, with builtins of bash only.
# A Node.js process per probe (`reto3 health`) takes 2 to 5 % of a core.
#
# Reads the server's own variables: RETO3_ADMIN_HOST, RETO3_ADMIN_PORT, RETO3_ADMIN_TOKEN_FILE.
# Bash has no TLS, so with RETO3_ADMIN_TLS_CERT, or with RETO3_URL for another address, it runs
# `reto3 health`, which reads RETO3_URL and RETO3_CA.
# Exit codes: 0 ready; anything else, not ready, with the reason on stdout for `docker inspect`.

if [[ -n ${RETO3_URL:-}${RETO3_ADMIN_TLS_CERT:-} ]]; then exec reto3 health; fi

answerSeconds=4 # below the 5 s after which the engine kills the probe without a reason
port=${RETO3_ADMIN_PORT:-8081}
host=${RETO3_ADMIN_HOST:-127.0.0.1}
case $host in 0.0.0.0 | '::' | '::0') host=127.0.0.1 ;; esac

authorization=
if [[ -n ${RETO3_ADMIN_TOKEN_FILE:-} ]]; then
  # Without a line feed `read` fails but still reads the line; it trims blanks around the token.
  token=
  read -r token <"$RETO3_ADMIN_TOKEN_FILE" || [[ -n $token ]] || {
    echo "cannot read a token from RETO3_ADMIN_TOKEN_FILE"
    exit 1
  }
  authorization="Authorization: Bearer ${token%$'\r'}"$'\r\n'
fi

if ! { exec 3<>"/dev/tcp/$host/$port"; } 2>/dev/null; then
  echo "cannot connect to $host:$port"
  exit 1
fi
# If the server closes early, SIGPIPE must not end the check: report the missing answer instead.
trap '' PIPE
{
  printf 'GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n' "$authorization" >&3
  read -r -t "$answerSeconds" _ status _ <&3
} 2>/dev/null
[[ $status == 200 ]] && exit 0
[[ -z $status ]] && echo "cannot read the answer of $host:$port within $answerSeconds s" && exit 1
IFS= read -r -d '' -t 1 answer <&3
echo "got status $status from $host:$port, want 200: ${answer##*$'\r\n'}"
exit 1
