#!/bin/sh
# Makes .venv and installs the lock files named as arguments into it, each only when it changed; then the static
# files. Needs Python >= 3.11 with venv, nothing else.
set -eu
cd "$(dirname "$0")"

fail() {
    echo "skillora: $1" >&2
    exit 1
}

usable() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if ! { [ -x .venv/bin/python ] && .venv/bin/python -m pip --version >/dev/null 2>&1; }; then
    python=""
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if usable "$candidate"; then
            python=$candidate
            break
        fi
    done
    [ -n "$python" ] || fail "Python 3.11 or newer is needed and was not found; install it, or name it: make run PYTHON=/path/to/python3"
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
        fail "$python has no venv module; install it (Debian, Ubuntu: apt install python3-venv)"
    echo "making .venv with $("$python" --version)"
    said=$("$python" -m venv --clear .venv 2>&1) || fail "the environment .venv could not be made: $(echo "$said" | tail -n 1)"
fi

for lock in "$@"; do
    stamp=.venv/installed-$lock
    if ! cmp -s "$lock" "$stamp"; then
        echo "installing $lock (a minute on a plain connection)"
        .venv/bin/python -m pip install -qq --no-input --no-compile --require-hashes -r "$lock" ||
            fail "the packages of $lock could not be installed; see the lines above, then run the same command again"
        # pip compiles on one core, and the packages' own tests too; a file that does not compile is never imported.
        .venv/bin/python -m compileall -q -j 0 -x '/tests/' .venv/lib >/dev/null || true
        cp "$lock" "$stamp"
        rm -f staticfiles/staticfiles.json
    fi
done

# Once for all processes: where PYTHONDONTWRITEBYTECODE is set, each would compile all of it anew, half a second long.
.venv/bin/python -m compileall -q -j 0 skillora accounts runs ingest analytics hiring market >/dev/null || true

if [ ! -f staticfiles/staticfiles.json ] ||
    [ -n "$(find static setup.sh -newer staticfiles/staticfiles.json -print 2>/dev/null | head -n 1)" ]; then
    echo "collecting static files"
    said=$(.venv/bin/python manage.py collectstatic --noinput -v 0 2>&1) ||
        fail "static files could not be collected: $(echo "$said" | tail -n 1)"
fi
