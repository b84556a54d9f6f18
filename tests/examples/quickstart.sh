#!/usr/bin/env bash
# quickstart.sh <case> <program> <folder of the examples>: something that the quickstart promises to those who call it.
set -euo pipefail

case=$1 quickstart=$2 examples=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export TMPDIR=$work/tmp
mkdir "$TMPDIR"

fail() { printf '%s\n' "$@" >&2; exit 1; }

# expect <exit code> <options>...: what the quickstart says is then in $work/out.
expect() {
    local code=0
    "$quickstart" --backend memory "${@:2}" >"$work/out" 2>&1 || code=$?
    ((code == $1)) || fail "quickstart ${*:2}: exit code $code, not $1" "$(cat "$work/out")"
}

says() { grep -qF -- "$1" "$work/out" || fail "it does not say: $1" "$(cat "$work/out")"; }
says_nothing_of() { ! grep -F -- "$1" "$work/out" || fail "it says: $1"; }

# It waits for rows from a pipe when the signal comes, with its temporary directory made.
interrupted_by() {
    local code=0
    mkfifo "$work/rows-$1"
    env --default-signal="$1" "$quickstart" --players "$work/rows-$1" &
    exec 3>"$work/rows-$1"
    [[ $(ls "$TMPDIR") == joinly-quickstart-* ]] || fail "there is no temporary directory to remove"
    kill -s "$1" $!
    wait $! || code=$?
    exec 3>&-
    ((code == 128 + $(kill -l "$1"))) || fail "exit code $code after $1"
    [[ -z $(ls "$TMPDIR") ]] || fail "left behind after $1: $(ls "$TMPDIR")"
}

case $case in
    help_is_that_of_the_script) diff <("$quickstart" --help) <(bash "$examples/run" --help) ;;
    interrupted_leaves_nothing_behind) interrupted_by INT && interrupted_by TERM ;;
    players_alone_come_without_the_sample)
        expect 0 --sample "$examples/data" --players "$examples/data/players.jsonl"
        says "players  from"
        says "0 lobbies"
        says_nothing_of "lobbies  from"
        ;;
    missing_lobby_is_an_error)
        expect 1 --sample "$examples/data" --lobby nope
        says "there is no lobby nope"
        ;;
    *) fail "no such case: $case" ;;
esac
