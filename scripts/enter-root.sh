#!/bin/sh
# Runs a command in another root directory. The clone and the folder for temporary files keep their
# paths, so that a path means the same on both sides. The mounts end with the process, which keeps
# its ID and receives signals.
#
#     sh scripts/enter-root.sh ROOT CLONE TEMPORARY COMMAND…
set -e
if [ "$1" != --mounted ]; then
  exec unshare --mount --propagation private sh "$0" --mounted "$@"
fi
root=$2 clone=$3 temporary=$4
shift 4
for path in /proc /dev /sys "$clone" "$temporary"; do
  mkdir -p "$root$path"
  mount --rbind "$path" "$root$path"
done
# It names a file of the other root, and Node.js warns where that is missing.
exec chroot "$root" env --unset=NODE_EXTRA_CA_CERTS --chdir="$clone" "$@"
