#!/bin/sh
# Makes /opt/driftline with the Python client (python/), and the C++ client (include/, lib/, bin/) beside an ONNX Runtime.
# NumPy and ONNX Runtime are those of the trainer's lock. Needs python3-venv, a C++ compiler, CMake and Ninja.
#
#   reader.sh SOURCE
set -eu
source=$1
target=/opt/driftline
python3 -m venv "$target/python"
python=$target/python/bin/python
awk '/^[a-z]/ { wanted = /^(numpy|onnxruntime|flatbuffers|packaging|protobuf)==/ } wanted' \
  "$source/trainer/requirements.lock" >/tmp/reader.lock
"$python" -m pip install --quiet --no-cache-dir --only-binary :all: --require-hashes -r /tmp/reader.lock
"$python" -m pip check
# Pure Python: its folder is the package.
packages=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
cp -r "$source/clients/python/src/driftline" "$packages/"
"$python" -m compileall -q "$packages/driftline"

cmake -S "$source/clients/cpp" -B /tmp/cpp -G Ninja -DDRIFTLINE_TESTS=OFF -DDRIFTLINE_EXAMPLES=ON \
  -DCMAKE_INSTALL_LIBDIR=lib >/dev/null
cmake --build /tmp/cpp
cmake --install /tmp/cpp --prefix "$target" >/dev/null
install -D --strip /tmp/cpp/examples/first_response "$target/bin/first_response"
for library in "$packages"/onnxruntime/capi/libonnxruntime.so.1.*; do
  ln -s "$library" "$target/lib/libonnxruntime.so.1"
done
"$python" -m pip uninstall --quiet --yes pip setuptools
rm -rf /tmp/cpp /tmp/reader.lock
