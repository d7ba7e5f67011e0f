# syntax=docker/dockerfile:1

# The program, built with its lock file. Cargo's downloads and what it has compiled stay between builds.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked \
    && install -D -m 0755 target/release/thermocline /out/thermocline \
    && install -d -m 0755 /out/data

# The same glibc as the build, and nothing else: no package is installed, no shell is needed.
FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="thermocline" \
      org.opencontainers.image.description="One HTTP API over a hot and a cold database" \
      org.opencontainers.image.licenses="Apache-2.0"
# What servers' certificates are verified with.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/thermocline /usr/local/bin/thermocline
# Where embedded tiers lie when no server is configured.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
WORKDIR /data
ENV THERMOCLINE_ADDR=0.0.0.0:8080
EXPOSE 8080
# The program asks itself: 200 while hot answers. The start may wait for databases.
HEALTHCHECK --interval=10s --timeout=12s --start-period=180s --retries=3 CMD ["thermocline", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["thermocline"]
CMD ["serve"]
