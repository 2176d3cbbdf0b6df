# The server as an image: built with everything, run with what production needs, as a user without rights.

FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No install script is needed; `prepare` comes below, when the sources are there.
RUN npm ci --ignore-scripts
COPY . .
# Generates and builds. Nothing is downloaded: the script tells Prisma of a program in place of its native engine.
RUN npm run prepare
# Prisma's command line is an optional peer of its client, so that it stays unless optional packages go as well.
# The server needs none of them.
RUN npm prune --omit=dev --omit=optional --ignore-scripts

FROM node:20-bookworm-slim
ENV NODE_ENV=production DATA_DIR=/data MALLOC_TRIM_THRESHOLD_=1048576
WORKDIR /app
RUN mkdir /data && chown node:node /data && chmod 700 /data
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/prisma ./prisma
COPY --from=build /app/examples ./examples
COPY --from=build /app/dist ./dist
USER node
VOLUME /data
EXPOSE 4000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 4000}/health/ready`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Node itself gets the signals, and ends in order.
ENTRYPOINT ["node", "--heap-growing-percent=100", "dist/cli.js"]
CMD ["start"]
