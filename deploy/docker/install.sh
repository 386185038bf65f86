#!/bin/sh
# Run while an image is built: install the rooms that are named, and what they need, into /opt/tocsin.
# Versions and hashes come from locks/: a package whose file has another hash ends the build.
set -eu

# Where packages come from, if not from PyPI: --secret id=index,src=FILE with lines such as UV_DEFAULT_INDEX=https://…/simple
# and PIP_INDEX_URL=…; --secret id=ca,src=FILE with the authority of its certificate. Neither stays in the image.
set -a
if [ -f /run/secrets/index ]; then . /run/secrets/index; fi
if [ -f /run/secrets/ca ]; then PIP_CERT=/run/secrets/ca SSL_CERT_FILE=/run/secrets/ca; fi
set +a

python3 -m venv /opt/build
/opt/build/bin/pip install --quiet --disable-pip-version-check --no-cache-dir --require-hashes --only-binary :all: \
  -r locks/build.lock
python3 -m venv --without-pip /opt/tocsin
# The one resolution of this repository as constraints: each room takes from it what it asks for.
PATH=/opt/build/bin:$PATH uv pip install --quiet --python /opt/tocsin/bin/python --no-cache --no-sources --no-build-isolation \
  --compile-bytecode --constraints locks/test.lock "$@"
