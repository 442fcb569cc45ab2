#!/usr/bin/env bash
# Makes stand-ins for the base images, where no registry of images can be reached: Debian from its packages, Node and npm
# from those of this checkout (`npm run setup`). deploy/build.sh takes them with --bases DIRECTORY.
#
#   deploy/bases.sh DIRECTORY
#
# Needs mmdebstrap, and buildah as root or with user namespaces. Certificate authorities of this machine go with them.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
directory=${1:?name a directory for the images}
mkdir -p "$directory"

mmdebstrap --quiet --variant=minbase --include=ca-certificates \
  --customize-hook='cp /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/"' \
  bookworm "$directory/debian-root.tar" http://deb.debian.org/debian

# image NAME BASE [FILE TARGET]…: one layer on a base, as an archive that podman, docker and apptainer read.
image() {
  local name=$1 base=$2 container
  shift 2
  container=$(buildah from "$base")
  while (($# > 0)); do
    buildah add --quiet "$container" "$1" "$2" >/dev/null
    shift 2
  done
  buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    --env SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt --env PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt --cmd bash "$container"
  rm -f "$directory/$name.tar"
  buildah commit --quiet --rm --format docker "$container" "docker-archive:$directory/$name.tar:localhost/driftline-base/$name" >/dev/null
}

image debian scratch "$directory/debian-root.tar" /
npm=$(mktemp -d)
trap 'rm -rf "$npm"' EXIT
mkdir -p "$npm/bin" "$npm/lib/node_modules"
cp "$root/node_modules/node/bin/node" "$npm/bin/"
program=$(readlink -f "$(command -v npm)")
cp -r "${program%/bin/npm-cli.js}" "$npm/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$npm/bin/npm"
image node scratch "$directory/debian-root.tar" / "$npm" /usr/local
rm "$directory/debian-root.tar"
ls -l "$directory"
