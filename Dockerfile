# The server and its command line: the npm package, unpacked. No compiler, no package manager, no
# binaries of other platforms, and of the two uWebSockets.js builds only the newer one.
#
#   docker build --tag reto3 .                   # with DuckDB, for --archive and SQL
#   docker build --tag reto3 --target counts .   # without, 70 MB smaller
#
# For another platform: docker buildx build --platform linux/arm64 (under emulation).
ARG NODE_IMAGE=node:24.21.0-trixie-slim

# Only the files that determine the installation, so that a change to the sources reuses the layer.
FROM ${NODE_IMAGE} AS manifests
WORKDIR /all
COPY . .
RUN mkdir /app && cp --parents -r package.json pnpm-lock.yaml pnpm-workspace.yaml packages/*/package.json scripts /app

FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY --from=manifests /app .
RUN node scripts/setup.mjs --install-only
COPY . .
RUN node scripts/pack.mjs --unpacked /unpacked

FROM ${NODE_IMAGE} AS counts
# An intruder finds no package manager. The list of Debian's packages stays, for scanners.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
      /usr/local/bin/yarn* /opt/yarn* /usr/bin/apt* /usr/lib/apt /usr/bin/dpkg* /usr/sbin/dpkg* \
 && ln -s /app/bin/reto3.js /usr/local/bin/reto3 \
 && install --directory --owner=node --group=node --mode=0700 /data
COPY --from=build /unpacked/reto3 /app
COPY docker/health.sh /app/
LABEL org.opencontainers.image.title=reto3 \
      org.opencontainers.image.description="Exact counts of HTTP requests at 10 ms resolution" \
      org.opencontainers.image.version=0.2.0
# With a read-only file system, /data is all that commands can write to.
ENV NODE_ENV=production RETO3_DATA_DIR=/data TMPDIR=/data
USER node
VOLUME /data
EXPOSE 8080 8081
# A probe takes about 30 ms of a core, nearly all of it to start a process in the container: 0.1 % of a
# core every 30 s. (`reto3 health` takes 200 ms.)
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/app/health.sh"]
CMD ["reto3", "serve"]

FROM counts
COPY --from=build /unpacked/optional /app/node_modules
