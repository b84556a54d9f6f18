#!/usr/bin/env bash
# tool.sh <case> <the program joinly>: something that the tool promises to those who call it.
set -euo pipefail

case=$1 joinly=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export TMPDIR=$work

fail() { printf '%s\n' "$@" >&2; exit 1; }

# expect <exit code> <arguments>...: what the tool says is then in out (data) and err (messages).
expect() {
    local code=0
    "$joinly" "${@:2}" >out 2>err </dev/null || code=$?
    ((code == $1)) || fail "joinly ${*:2}: exit code $code, not $1" "$(cat out err)"
}

says() { grep -qF -- "$1" out || fail "no data: $1" "$(cat out err)"; }
messages() { grep -qF -- "$1" err || fail "no message: $1" "$(cat out err)"; }
is_silent() { [[ ! -s err ]] || fail "there are messages:" "$(cat err)"; }
outputs() { [[ $(cat out) == "$1" ]] || fail "not the data that were expected: $1" "$(cat out)"; }

# until_there <pattern>: of files that what runs in the background makes.
until_there() {
    until compgen -G "$1" >/dev/null; do kill -0 $! 2>/dev/null || fail "it ended without $1" "$(cat err)"; done
}

# Each line of out is a JSON object, and python's <expression> over the list `rows` of them holds.
json_holds() {
    python3 -c 'import json, sys
rows = [json.loads(line) for line in open("out")]
assert all(isinstance(row, dict) for row in rows), rows
assert eval(sys.argv[1]), rows' "$1" || fail "$1 does not hold"
}

# Both backends, one store each, with the same three records.
each_store() {
    for store in sqlite:db leveldb:dir; do
        "$joinly" put "$store" player:ada '{"username": "Ada", "skill_rating": 1200}' 2>err
        "$joinly" put "$store" lobby:1 '{"max_players": 4}' --ttl 1h
        "$joinly" put "$store" note 'hello'
        "$@" "$store"
    done
}

gives_back_what_it_took() {
    expect 0 get "$1" player:ada --json
    json_holds 'rows[0]["value"]["username"] == "Ada" and rows[0]["value"]["player_id"] == "ada" and rows[0]["expires_at"] is None'
    is_silent
    expect 0 get "$1" lobby:1 note --json
    json_holds 'rows[0]["expires_at"] > 1.7e9 and rows[1]["value"] == "hello"'
    expect 0 get "$1" note
    outputs hello
    expect 0 ls "$1"
    outputs $'lobby:1\nnote\nplayer:ada'
    expect 0 ls "$1" player:
    outputs player:ada
    expect 0 ls "$1" --limit 1 --after lobby:1
    outputs note
    expect 0 ls "$1" --json
    json_holds '[row["key"] for row in rows] == ["lobby:1", "note", "player:ada"] and rows[1]["bytes"] == 5'
    is_silent
}

tells_what_is_there() {
    expect 0 info "$1"
    says "codec         binary"
    says "lobby, player, keys of no kind"
    expect 0 info "$1" --json
    json_holds 'rows[0]["kinds"] == ["lobby", "player"] and rows[0]["keys_of_no_kind"] and rows[0]["bytes_on_disk"] > 0'
    expect 0 stats "$1" --json
    json_holds 'sum(rows[0]["bytes_on_disk"].values()) > 0'
    json_holds 'rows[0]["kinds"]["player"]["records"] == 1 and rows[0]["kinds"]["lobby"]["expiring"] == 1'
    expect 0 stats "$1"
    is_silent
}

exits_1_when_the_answer_is_no() {
    expect 1 get "$1" player:nobody
    messages "player:nobody: not found"
    outputs ""
    expect 1 get "$1" player:ada player:nobody
    says '"username":"Ada"'
    expect 1 erase "$1" player:nobody note
    expect 1 get "$1" note
    expect 1 put "$1" player:ada '{}' --expect absent
    messages "player:ada is not at the version that was expected"
    expect 1 erase "$1" player:ada --expect 1000
    expect 0 get "$1" player:ada
}

exits_2_when_it_cannot_be_done() {
    expect 2 put "$1" player:ada '{"skill_rating": "high"}'
    messages "skill_rating"
    expect 2 put "$1" player:ada '{"skil_rating": 3}'
    messages "no fields of a player: player_id, username, skill_rating"
    expect 2 put "$1" player:ada '{"player_id": "bob"}'
    messages "its id is 'bob', and the key 'ada'"
    expect 2 put "$1" player:ada 'no json'
    expect 2 put "$1" player: '{}'
    expect 2 put "$1" player:ada '{}' --ttl soon
    messages "'soon' is no duration"
    expect 2 put "$1" player:ada '{}' --ttl 0s
    expect 2 put "$1" player:ada '{}' --expect newest
    expect 2 get "$1" 'player:\q'
    messages "a key's backslash begins a byte"
    expect 2 info "${1/:/+json:}"
    messages "are written in binary"
    expect 0 get "$1" player:ada
    says '"skill_rating":1200'
}

# Any bytes in keys and values go in and come out.
takes_any_bytes() {
    printf 'a\0\377\n' | "$joinly" put "$1" 'raw\x00\xff:\x5c'
    expect 0 ls "$1" raw
    outputs 'raw\x00\xff:\x5c'
    expect 0 get "$1" "$(cat out)"
    cmp out <(printf 'a\0\377\n')
    expect 0 get "$1" 'raw\x00\xff:\x5c' --json
    json_holds 'rows[0]["value_base64"] == "YQD/Cg=="'
    expect 0 put "$1" $'player:Zo\xc3\xab' '{}'
    expect 0 ls "$1" player:Zo
    outputs $'player:Zo\xc3\xab'
    expect 0 get "$1" "$(cat out)"
    expect 0 erase "$1" 'raw\x00\xff:\x5c'
}

sweeps_what_has_expired() {
    "$joinly" put "$1" lobby:old '{}' --ttl 1ms
    "$joinly" put "$1" lobby:older '{}' --ttl 1ms
    until [[ $("$joinly" ls "$1" lobby:old) == "" ]]; do :; done
    expect 1 get "$1" lobby:old
    expect 0 sweep "$1"
    [[ $(sort out) == $'lobby:old\nlobby:older' ]] || fail "it swept $(cat out)"
    messages "erased 2 expired records"
    expect 0 sweep "$1"
    outputs ""
}

# A store that is not there is told, and not made.
does_not_make_what_is_missing() {
    for command in info get ls stats query erase sweep dump verify repair; do
        for store in sqlite:missing leveldb:missing; do
            case $command in
                get | erase) expect 2 $command $store player:ada ;;
                query) expect 2 $command $store 'SELECT 1' ;;
                *) expect 2 $command $store ;;
            esac
            messages "there is no store at $store"
        done
        [[ ! -e missing ]] || fail "$command has made one"
    done
    expect 2 ls missing
    messages "sqlite:missing or leveldb:missing"
}

refuses_what_makes_no_sense() {
    expect 2
    expect 2 frobnicate
    messages "there is no command 'frobnicate'"
    expect 2 get
    messages "See joinly get --help"
    expect 2 get sqlite:db
    expect 2 ls sqlite:db --limit many
    expect 2 ls sqlite:
    messages "lacks the path"
    expect 2 put sqlite+xml:db note hello
    messages "not by +xml"
    expect 2 bench --backend redis
    expect 2 bench "$work/nowhere"
    [[ $(ls) == $'err\nout' ]] || fail "something was made: $(ls)"
}

# Every command of the first page has a page of its own, with examples; and the other way round.
helps() {
    expect 0 --help
    cp out first_page
    "$joinly" 2>first_page_again || true
    cmp first_page first_page_again
    local commands
    commands=$(sed -n 's/^  \([a-z]*\)  *[a-zA-Z].*/\1/p' first_page | grep -vx joinly)
    for command in $commands; do
        expect 0 "$command" --help
        says "Examples:"
        says "  joinly $command"
        cp out page
        expect 0 help "$command"
        cmp out page
    done
    for command in info get put ls erase dump load backup restore migrate verify repair sweep stats query bench; do
        grep -qx "$command" <<<"$commands" || fail "the first page says nothing of $command"
    done
}

answers_sql() {
    "$joinly" put sqlite+json:db player:ada '{"username": "Ada", "skill_rating": 1200}'
    "$joinly" put db player:bob '{"username": "Bob"}'
    expect 0 info db
    says "codec         json"
    expect 2 query db 'SELECT username FROM player'
    expect 0 query db --views 'SELECT username, skill_rating FROM player ORDER BY 2'
    outputs $'username  skill_rating\nBob                  0\nAda               1200'
    expect 0 query db --json 'SELECT username, skill_rating FROM player ORDER BY 2 DESC'
    json_holds 'rows == [{"username": "Ada", "skill_rating": 1200}, {"username": "Bob", "skill_rating": 0}]'
    expect 2 query db 'DELETE FROM record'
    expect 2 query db 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n' --timeout 50ms
    "$joinly" put leveldb:dir note hello
    expect 2 query dir 'SELECT 1'
    messages "only an SQLite store answers SQL"
}

refuses_what_is_no_store() {
    echo "not a database, but long enough to be taken for a file of some other program's making" >text
    expect 2 info text
    messages "text"
    mkdir other && echo >other/file
    expect 2 info other
    [[ $(ls other) == file ]] || fail "it has made something of it: $(ls other)"
}

tells_of_output_that_is_lost() {
    "$joinly" put sqlite:db note hello
    local code=0
    "$joinly" ls db >/dev/full 2>err || code=$?
    ((code == 2)) || fail "exit code $code"
    messages "stdout cannot be written"
}

measures() {
    expect 0 bench --records 200 --json
    json_holds 'len(rows) == 10 and all(row["joinly_per_second"] > 0 and row["bare_per_second"] > 0 for row in rows)'
    expect 0 bench --records 200 --backend leveldb
    says "save, one by one"
    is_silent
    [[ $(ls) == $'err\nout' ]] || fail "left behind: $(ls)"
}

# It is told to end while it works: it leaves nothing behind, and ends as the signal would have ended it.
bench_interrupted() {
    local code=0
    env --default-signal=INT "$joinly" bench --records 500000 2>err >out &
    until_there 'joinly-*'
    kill -s INT $!
    wait $! || code=$?
    ((code == 130)) || fail "exit code $code"
    messages "interrupted"
    ! compgen -G "$work/joinly-*" || fail "left behind"
}

# --- everything that a store holds

# <n> players of 200 bytes, as a dump without its first line has them.
players() {
    awk -v n="$1" 'BEGIN { pad = sprintf("%120s", ""); gsub(" ", "x", pad)
        for (i = 1; i <= n; ++i)
            printf "{\"key\":\"player:p%07d\",\"version\":%d,\"value\":{\"player_id\":\"p%07d\",\"username\":\"%s\",\"skill_rating\":%d}}\n", i, i, i, pad, i % 3000 }'
}
many=20000  # enough that a signal comes in the middle

# The records of a store alone, as text that does not depend on its backend and codec.
records() { "$joinly" dump "$1" 2>err | grep '^{"key":"[a-z]'; }
same_records() { cmp <(records "$1") <(records "$2") || fail "$1 and $2 do not hold the same"; }
has_players() { [[ $("$joinly" stats "$1" --json) == *'"player":{"records":'"$2"',"expired"'* ]] || fail "$("$joinly" stats "$1")"; }

dumps_and_loads() {
    local other=leveldb+json:other
    [[ $1 == sqlite:* ]] || other=sqlite+json:other
    printf 'a\0\377' | "$joinly" put "$1" 'raw\x00\xff'
    expect 0 dump "$1" dump.jsonl
    messages "dumped"
    outputs ""
    expect 2 dump "$1" dump.jsonl
    messages "dump.jsonl is there already"
    expect 0 dump "$1" dump.jsonl --force
    expect 0 dump "$1"
    json_holds 'rows[0]["joinly_dump"] == 1 and "joinly_dump_end" in rows[-1] and any(row.get("key") == "lobby:1" for row in rows)'
    cmp out dump.jsonl
    expect 0 load $other dump.jsonl --raw-kind raw
    same_records "$1" $other
    expect 0 get other 'raw\x00\xff' --json
    json_holds 'rows[0]["value_base64"] == "YQD/"'
    expect 1 load $other dump.jsonl
    messages "line"
    expect 0 load $other dump.jsonl --existing skip --json
    json_holds 'rows[0]["loaded"] == 0 and rows[0]["skipped"] > 0'
    expect 0 load $other dump.jsonl --existing overwrite
    head -n -1 dump.jsonl >cut.jsonl
    expect 1 load "${1%%:*}:fresh" cut.jsonl
    echo 'no json' >bad.jsonl
    expect 1 load "${1%%:*}:fresh" bad.jsonl --existing overwrite
    messages "line 1"
    expect 2 load "$1" dump.jsonl --existing perhaps
    expect 2 load "$1" nowhere.jsonl
    rm -rf dump.jsonl other fresh
}

migrates() {
    local other=leveldb:other
    [[ $1 == sqlite:* ]] || other=sqlite:other
    expect 0 migrate "$1" "${other/:/+json:}" --dry-run
    messages "nothing was written"
    [[ ! -e other ]] || fail "the dry run has made something"
    expect 0 migrate "$1" "${other/:/+json:}" --json
    json_holds 'rows[0]["finished"] and rows[0]["kinds"]["player"] == 1'
    same_records "$1" $other
    expect 0 info $other
    says "codec         json"
    expect 0 migrate "$1" $other
    messages "0 records were written"
    "$joinly" put $other here before
    expect 1 migrate "$1" $other
    messages "the target holds records already"
    "$joinly" erase $other here
    expect 0 migrate $other "${other%%:*}+binary+zstd:back"
    same_records "$1" "${other%%:*}:back"
    expect 2 migrate sqlite:missing $other
    "$joinly" put "$1" config:main 'of no kind that is known'
    expect 2 migrate "$1" "${other%%:*}+json:third"
    messages "--raw-kind"
    expect 0 migrate "$1" "${other%%:*}+json:third" --raw-kind config
    rm -rf other back third
}

# on_full_disk <KiB> <arguments>...: no file can become larger than that, which is what a plain user can have of a full disk.
on_full_disk() {
    local code=0
    (trap '' XFSZ; ulimit -f "$1"; exec "$joinly" "${@:2}") >out 2>err </dev/null || code=$?
    ((code == 2)) || fail "joinly ${*:2} on a full disk: exit code $code, not 2" "$(cat out err)"
    messages "joinly: "
}

leaves_nothing_half_made_on_a_full_disk() {
    local other=leveldb:other third=leveldb+json:third before
    [[ $1 == sqlite:* ]] || other=sqlite:other third=sqlite+json:third
    players 6000 >players.jsonl
    expect 0 load "$1" players.jsonl
    has_players "$1" 6001
    before=$(ls)
    on_full_disk 256 dump "$1" dump.jsonl
    messages "cannot write dump.jsonl"
    on_full_disk 256 backup "$1" backups
    messages backups
    [[ -z $(ls -A backups) ]] || fail "left behind: $(ls -A backups)"
    rmdir backups
    [[ $(ls) == "$before" ]] || fail "left behind: $(ls)"
    expect 0 verify "$1"

    on_full_disk 512 load $other players.jsonl
    messages "other"
    messages "joinly load $other players.jsonl --existing skip"
    expect 0 load $other players.jsonl --existing skip
    has_players $other 6000

    on_full_disk 512 migrate "$1" $third
    messages "third"
    messages "the same command goes on: joinly migrate $1 $third"
    expect 0 migrate "$1" $third
    same_records "$1" $third
    rm -rf other third
}

# Reads the pipe only after the signal has come: so the dump is surely under way.
dump_interrupted() {
    local code=0
    players $many | "$joinly" load sqlite:db 2>err
    mkfifo pipe
    env --default-signal=INT "$joinly" dump db >pipe 2>err &
    exec 3<pipe
    head -n 1 <&3 >/dev/null
    kill -s INT $!
    cat <&3 >rest
    wait $! || code=$?
    ((code == 130)) || fail "exit code $code"
    messages "interrupted"
    ! grep -q joinly_dump_end rest || fail "it went on to the end"
}

load_interrupted() {
    local code=0
    players $many >players.jsonl
    mkfifo pipe
    env --default-signal=INT "$joinly" load sqlite:db pipe --raw-kind raw --raw-kind config 2>err &
    exec 3>pipe
    head -n 14000 players.jsonl >&3
    kill -s INT $!
    tail -n +14001 players.jsonl >&3 || true
    exec 3>&-
    wait $! || code=$?
    ((code == 130)) || fail "exit code $code" "$(cat err)"
    messages "joinly load sqlite:db pipe --existing skip --raw-kind raw --raw-kind config"
    expect 0 load db players.jsonl --existing skip
    has_players db $many
}

migrate_interrupted() {
    local signal code
    players $many | "$joinly" load sqlite:db 2>err
    for signal in INT KILL; do
        code=0
        env --default-signal=INT "$joinly" migrate db leveldb+json:dir --raw-kind raw 2>err &
        until_there 'dir/CURRENT'
        kill -s $signal $!
        wait $! 2>/dev/null || code=$?
        ((code == 128 + $(kill -l $signal))) || fail "exit code $code after $signal" "$(cat err)"
        [[ $signal == KILL ]] || messages "the same command goes on: joinly migrate db leveldb+json:dir --raw-kind raw"
        expect 0 migrate db leveldb+json:dir
        has_players dir $many
        same_records db dir
        rm -rf dir
    done
}

# Nothing was written, and the command that goes on is no other than the one that was interrupted.
dry_run_interrupted() {
    local code=0
    players $many | "$joinly" load sqlite:db 2>err
    env --default-signal=INT "$joinly" migrate db leveldb+json:dir --dry-run 2>err &
    until_there 'joinly-*/dry_run/CURRENT'
    kill -s INT $!
    wait $! || code=$?
    ((code == 130)) || fail "exit code $code" "$(cat err)"
    messages "interrupted: nothing was written; run the same command again"
    ! grep -qF "joinly migrate" err || fail "it says to do what is no dry run" "$(cat err)"
    [[ $(ls) == $'db\nerr' ]] || fail "left behind: $(ls)"
}

# --- backup and restore

backs_up_and_restores() {
    local made
    expect 0 backup "$1" backups
    made=$(cat out)
    [[ -e $made/manifest.json ]] || fail "there is no backup at '$made'"
    messages "3 records"
    "$joinly" erase "$1" player:ada
    "$joinly" put "$1" player:new '{}'
    expect 0 restore "$made" "$1"
    messages "what was there is now at"
    expect 0 ls "$1"
    outputs $'lobby:1\nnote\nplayer:ada'
    expect 0 restore "$made" "${1%%:*}:copy" --json
    json_holds 'rows[0]["records"] == 3 and rows[0]["replaced"] == ""'
    same_records "$1" "${1%%:*}:copy"
    expect 0 restore "$made" elsewhere  # what it is, the backup tells
    expect 0 backup "$1" backups --keep 1 --json
    json_holds 'rows[0]["records"] == 3 and rows[0]["removed"] == 1'
    expect 2 restore "$made" "$1"
    messages "no backup is there"
    expect 2 restore "$(echo backups/*)" "$([[ $1 == sqlite:* ]] && echo leveldb || echo sqlite):other"
    expect 2 backup "$1" backups --name 'No Name'
    expect 2 backup "${1%%:*}:missing" backups
    messages "there is no store at"
    rm -rf backups copy elsewhere
}

refuses_a_damaged_backup() {
    local made
    expect 0 backup "$1" backups
    made=$(cat out)
    "$joinly" put "$1" player:new '{}'
    sed -i 's/"version": *[0-9]/&1/' "$made/manifest.json"
    expect 1 restore "$made" "$1"
    messages "manifest.json"
    expect 0 get "$1" player:new
    rm -rf backups
}

backup_interrupted() {
    local code=0
    players $many | "$joinly" load sqlite:db 2>err
    env --default-signal=INT "$joinly" backup db backups >out 2>err &
    until_there 'backups/*.partial*'
    kill -s INT $!
    wait $! || code=$?
    ((code == 130)) || fail "exit code $code" "$(cat err)"
    messages "interrupted"
    [[ -z $(ls backups) ]] || fail "left behind: $(ls backups)"
    expect 0 backup db backups
    has_players db $many
}

# --- damage

# Overwrites the stored name of a player: a byte in the one file that has it.
damage() {
    python3 - "$1" "$2" <<'END'
import pathlib, sys
for file in pathlib.Path(sys.argv[1]).rglob("*") if pathlib.Path(sys.argv[1]).is_dir() else [pathlib.Path(sys.argv[1])]:
    bytes = file.read_bytes()
    at = bytes.find(sys.argv[2].encode())
    if at >= 0:
        file.write_bytes(bytes[:at] + b"?" + bytes[at + 1:])
        sys.exit(0)
sys.exit("there is no such byte")
END
}

verifies() {
    expect 0 verify "$1"
    messages "sound: 3 records"
    outputs ""
    expect 0 verify "$1" --json
    json_holds 'rows[0]["sound"] and rows[0]["flaws"] == [] and rows[0]["kinds"]["player"] == 1'
    expect 0 verify "$1" --quick
    expect 2 verify "${1%%:*}:missing"
}

tells_damage_and_repairs_sqlite() {
    for name in Ada Bob Eve; do "$joinly" put sqlite:db player:$name "{\"username\": \"name of $name\"}" 2>err; done
    damage db "name of Bob"
    expect 1 verify db
    says "player:Bob"
    expect 1 verify db --json
    json_holds 'not rows[0]["sound"] and rows[0]["flaws"][0]["key"] == "player:Bob" and rows[0]["flaws"][0]["code"] == "corrupt"'
    expect 1 get db player:Bob
    expect 1 dump db
    expect 1 backup db backups
    expect 2 repair db
    messages "say where to"
    expect 1 repair db saved
    outputs player:Bob
    messages "1 are lost"
    expect 0 verify saved
    expect 0 ls saved
    outputs $'player:Ada\nplayer:Eve'
    expect 2 repair db saved
    expect 0 repair saved saved_again --json
    json_holds 'rows[0]["records"] > 0 and rows[0]["lost"] == 0'
}

tells_damage_and_repairs_leveldb() {
    players 3 | "$joinly" load leveldb:dir 2>err
    expect 0 verify dir
    rm dir/CURRENT
    expect 1 verify dir
    messages "repair"
    expect 2 repair dir elsewhere
    expect 0 repair dir
    expect 0 verify dir
    has_players dir 3
}

shows_how_far_it_is_on_a_terminal() {
    players $many >players.jsonl
    script -qec "'$joinly' load sqlite:db players.jsonl" /dev/null >screen
    grep -q $'\rloading.*\[#*\.*\].* %' screen || fail "no bar: $(cat -v screen)"
    script -qec "'$joinly' dump db players.jsonl --force" /dev/null >screen
    grep -q $'\rdumping.*\[#*\.*\].* of 20,000' screen || fail "no bar: $(cat -v screen)"
    "$joinly" dump db >/dev/null 2>err
    [[ $(cat err) == "dumped "* ]] || fail "not silent: $(cat -v err)"
}

case $case in
    gives_back_what_it_took | tells_what_is_there | exits_1_when_the_answer_is_no | exits_2_when_it_cannot_be_done | takes_any_bytes | \
        sweeps_what_has_expired | dumps_and_loads | migrates | leaves_nothing_half_made_on_a_full_disk | backs_up_and_restores | \
        refuses_a_damaged_backup | verifies) each_store "$case" ;;
    does_not_make_what_is_missing | refuses_what_makes_no_sense | helps | answers_sql | refuses_what_is_no_store | \
        tells_of_output_that_is_lost | measures | bench_interrupted | dump_interrupted | load_interrupted | migrate_interrupted | \
        dry_run_interrupted | backup_interrupted | tells_damage_and_repairs_sqlite | tells_damage_and_repairs_leveldb | shows_how_far_it_is_on_a_terminal) "$case" ;;
    *) fail "no such case: $case" ;;
esac
