# Builds the gateway and puts it, without the toolchain, on a small Debian.
#   docker build -t pollux:local .
#   docker run -p 7860:7860 -v "$PWD/settings.yaml:/etc/pollux/settings.yaml:ro" -v pollux-state:/var/lib/pollux pollux:local
# settings.yaml must listen on every address of the container: server: {listen: "0.0.0.0:7860"}

FROM swift:6.3-bookworm AS build
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        libcurl4-openssl-dev libhiredis-dev libsqlite3-dev libssl-dev libyaml-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Package.swift ./
COPY Sources Sources
COPY Tests Tests
COPY scripts scripts
RUN scripts/build-release.sh && install -D .build/release/pollux /out/pollux

FROM debian:12-slim
COPY packaging/requires /tmp/requires
RUN apt-get update \
    && xargs -a /tmp/requires env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    && rm -rf /var/lib/apt/lists/* /tmp/requires \
    && useradd --system --uid 10001 --home-dir /var/lib/pollux --create-home --shell /usr/sbin/nologin pollux
COPY --from=build /out/pollux /usr/local/bin/pollux
COPY packaging/healthcheck.sh /usr/local/bin/pollux-healthcheck
COPY LICENSE settings.yaml.example /usr/local/share/doc/pollux/
USER 10001
WORKDIR /var/lib/pollux
VOLUME /var/lib/pollux
EXPOSE 7860
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=6s --start-period=10s CMD ["/bin/bash", "/usr/local/bin/pollux-healthcheck"]
ENTRYPOINT ["/usr/local/bin/pollux"]
CMD ["serve", "--settings", "/etc/pollux/settings.yaml"]
