# For a person with Docker and no Rust: compiles the static binaries and gives the two build contexts
# that `cargo xtask images --prepare` gives. How to use it is in images/README.md.
FROM rust:1.95-bookworm AS compile
WORKDIR /ottla
COPY . .
RUN cargo xtask images --prepare

FROM scratch
COPY --from=compile /ottla/target/images/ /
