# Postdict as a small image: the program, the libraries it links to, certificates, and nobody who is root.
#
#   docker build -t postdict .
#   docker run -v ./postdict.yaml:/etc/postdict/postdict.yaml:ro postdict

FROM rust:1.89-slim-bookworm AS builder
# What .ci/run installs for a build; the rest of its list is for tests.
RUN apt-get update \
 && apt-get install -y --no-install-recommends build-essential ca-certificates libssl-dev pkg-config zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
RUN cargo build --locked --release --bin postdict \
 && strip target/release/postdict

FROM debian:bookworm-slim
# The program links to OpenSSL and zlib of the system; certificates are for TLS to brokers.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libssl3 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin postdict
COPY --from=builder /build/target/release/postdict /usr/local/bin/postdict
USER 10001:10001
# Where every command looks for postdict.yaml.
WORKDIR /etc/postdict
# Asks the brokers, with the service's own configuration, whether it has what it needs: healthy means that they answer and
# that all topics are as they must be, not that records flow. A service that cannot go on ends by itself, with its reason.
HEALTHCHECK --interval=60s --timeout=30s --start-period=30s --retries=3 CMD ["postdict", "topics", "check"]
ENTRYPOINT ["postdict"]
CMD ["run"]
