# Sourced, not run: `venv DIRECTORY LOCK` makes the virtual environment DIRECTORY hold exactly what LOCK lists.
# It is made anew only when the lock has changed since, so a second start costs nothing.
venv() {
  local directory=$1 lock=$2 python=${PYTHON:-python3}
  if cmp -s "$lock" "$directory/.installed"; then return; fi
  "$python" -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None' &&
  echo "Installing $lock into $directory, once …" >&2 &&
  "$python" -m venv --clear "$directory" &&
  "$directory/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$lock" &&
  cp "$lock" "$directory/.installed"
}
