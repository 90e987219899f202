# One target per service: api, scheduler, worker-sd, worker-llm; for graphics cards worker-sd-cuda,
# worker-llm-cuda, worker-sd-vulkan, worker-llm-vulkan. For instance
#   docker build --target worker-sd-cuda --tag mystic/worker-sd-cuda .
# System packages come from packages/*.txt, the lists that `mystic` sets a machine up with.

ARG RUST_IMAGE=rust:1.95.0-bookworm
ARG NODE_IMAGE=node:20-bookworm-slim
ARG RUN_IMAGE=debian:bookworm-slim
# CUDA and Vulkan are built on and run from one distribution that has recent drivers and shader compilers.
ARG CUDA_IMAGE=nvidia/cuda:12.8.1
ARG UBUNTU_IMAGE=ubuntu:24.04

FROM ${RUST_IMAGE} AS rust

FROM ${NODE_IMAGE} AS frontend
WORKDIR /src/frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY frontend ./
RUN npm run build

# Build environments: processor, CUDA, Vulkan.

FROM rust AS build-cpu
WORKDIR /src
RUN --mount=source=docker,target=/src/docker --mount=source=packages,target=/src/packages \
    docker/install-packages packages/build.txt

FROM ${CUDA_IMAGE}-devel-ubuntu24.04 AS build-cuda
ENV CARGO_HOME=/usr/local/cargo RUSTUP_HOME=/usr/local/rustup PATH=/usr/local/cargo/bin:/usr/local/cuda/bin:$PATH
COPY --from=rust /usr/local/rustup /usr/local/rustup
COPY --from=rust /usr/local/cargo /usr/local/cargo
WORKDIR /src
RUN --mount=source=docker,target=/src/docker --mount=source=packages,target=/src/packages \
    docker/install-packages packages/build.txt

FROM ${UBUNTU_IMAGE} AS build-vulkan
ENV CARGO_HOME=/usr/local/cargo RUSTUP_HOME=/usr/local/rustup PATH=/usr/local/cargo/bin:$PATH
COPY --from=rust /usr/local/rustup /usr/local/rustup
COPY --from=rust /usr/local/cargo /usr/local/cargo
WORKDIR /src
RUN --mount=source=docker,target=/src/docker --mount=source=packages,target=/src/packages \
    docker/install-packages packages/build.txt packages/build-vulkan.txt packages/image.txt

# Binaries. The toolchain is the image's, so rust-toolchain.toml stays out; ccache keeps the native trees.

FROM build-cpu AS services
COPY . .
COPY --from=frontend /src/frontend/dist frontend/dist
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/root/.cache/ccache \
    docker/build-binaries "api scheduler"

FROM build-cpu AS workers-cpu
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/root/.cache/ccache \
    docker/build-binaries "worker-sd worker-llm"

FROM build-cuda AS workers-cuda
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/root/.cache/ccache \
    docker/build-binaries "worker-sd worker-llm" cuda

FROM build-vulkan AS workers-vulkan
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/root/.cache/ccache \
    docker/build-binaries "worker-sd worker-llm" vulkan

# What the services run in: an unprivileged user, one directory for pictures and one for models.

FROM ${RUN_IMAGE} AS run-cpu
RUN --mount=source=docker,target=/src/docker --mount=source=packages,target=/src/packages \
    cd /src && docker/prepare-image packages/image.txt
COPY docker/mystic.toml /etc/mystic/
ENV MYSTIC_CONFIG=/etc/mystic/mystic.toml
USER mystic
WORKDIR /var/lib/mystic
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["curl", "-fsS", "http://localhost:8787/health"]

FROM ${CUDA_IMAGE}-runtime-ubuntu24.04 AS run-cuda
RUN --mount=source=docker,target=/src/docker --mount=source=packages,target=/src/packages \
    cd /src && docker/prepare-image packages/image.txt
COPY docker/mystic.toml /etc/mystic/
ENV MYSTIC_CONFIG=/etc/mystic/mystic.toml
USER mystic
WORKDIR /var/lib/mystic
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["curl", "-fsS", "http://localhost:8787/health"]

FROM ${UBUNTU_IMAGE} AS run-vulkan
RUN --mount=source=docker,target=/src/docker --mount=source=packages,target=/src/packages \
    cd /src && docker/prepare-image packages/image.txt packages/image-vulkan.txt
COPY docker/mystic.toml /etc/mystic/
ENV MYSTIC_CONFIG=/etc/mystic/mystic.toml
USER mystic
WORKDIR /var/lib/mystic
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["curl", "-fsS", "http://localhost:8787/health"]

# Targets.

FROM run-cpu AS api
COPY --from=services /out/api /usr/local/bin/
ENTRYPOINT ["api"]

FROM run-cpu AS scheduler
COPY --from=services /out/scheduler /usr/local/bin/
ENTRYPOINT ["scheduler"]

FROM run-cpu AS worker-sd
COPY --from=workers-cpu /out/worker-sd /usr/local/bin/
ENTRYPOINT ["worker-sd"]

FROM run-cpu AS worker-llm
COPY --from=workers-cpu /out/worker-llm /usr/local/bin/
ENTRYPOINT ["worker-llm"]

FROM run-cuda AS worker-sd-cuda
COPY --from=workers-cuda /out/worker-sd /usr/local/bin/
ENTRYPOINT ["worker-sd"]

FROM run-cuda AS worker-llm-cuda
COPY --from=workers-cuda /out/worker-llm /usr/local/bin/
ENTRYPOINT ["worker-llm"]

FROM run-vulkan AS worker-sd-vulkan
COPY --from=workers-vulkan /out/worker-sd /usr/local/bin/
ENTRYPOINT ["worker-sd"]

FROM run-vulkan AS worker-llm-vulkan
COPY --from=workers-vulkan /out/worker-llm /usr/local/bin/
ENTRYPOINT ["worker-llm"]
