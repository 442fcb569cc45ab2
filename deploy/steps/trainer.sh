#!/bin/sh
# Makes the trainer's environment in /opt/driftline/trainer, where the platform looks for it. Needs python3-venv.
#
#   trainer.sh SOURCE
set -eu
lock=$1/trainer/requirements.lock
trainer=/opt/driftline/trainer
mkdir -p "$trainer"
# The lock belongs to the digest of the environment, which a recipe carries.
cp "$lock" "$trainer/"
python3 -m venv "$trainer/.venv"
# Compiled now, because the user of the image cannot write here.
"$trainer/.venv/bin/python" -m pip install --quiet --no-cache-dir --require-hashes --only-binary :all: -r "$lock"
"$trainer/.venv/bin/python" -m pip uninstall --quiet --yes pip setuptools
