# The image holds one Node, the one that the lock file pins, and nothing that only development needs.
FROM node:24.21.0-bookworm-slim AS install
WORKDIR /app
COPY package.json package-lock.json ./
COPY gen/package.json gen/package.json
COPY clients/typescript/package.json clients/typescript/package.json
# The server and its contracts; what the client needs stays out.
RUN npm ci --omit=dev --workspace=gen --include-workspace-root --no-audit --no-fund

FROM debian:bookworm-slim
RUN groupadd --gid 10001 gatehouse \
 && useradd --uid 10001 --gid 10001 --home-dir /var/lib/gatehouse --no-create-home --shell /usr/sbin/nologin gatehouse \
 && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/gatehouse
WORKDIR /app
COPY --from=install /app/node_modules node_modules
COPY package.json LICENSE ./
COPY bin bin
COPY gen gen
COPY src src
USER 10001:10001
ENV GATEHOUSE_DATA_DIR=/var/lib/gatehouse
VOLUME /var/lib/gatehouse
EXPOSE 50051
# Drains: health answers NOT_SERVING, calls in flight finish within GATEHOUSE_DRAIN_GRACE.
STOPSIGNAL SIGTERM
# Health is asked over gRPC (grpc.health.v1.Health/Check), which orchestrators do themselves.
ENTRYPOINT ["/app/bin/gatehouse"]
CMD ["serve"]
