#!/usr/bin/env bash
# Builds the images with whatever builder is here: podman, buildah or docker for images, apptainer for .sif files.
#
#   deploy/build.sh [--bases DIRECTORY] [--apptainer DIRECTORY] [trainer|platform|reader]…
#
# --bases takes the base images from archives (deploy/bases.sh makes them) in place of a registry; --apptainer makes
# NAME.sif in a directory. More options for the builder: DRIFTLINE_BUILD_OPTIONS, such as "--network host".
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
bases=
images=
names=()
while (($# > 0)); do
  case $1 in
    --bases) bases=$(cd "${2:?}" && pwd) && shift 2 ;;
    --apptainer) images=$(cd "${2:?}" && pwd) && shift 2 ;;
    trainer | platform | reader) names+=("$1") && shift ;;
    *)
      echo "deploy/build.sh: unknown: $1. Images: trainer, platform, reader; options: --bases, --apptainer." >&2
      exit 2
      ;;
  esac
done
((${#names[@]} > 0)) || names=(trainer platform reader)
read -ra more <<<"${DRIFTLINE_BUILD_OPTIONS:-}"

version=$(sed -n 's/^  "version": "\(.*\)",/\1/p' packages/driftline/package.json)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
[[ -z $(git status --porcelain 2>/dev/null) ]] || revision+=-modified

with_apptainer() {
  if ! command -v apptainer >/dev/null; then
    echo "There is no apptainer on this machine. Elsewhere: apptainer build NAME.sif deploy/NAME.def" >&2
    exit 1
  fi
  local name arguments
  for name in "${names[@]}"; do
    arguments=(--build-arg "VERSION=$version" --build-arg "REVISION=$revision")
    if [[ -n $bases ]]; then
      arguments+=(--build-arg BOOTSTRAP=docker-archive --build-arg "DEBIAN_IMAGE=$bases/debian.tar")
      # An argument that a definition has not is an error.
      [[ $name != platform ]] || arguments+=(--build-arg "NODE_IMAGE=$bases/node.tar")
    fi
    apptainer build --force "${more[@]}" "${arguments[@]}" "$images/driftline-$name.sif" "deploy/$name.def"
  done
}

with_builder() {
  local builder name arguments=(--label "org.opencontainers.image.version=$version" --label "org.opencontainers.image.revision=$revision")
  for builder in podman buildah docker; do
    "$builder" info >/dev/null 2>&1 && break
    builder=
  done
  if [[ -z $builder ]]; then
    echo "There is neither podman nor buildah on this machine, nor a docker that answers. Debian: apt-get install buildah podman" >&2
    exit 1
  fi
  # The health check is part of Docker's format of images alone.
  [[ $builder == docker ]] || arguments+=(--format docker)
  if [[ -n $bases ]]; then
    if [[ $builder == docker ]]; then
      for name in debian node; do docker load --quiet --input "$bases/$name.tar"; done
      arguments+=(--build-arg DEBIAN_IMAGE=localhost/driftline-base/debian --build-arg NODE_IMAGE=localhost/driftline-base/node)
    else
      arguments+=(--build-arg "DEBIAN_IMAGE=docker-archive:$bases/debian.tar" --build-arg "NODE_IMAGE=docker-archive:$bases/node.tar")
    fi
  fi
  for name in "${names[@]}"; do
    "$builder" build "${more[@]}" "${arguments[@]}" --target "$name" --tag "localhost/driftline-$name:$version" \
      --file deploy/Containerfile .
  done
}

if [[ -n $images ]]; then with_apptainer; else with_builder; fi
