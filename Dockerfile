# syntax=docker/dockerfile:1

# Builds the program with its lock file. Downloads and compiled dependencies are kept between builds.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --profile dist --locked \
    && install -D -m 0755 target/dist/thermocline /out/thermocline \
    && install -d -m 0755 /out/data

# The same glibc as the build image. No package is installed, and no shell is needed.
FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="thermocline" \
      org.opencontainers.image.description="One HTTP API over a hot and a cold database" \
      org.opencontainers.image.licenses="Apache-2.0"
# Certificates to verify servers with.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/thermocline /usr/local/bin/thermocline
# The folder of the embedded tiers when no server is configured.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
WORKDIR /data
ENV THERMOCLINE_ADDR=0.0.0.0:8080
EXPOSE 8080
# Status 200 while hot answers. The start may have to wait for the databases.
HEALTHCHECK --interval=10s --timeout=12s --start-period=180s --retries=3 CMD ["thermocline", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["thermocline"]
CMD ["serve"]
