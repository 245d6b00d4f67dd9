# The server and its command line. The image has the production installation only: no compiler, no
# binaries of other platforms, and of the two uWebSockets.js builds only the newer one.
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
RUN node scripts/setup.mjs \
 && mkdir /built && cd packages && cp --parents -r */dist cli/bin /built \
 && rm -r /built/bench && rm /built/*/dist/.tsbuildinfo

FROM ${NODE_IMAGE} AS production
WORKDIR /app
COPY --from=manifests /app .
RUN node scripts/setup.mjs --install-only --prod
COPY --from=build /built packages
RUN node scripts/prune.mjs . && rm -r scripts packages/bench node_modules/.reto3-pnpm

FROM ${NODE_IMAGE}
# An intruder finds no package manager. The list of Debian's packages stays, for scanners.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
      /usr/local/bin/yarn* /opt/yarn* /usr/bin/apt* /usr/lib/apt /usr/bin/dpkg* /usr/sbin/dpkg*
COPY --from=production /app /app
COPY docker/health.sh /app/
RUN ln -s /app/packages/cli/bin/reto3.js /usr/local/bin/reto3 \
 && install --directory --owner=node --group=node --mode=0700 /data
ENV NODE_ENV=production RETO3_DATA_DIR=/data
USER node
VOLUME /data
EXPOSE 8080 8081
# A probe takes about 30 ms of a core, nearly all of it to start a process in the container: 0.1 % of a
# core every 30 s. (`reto3 health` takes 200 ms.)
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/app/health.sh"]
CMD ["reto3", "serve"]
