/**
 * Configurations that feed the traffic or the log of another program to reto3. Each text is a
 * complete file or shell script; its comments explain it. docs/recipes.md shows the same texts, and
 * a test compares them.
 */

interface Recipe {
  readonly name: string;
  /** What the recipe does, for a list. */
  readonly title: string;
  /**
   * Whether our tests run it with the real program; otherwise it only follows the program's
   * documentation.
   */
  readonly isRun: boolean;
  readonly text: string;
}

export const recipes: readonly Recipe[] = [
  {
    name: 'nginx',
    title: 'nginx: a log with milliseconds and durations',
    isRun: true,
    text: `# Into the http block, such as /etc/nginx/conf.d/reto3.conf.
log_format reto3 '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
                 '"$http_referer" "$http_user_agent" $msec $request_time';
access_log /var/log/nginx/reto3.log reto3;
# Then: reto3 bursts --log /var/log/nginx/reto3.log
`,
  },
  {
    name: 'nginx-mirror',
    title: 'nginx: a copy of each request, counted as it comes',
    isRun: true,
    text: `# Into the http block. Your application stays at 127.0.0.1:3000, reto3 serve at 127.0.0.1:8080.
upstream reto3 {
  server 127.0.0.1:8080;
  keepalive 64;
}

server {
  listen 80;

  location / {
    mirror /_reto3;
    mirror_request_body off;
    proxy_pass http://127.0.0.1:3000;  # your application
  }

  location = /_reto3 {
    internal;
    proxy_pass http://reto3$request_uri;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Content-Length "";
    proxy_pass_request_body off;
    proxy_connect_timeout 1s;
    proxy_read_timeout 1s;
  }
}
`,
  },
  {
    name: 'haproxy',
    title: 'haproxy: a log with milliseconds, and reto3 checked on /readyz',
    isRun: true,
    text: `# haproxy stamps local time without a zone: run it with TZ=UTC, or read its log with --zone.
global
  log stdout format raw local0

defaults
  mode http
  log global
  option httplog
  timeout connect 5s
  timeout client 60s
  timeout server 60s

frontend web
  bind :8000
  default_backend reto3

# Each request is a message of reto3. A check asks the query API, so it is none.
backend reto3
  option httpchk
  http-check send meth GET uri /readyz
  server reto3 127.0.0.1:8080 check port 8081 inter 1s
# Then: reto3 bursts --log haproxy.log
`,
  },
  {
    name: 'apache',
    title: 'Apache httpd: a log with microseconds and durations',
    isRun: true,
    text: `# Into the server or a virtual host.
LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-Agent}i\\" %{usec}t %D" reto3
CustomLog /var/log/apache2/reto3.log reto3
# Then: reto3 bursts --log /var/log/apache2/reto3.log
`,
  },
  {
    name: 'envoy',
    title: 'Envoy: an access log as JSON',
    isRun: false,
    text: `# Into the HTTP connection manager.
access_log:
  - name: envoy.access_loggers.file
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
      path: /var/log/envoy/access.log
      log_format:
        json_format:
          start_time: "%START_TIME%"
          duration: "%DURATION%"
          method: "%REQ(:METHOD)%"
          path: "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%"
          response_code: "%RESPONSE_CODE%"
# Then: reto3 bursts --log /var/log/envoy/access.log
`,
  },
  {
    name: 'traefik',
    title: 'Traefik: an access log as JSON, with nanoseconds',
    isRun: false,
    text: `# Static configuration.
accessLog:
  filePath: /var/log/traefik/access.log
  format: json
# Then: reto3 bursts --log /var/log/traefik/access.log
`,
  },
  {
    name: 'caddy',
    title: 'Caddy: an access log as JSON',
    isRun: false,
    text: `# Into a site of the Caddyfile.
log {
  output file /var/log/caddy/access.log
  format json
}
# Then: reto3 bursts --log /var/log/caddy/access.log
`,
  },
  {
    name: 'k6',
    title: 'k6: results with a time for each request',
    isRun: false,
    text: `k6 run --out json=results.json script.js
reto3 bursts --log results.json --expect constant
# CSV is smaller, but has seconds by default:
K6_CSV_TIME_FORMAT=unix_milli k6 run --out csv=results.csv script.js
`,
  },
  {
    name: 'vegeta',
    title: 'vegeta: results with a time for each request',
    isRun: false,
    text: `echo 'GET http://127.0.0.1:8080/' | vegeta attack -rate=500 -duration=60s > results.bin
vegeta encode -to=csv results.bin > results.csv
reto3 bursts --log results.csv --expect constant --rate 500
`,
  },
  {
    name: 'jmeter',
    title: 'JMeter: results as CSV, with milliseconds',
    isRun: false,
    text: `jmeter -n -t plan.jmx -l results.jtl \\
  -Jjmeter.save.saveservice.output_format=csv \\
  -Jjmeter.save.saveservice.timestamp_format=ms \\
  -Jjmeter.save.saveservice.print_field_names=true
reto3 bursts --log results.jtl
`,
  },
  {
    name: 'locust',
    title: 'Locust: a row for each request',
    isRun: false,
    text: `# Into the locustfile. Each process of Locust writes a file of its own.
import csv, os
from locust import events

log = csv.writer(open(f"requests-{os.getpid()}.csv", "w", buffering=1))
log.writerow(["start_time", "request_type", "name", "response_time", "status_code"])

@events.request.add_listener
def write(start_time, request_type, name, response_time, response, **_):
    status = getattr(response, "status_code", "")
    log.writerow([start_time, request_type, name, response_time, status])
# Then, with the number of the process: reto3 bursts --log requests-4711.csv
`,
  },
];
