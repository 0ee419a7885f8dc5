# One image for every role: the API as it stands, a worker with ROLE=worker, `node src/cli/migrate.ts`, `node src/cli/api-key.ts`.
# The base images are arguments, so that a mirror or a local one can stand in; both must hold the same Node and C library.
ARG BUILD_IMAGE=node:24-bookworm
ARG RUNTIME_IMAGE=node:24-bookworm-slim

FROM ${BUILD_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --omit=optional --no-audit --no-fund
COPY . .
# The client is generated and the kernels are compiled here: the runtime image needs neither tools nor a compiler.
RUN node_modules/.bin/prisma generate && node native/build.ts
# Prisma brings the query compilers of every database it knows, 55 MB of them for others than PostgreSQL.
RUN npm prune --ignore-scripts --omit=dev --omit=optional \
  && find node_modules/@prisma/client/runtime -regextype posix-extended -regex '.*\.(mysql|sqlite|sqlserver|cockroachdb)\..*' -delete \
  && find node_modules -type d -empty -delete

FROM ${RUNTIME_IMAGE}
# V8's young objects hold memory outside of its heap; src/cli/run.mjs tells more.
ENV NODE_ENV=production ROLE=api HOST=0.0.0.0 PORT=3000 NODE_OPTIONS=--max-semi-space-size=4
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY . .
COPY --from=build /app/src/db/generated src/db/generated
COPY --from=build /app/native/build native/build
USER node
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/livez`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/main.ts"]
